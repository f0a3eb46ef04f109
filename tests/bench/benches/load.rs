//! How long it takes to load the library, in fresh processes with the file in the page cache.

#![expect(unsafe_code, reason = "the steps of loading are taken one by one, and one is the linker's")]

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pointsman_bench::artifacts::Artifacts;
use pointsman_bench::rounds::spread;
use pointsman_bench::{servers, size, table};
use pointsman_loader::api::abi_stable::library::lib_header_from_path;
use pointsman_loader::api::abi_stable::std_types::ROption;
use pointsman_loader::api::{RootRef, StartOptions, VERSION_SYMBOL};
use pointsman_loader::{Silent, inspect, load};

/// Tells a fresh process which library to load, and how.
const VARIABLE: &str = "POINTSMAN_BENCH_LOAD";

/// The steps of `load`.
const STEPS: [&str; 4] = ["inspect the file", "link it", "ask its version", "compare all types"];
/// What a host calls.
const WHOLE: [&str; 2] = ["load, all in all", "start a router"];

fn main() -> io::Result<()> {
    if let Some(order) = std::env::var_os(VARIABLE) {
        let order = order.to_string_lossy().into_owned();
        let (how, path) = order.split_once(' ').ok_or(io::ErrorKind::InvalidInput)?;
        let times = if how == "steps" { by_steps(Path::new(path)) } else { as_a_whole(Path::new(path)) };
        return tell(&times);
    }
    if !size::is_asked_for() {
        return Ok(());
    }
    let library = Artifacts::build()?.library();
    let bytes = std::fs::metadata(&library)?.len();
    table::say(&format!("the library has {:.1} MB", bytes as f64 / 1e6));
    measure("As a host does it", "whole", &WHOLE, &library)?;
    measure("Step by step", "steps", &STEPS, &library)
}

fn measure(title: &str, how: &str, steps: &[&str], library: &Path) -> io::Result<()> {
    let runs: Vec<Vec<f64>> =
        (0..size::rounds(30)).map(|_| fresh(how, library)).collect::<io::Result<_>>()?;
    let row = |(place, step): (usize, &&str)| {
        let times = runs.iter().map(|run| run[place]).collect();
        vec![(*step).to_owned(), table::spread(spread(times), 2)]
    };
    let rows: Vec<_> = steps.iter().enumerate().map(row).collect();
    table::print(&format!("{title}, in a fresh process"), &["step", "ms (quartiles)"], &rows);
    Ok(())
}

/// Runs this program again, and reads its times in milliseconds.
fn fresh(how: &str, library: &Path) -> io::Result<Vec<f64>> {
    let mut again = Command::new(std::env::current_exe()?);
    let output = again.env(VARIABLE, format!("{how} {}", library.display())).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let times: Option<Vec<f64>> = text.split_whitespace().map(|time| time.parse().ok()).collect();
    times.filter(|times| !times.is_empty()).ok_or_else(|| io::Error::other("the fresh process failed"))
}

fn tell(times: &[Duration]) -> io::Result<()> {
    let text: Vec<_> = times.iter().map(|time| (time.as_nanos() as f64 / 1e6).to_string()).collect();
    writeln!(io::stdout(), "{}", text.join(" "))
}

fn as_a_whole(path: &Path) -> Vec<Duration> {
    let (library, loading) = timed(|| load(path).expect("the library that was just built"));
    let (router, starting) = timed(|| library.start(options(), Silent).expect("a valid configuration"));
    drop(router);
    vec![loading, starting]
}

fn by_steps(path: &Path) -> Vec<Duration> {
    let (_, inspecting) = timed(|| inspect(path).expect("the library that was just built"));
    // SAFETY: the library is ours, and loading it runs no code but that of its own start.
    let (library, linking) = timed(|| unsafe { libloading::Library::new(path) }.expect("a sound library"));
    let (_, asking) = timed(|| {
        // SAFETY: the symbol has this type in every version of the library.
        let ask = unsafe { library.get::<extern "C" fn() -> u32>(VERSION_SYMBOL) }.expect("the version");
        ask()
    });
    let root = || lib_header_from_path(path).and_then(|header| header.init_root_module::<RootRef>());
    let (_, comparing) = timed(|| root().expect("types of the same build"));
    std::mem::forget(library);
    vec![inspecting, linking, asking, comparing]
}

fn options() -> StartOptions {
    let text = servers::config("127.0.0.1:9", 16);
    StartOptions { config_text: ROption::RSome(text.as_str().into()), ..StartOptions::default() }
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = act();
    (result, start.elapsed())
}
