//! How long things take: heads, streams, and answers that come late.

use std::time::Duration;

use crate::rng::Rng;
use crate::upstream::Verdict;

/// How slow an upstream is.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// The share of good heads that are under way for up to a minute.
    pub late: f64,
    /// The share of other heads for which that is so, and what they say is out of date when it is heard.
    pub late_refusals: f64,
    /// Where answers are brief: what a whole one takes, give or take half of it. A refusal takes a tenth.
    pub brief: Option<Duration>,
}

impl Default for Latency {
    fn default() -> Self {
        Self { late: 0.02, late_refusals: 0.02, brief: None }
    }
}

impl Latency {
    /// Draws how long an answer's head is under way.
    pub fn head(self, verdict: Verdict, rng: &mut Rng) -> Duration {
        let late = if verdict == Verdict::Good { self.late } else { self.late_refusals };
        if rng.chance(late) {
            return rng.skewed_millis(5_000, 60_000);
        }
        if let Some(answer) = self.brief {
            let whole = answer.as_millis() as u64;
            let usual = if verdict == Verdict::Good { whole } else { whole / 10 };
            return rng.millis(usual / 2, usual * 3 / 2);
        }
        match verdict {
            Verdict::Good => rng.skewed_millis(300, 2_000),
            Verdict::Limited(_) | Verdict::Capacity(_) => rng.skewed_millis(40, 400),
            Verdict::ServerError => rng.skewed_millis(100, 5_000),
            Verdict::Unreachable => rng.skewed_millis(1_000, 10_000),
        }
    }

    /// Draws how long a good answer streams after its head: mostly seconds, a few for minutes.
    pub fn stream(self, rng: &mut Rng) -> Duration {
        if self.brief.is_some() {
            Duration::ZERO
        } else if rng.chance(0.03) {
            rng.skewed_millis(60_000, 300_000)
        } else {
            rng.skewed_millis(1_000, 30_000)
        }
    }
}
