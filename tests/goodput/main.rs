//! How much of what four accounts allow is served over real HTTP.
//!
//! The library is loaded as any host loads it, and asks the local upstream, which enforces the quotas. Each
//! scenario has an upstream and a router of its own, and all run at the same time. Time is real and not
//! scaled: where nobody tells how long a window is, the library tries what is usual, a minute and more.
//!
//! Run it with `cargo bench -p pointsman-tests --bench goodput`; `-- --minutes 3` makes it shorter. With
//! `-- --recovery` it measures [`recovery`] instead, in four minutes or, with `--seconds 10`, in a minute and a half.

mod callers;
mod recovery;
mod report;

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use pointsman_tests::{Setup, Stage};
use pointsman_upstream::{Hint, Pace, Pool};
use tokio::runtime::Builder;

use self::callers::Callers;
use self::report::{HEAD, Report};

/// Requests of each account in a window.
const QUOTAS: [u32; 4] = [30, 60, 120, 40];
const WINDOW: Duration = Duration::from_secs(60);
/// How long the upstream thinks before it answers.
const HEAD_AFTER: Duration = Duration::from_millis(300);

/// What the router is measured under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// A 429 says until when, and answers say what is left.
    pub(crate) hints: bool,
    /// Requests that come, in hundredths of what the quotas let in.
    pub(crate) demand: u32,
    pub(crate) run: Duration,
}

fn main() -> io::Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(()); // `cargo test` builds it and asks for nothing.
    }
    if std::env::args().any(|argument| argument == "--recovery") {
        return recovered();
    }
    let run = Duration::from_secs(60 * minutes());
    let hinted = [true, false].into_iter();
    let scenarios = hinted.flat_map(|hints| [50, 150, 400].map(|demand| Scenario { hints, demand, run }));
    let runs: Vec<_> = scenarios.map(|scenario| thread::spawn(move || measured(scenario))).collect();
    let mut out = io::stdout().lock();
    out.write_all(HEAD.as_bytes())?;
    for run in runs {
        let report = run.join().map_err(|_| io::Error::other("a run has failed"))?;
        writeln!(out, "{report}")?;
    }
    Ok(())
}

fn recovered() -> io::Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut out = io::stdout().lock();
    runtime.block_on(recovery::measure(|row| {
        writeln!(out, "{row}")?;
        out.flush()
    }))
}

fn minutes() -> u64 {
    option("--minutes").and_then(|minutes| minutes.parse().ok()).unwrap_or(10)
}

/// Returns what the command line says after an option.
pub(crate) fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

impl Scenario {
    /// Returns how many requests come in a second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(QUOTAS.iter().sum::<u32>()) / WINDOW.as_secs_f64() * f64::from(self.demand) / 100.0
    }

    /// Returns how many windows of an account are in a run.
    pub(crate) fn windows(&self) -> f64 {
        self.run.as_secs_f64() / WINDOW.as_secs_f64()
    }

    /// Returns how many requests the quotas let in.
    pub(crate) fn capacity(&self) -> f64 {
        f64::from(QUOTAS.iter().sum::<u32>()) * self.windows()
    }

    fn stage(&self) -> Stage {
        let hint = if self.hints { Hint::Full } else { Hint::Bare };
        let setup = Setup::new().set("max_wait", "120s").set("max_waiting", 10_000);
        let pool = |quota| Pool::limited(quota, WINDOW).hint(hint);
        let accounts = QUOTAS.into_iter().enumerate();
        let setup = accounts.fold(setup, |setup, (place, quota)| setup.openai(&label(place), pool(quota)));
        setup.pace(Pace::default().head(HEAD_AFTER)).start()
    }
}

fn label(place: usize) -> String {
    format!("a{place}")
}

fn measured(scenario: Scenario) -> Report {
    let stage = scenario.stage();
    let callers = Callers::new(scenario);
    let began = std::time::Instant::now();
    let seen = callers.ask(&stage.router);
    let limited = stage.upstream.ledger().entries();
    let late = |entry: &&pointsman_upstream::Entry| {
        let at = entry.arrived.duration_since(began);
        entry.status == Some(429) && at >= WINDOW && at < scenario.run
    };
    Report::new(scenario, &seen, limited.iter().filter(late).count())
}
