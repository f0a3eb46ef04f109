//! How much of a fleet's allowance is served, by our router and by the policies of the field.
//!
//! It prints a table in Markdown. With `UPDATE_DOCS=1` the table and its plots go to `docs/goodput` too. `--only`
//! with words of the first six columns keeps to the rows that have them: `-- --only windows,16,no,Pointsman`. `--seed`
//! takes another day.

mod plot;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, fs, thread};

use pointsman_sim::goodput::{Kind, Report, RouterKind, Scenario, Skew, goodput};
use pointsman_sim::ours::Strategy;

use self::plot::Plot;

const DEMANDS: [f64; 4] = [0.5, 0.95, 1.5, 4.0];
const ACCOUNTS: [u16; 4] = [2, 4, 16, 64];
/// The one fleet that is measured with token buckets, too, and that is plotted.
const PLOTTED: u16 = 4;
/// The run of every figure; another seed is another day of the same life.
const SEED: u64 = 1;

const ROUTERS: [(RouterKind, &str); 7] = [
    (RouterKind::Ours(Strategy::Hybrid), "Pointsman"),
    (RouterKind::Ours(Strategy::Sticky), "Pointsman (sticky)"),
    (RouterKind::InOrder, "in order"),
    (RouterKind::RoundRobin, "round-robin"),
    (RouterKind::Random, "random"),
    (RouterKind::LeastRecentlyUsed, "least recently used"),
    (RouterKind::Hybrid, "health + bucket"),
];

const HEAD: &str = "| quotas | accounts | sessions | 429s say until when | demand | router | served ÷ fluid limit \
    | upstream 429s per cell and window | 429s to callers | stayed | wait p50 | wait p99 |\n\
    |---|---|---|---|---|---|---|---|---|---|---|---|\n";

fn main() -> io::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(()); // `cargo test` builds it and asks for nothing.
    }
    let only = told("--only").unwrap_or_default();
    let words: Vec<_> = only.split(',').filter(|word| !word.is_empty()).collect();
    let seed = told("--seed").and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let results = measure(&scenarios(), &words, seed);
    let table = table(&results);
    io::stdout().write_all(table.as_bytes())?;
    let publishes = words.is_empty() && seed == SEED && env::var_os("UPDATE_DOCS").is_some();
    if publishes { publish(&table, &results) } else { Ok(()) }
}

/// Returns what the command line says after a name.
fn told(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}

fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (kind, fleets) in [(Kind::Windows, &ACCOUNTS[..]), (Kind::Buckets, &[PLOTTED][..])] {
        for accounts in fleets {
            for skew in [Skew::Equal, Skew::Skewed] {
                for hints in [true, false] {
                    all.extend(DEMANDS.map(|demand| scenario(kind, *accounts, skew, hints, demand)));
                }
            }
        }
    }
    all
}

fn scenario(kind: Kind, accounts: u16, skew: Skew, hints: bool, demand: f64) -> Scenario {
    // A large fleet shows in less time what a small one does.
    let run = match accounts {
        ..16 => Scenario::RUN,
        16..64 => Scenario::RUN / 2,
        64.. => Scenario::RUN * 3 / 10,
    };
    let latency = Scenario::LATENCY;
    Scenario { accounts, demand, skew, hints, readings: false, kind, latency, run }
}

type Result = (Scenario, &'static str, Report);

/// Measures every router in every scenario, on all processors, and keeps the order.
fn measure(scenarios: &[Scenario], words: &[&str], seed: u64) -> Vec<Result> {
    let jobs: Vec<_> = scenarios
        .iter()
        .flat_map(|scenario| ROUTERS.map(|(router, name)| (*scenario, router, name)))
        .filter(|(scenario, _, name)| {
            let labels = labels(scenario, name);
            words.iter().all(|word| labels.iter().any(|label| label.trim_end_matches(" %") == *word))
        })
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((place, (scenario, router, name))) = take(&jobs, &next) {
                    let report = goodput(scenario, *router, seed);
                    done.lock().expect("nobody panics with it").push((place, (*scenario, *name, report)));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panicked with it");
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take<'a, T>(jobs: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(place).map(|job| (place, job))
}

fn table(results: &[Result]) -> String {
    let mut table = String::from(HEAD);
    for (scenario, router, report) in results {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{}", row(scenario, router, report));
    }
    table
}

fn row(scenario: &Scenario, router: &'static str, report: &Report) -> String {
    format!(
        "| {} | {:.1} % | {:.2} | {} | {:.0} % | {} | {} |",
        labels(scenario, router).join(" | "),
        report.goodput() * 100.0,
        report.limited_per_window,
        report.callers_429s,
        report.stayed * 100.0,
        seconds(report.wait_p50),
        seconds(report.wait_p99),
    )
}

/// Returns the first columns, which tell rows apart.
fn labels(scenario: &Scenario, router: &str) -> [String; 6] {
    let quotas = match scenario.kind {
        Kind::Windows => "windows",
        Kind::Buckets => "buckets",
        Kind::Mixed => "both",
    };
    let sessions = if scenario.skew == Skew::Equal { "equal" } else { "skewed" };
    let accounts = scenario.accounts.to_string();
    let hints = if scenario.hints { "yes" } else { "no" };
    let demand = format!("{:.0} %", scenario.demand * 100.0);
    [quotas.to_owned(), accounts, sessions.to_owned(), hints.to_owned(), demand, router.to_owned()]
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

fn publish(table: &str, results: &[Result]) -> io::Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let head = "# Goodput, in full\n\nGenerated by `UPDATE_DOCS=1 cargo bench -p pointsman-sim --bench goodput`; what the \
        columns mean is in [PERFORMANCE.md](../PERFORMANCE.md#goodput).\n\n";
    fs::write(folder.join("README.md"), format!("{head}{table}"))?;
    for hints in [true, false] {
        let name = if hints { "hints" } else { "silent" };
        let told = if hints { "429s say until when" } else { "429s say nothing" };
        let of = |value: fn(&Report) -> f64| plotted(results, hints, value);
        let served = Plot {
            title: format!("Served ÷ fluid limit, {told}"),
            unit: "%",
            bars: of(|report| report.goodput() * 100.0),
            top: 100.0,
            is_log: false,
        };
        let limited = Plot {
            title: format!("Upstream 429s per cell and window, {told}"),
            unit: "",
            bars: of(|report| report.limited_per_window),
            top: 10_000.0,
            is_log: true,
        };
        fs::write(folder.join(format!("served-{name}.svg")), served.svg())?;
        fs::write(folder.join(format!("limited-{name}.svg")), limited.svg())?;
    }
    Ok(())
}

/// Picks, for each demand, a bar for each router.
fn plotted(
    results: &[Result],
    hints: bool,
    value: fn(&Report) -> f64,
) -> Vec<(String, Vec<(&'static str, f64)>)> {
    let group = |demand: f64| {
        let bars = results.iter().filter(|(scenario, ..)| {
            scenario.kind == Kind::Windows
                && scenario.accounts == PLOTTED
                && scenario.skew == Skew::Equal
                && scenario.hints == hints
                && (scenario.demand - demand).abs() < f64::EPSILON
        });
        let bars = bars.map(|(_, router, report)| (*router, value(report))).collect();
        (format!("demand {:.0} %", demand * 100.0), bars)
    };
    DEMANDS.map(group).into()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/goodput")
}
