//! Measures, over many seeds, how much of a fleet is used again after a limit: the worst seed of each case.

use std::io::{self, Write};

use clap::Parser;

use pointsman_sim::recovery::{Case, Recovered, Who, recovery};

/// Measure how a fleet recovers from a limit.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Only cases whose description has all of these words.
    #[arg(long)]
    only: Vec<String>,
}

/// The worst of all seeds, each figure by itself.
#[derive(Clone, Copy, Debug)]
struct Worst {
    goodput: f64,
    seed: u64,
    mean: f64,
    shown: u64,
    limited: f64,
    stayed: f64,
}

fn main() -> anyhow::Result<()> {
    let Arguments { seeds, only } = Arguments::parse();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| case | router | worst goodput | its seed | mean | 429s shown | 429s per cell and window | stayed |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for case in Case::all() {
        let name = case.to_string();
        if !only.iter().all(|word| name.contains(word.as_str())) {
            continue;
        }
        for who in [Who::Ours, Who::LiteLlm] {
            let Worst { goodput, seed, mean, shown, limited, stayed } = worst(&case, who, seeds);
            writeln!(
                out,
                "| {case} | {who:?} | {goodput:.3} | {seed} | {mean:.3} | {shown} | {limited:.2} | {stayed:.3} |"
            )?;
        }
    }
    Ok(())
}

fn worst(case: &Case, who: Who, seeds: u64) -> Worst {
    let runs: Vec<(u64, Recovered)> = (0..seeds).map(|seed| (seed, recovery(case, who, seed))).collect();
    let goodputs = runs.iter().map(|(seed, run)| (run.goodput(), *seed));
    let (goodput, seed) = goodputs.clone().min_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or_default();
    Worst {
        goodput,
        seed,
        mean: goodputs.map(|(goodput, _)| goodput).sum::<f64>() / runs.len().max(1) as f64,
        shown: runs.iter().map(|(_, run)| run.shown).max().unwrap_or_default(),
        limited: runs.iter().map(|(_, run)| run.limited).fold(0.0, f64::max),
        stayed: runs.iter().map(|(_, run)| run.stayed).fold(1.0, f64::min),
    }
}
