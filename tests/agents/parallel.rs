//! Agents that work at the same time.

use std::time::Duration;

use pointsman_tests::Setup;
use pointsman_tests::setup::free;
use pointsman_upstream::Pace;

use crate::rig::Rig;

/// Three processes through one gateway, each a session of its own, and an account for each.
#[tokio::test]
async fn three_agents_at_once_spread_over_the_accounts() {
    let slow = Pace::spread(30, Duration::from_millis(500));
    let labels = ["one", "two", "three"];
    let setup = labels.iter().fold(Setup::new().pace(slow), |setup, label| setup.anthropic(label, free()));
    let Some(rig) = Rig::agents(setup) else { return };
    let three = "claude -p 'say one' & claude -p 'say two' & claude -p 'say three' & wait";
    let said = rig.run_as("claude", &["sh", "-c", three]).await;
    for label in labels {
        assert!(said.out.contains(&format!("pong from {label}/")), "{label} did nothing: {said:#?}");
        assert_eq!(rig.calls(label), 1);
    }
    let summary = said.err.lines().find(|line| line.starts_with("pointsman: 3 requests: "));
    let summary = summary.unwrap_or_else(|| panic!("no summary: {said:#?}"));
    assert!(labels.iter().all(|label| summary.contains(&format!("{label} 1"))), "{summary}");
}
