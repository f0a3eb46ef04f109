//! What a run came to, as a row.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::callers::Seen;
use super::{QUOTAS, Scenario};

pub(crate) const HEAD: &str = "| 429s say until when | demand | served ÷ fluid limit | upstream 429s per cell and window \
    | 429s to callers | stayed | wait p50 | wait p99 |\n|---|---|---|---|---|---|---|---|\n";

pub(crate) struct Report {
    scenario: Scenario,
    goodput: f64,
    limited: f64,
    refused: u32,
    stayed: f64,
    waits: Vec<Duration>,
}

impl Report {
    /// Sums up; `limited` are the 429s of the upstream after the first window.
    pub(crate) fn new(scenario: Scenario, seen: &Seen, limited: usize) -> Self {
        let fluid = scenario.capacity().min(seen.offered.into());
        let windows = QUOTAS.len() as f64 * (scenario.windows() - 1.0);
        let mut waits: Vec<_> = seen.served.iter().map(|(_, _, held)| *held).collect();
        waits.sort_unstable();
        Self {
            scenario,
            goodput: seen.served.len() as f64 / fluid,
            limited: limited as f64 / windows,
            refused: seen.refused,
            stayed: stayed(seen),
            waits,
        }
    }

    fn wait(&self, percent: usize) -> f64 {
        let place = (self.waits.len() * percent / 100).min(self.waits.len().saturating_sub(1));
        self.waits.get(place).copied().unwrap_or_default().as_secs_f64()
    }
}

/// Returns the share of returning requests that met the account of their session.
fn stayed(seen: &Seen) -> f64 {
    let mut stickies = HashMap::new();
    let (mut returned, mut stayed) = (0_u32, 0_u32);
    for (session, account, _) in &seen.served {
        if let Some(sticky) = stickies.insert(session, account) {
            (returned, stayed) = (returned + 1, stayed + u32::from(sticky == account));
        }
    }
    f64::from(stayed) / f64::from(returned.max(1))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "| {} | {} % | {:.1} % | {:.2} | {} | {:.0} % | {:.1} s | {:.1} s |",
            if self.scenario.hints { "yes" } else { "no" },
            self.scenario.demand,
            self.goodput * 100.0,
            self.limited,
            self.refused,
            self.stayed * 100.0,
            self.wait(50),
            self.wait(99),
        )
    }
}
