//! Draws the pictures of `docs/STRATEGIES.md`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;

use pointsman_sim::ours::Strategy;
use pointsman_sim::portrait;

/// Draw a picture of each strategy.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder for the pictures.
    #[arg(long, default_value_os_t = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/img"))]
    into: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let Arguments { into } = Arguments::parse();
    std::fs::create_dir_all(&into).with_context(|| format!("failed to make {}", into.display()))?;
    for strategy in Strategy::ALL {
        let file = into.join(format!("strategy-{strategy}.svg"));
        let picture = portrait::of(strategy);
        std::fs::write(&file, picture).with_context(|| format!("failed to write {}", file.display()))?;
    }
    Ok(())
}
