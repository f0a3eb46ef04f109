//! How much is measured: minutes by default, longer on demand.

use std::env;

/// The variable that asks for a long run: it is the factor by which rounds are multiplied.
const VARIABLE: &str = "POINTSMAN_BENCH_ROUNDS";

/// Returns how many rounds to run where `quick` are enough for a first look.
pub fn rounds(quick: usize) -> usize {
    let factor = env::var(VARIABLE).ok().and_then(|text| text.parse::<usize>().ok());
    quick * factor.unwrap_or(1).max(1)
}

/// Says whether cargo asks for a measurement. `cargo test --all-targets` runs benchmarks as well, and
/// then there is nothing to do.
pub fn is_asked_for() -> bool {
    env::args().any(|argument| argument == "--bench")
}

/// Says whether a section is wanted: cargo passes on what stands behind `--`.
pub fn is_wanted(section: &str) -> bool {
    let mut names = env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    names.peek().is_none() || names.any(|name| section.contains(&name))
}
