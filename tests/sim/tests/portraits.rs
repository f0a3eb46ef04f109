//! The pages and pictures of the strategies are in step with the strategies there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pointsman_sim::ours::Strategy;
use pointsman_sim::portrait;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

#[test]
fn each_strategy_has_a_section_and_a_picture_and_nothing_else_has() {
    let page = std::fs::read_to_string(docs().join("STRATEGIES.md")).expect("a page on strategies");
    for strategy in Strategy::ALL {
        assert!(page.contains(&format!("\n## {strategy}\n")), "a section on {strategy}");
        assert!(page.contains(&format!("](img/strategy-{strategy}.svg)")), "a picture of {strategy}");
    }
    let entries = std::fs::read_dir(docs().join("img")).expect("pictures");
    let files = entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let drawn: BTreeSet<_> = files.filter(|file| file.starts_with("strategy-")).collect();
    assert_eq!(drawn, Strategy::ALL.map(|strategy| format!("strategy-{strategy}.svg")).into());
}

#[test]
fn a_picture_shows_every_account_and_every_session() {
    let picture = portrait::of(Strategy::RoundRobin);
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert!(picture.matches("<circle ").count() > 200);
    assert_eq!(picture.matches("<g fill=").count(), 8);
    assert_eq!(picture, portrait::of(Strategy::RoundRobin), "it can be drawn again");
}
