//! Runs the histories of new seeds until one breaks a rule, and tells its story.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use pointsman_sim::world;

/// Look for a seed that breaks a rule.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u32,
}

fn main() -> anyhow::Result<ExitCode> {
    let Arguments { from, seeds } = Arguments::parse();
    let mut out = io::stdout().lock();
    let start = Instant::now();
    let mut sums = [("", 0); world::COUNTS];
    for seed in from..from.saturating_add(seeds.into()) {
        match world::run(seed) {
            Ok(outcome) => outcome.add_to(&mut sums),
            Err(story) => {
                writeln!(out, "{story}")?;
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let each = start.elapsed() / seeds.max(1);
    writeln!(out, "{seeds} seeds from {from}: no rule broken, {each:.1?} for each seed")?;
    for (what, count) in sums {
        writeln!(out, "{count:>12}  {what}")?;
    }
    Ok(ExitCode::SUCCESS)
}
