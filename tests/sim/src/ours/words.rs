//! Answers of the simulated upstream in the words of the core.

use pointsman_core::ids::WindowId;
use pointsman_core::quota::reading::Reading;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{Hint, HintSource, LimitKind, NetworkFault, Outcome};
use pointsman_core::time::Millis;

use crate::upstream::{self, Answer, Verdict, hint};

/// Puts what an answer tells of the quota into the words of the core.
pub(super) fn reading(reading: upstream::Reading, now: Millis) -> Reading {
    let upstream::Reading { left, capacity, reset } = reading;
    Reading {
        window: WindowId::new("window"),
        model: None,
        remaining: Some((u64::from(left) * 1_000 / u64::from(capacity.max(1))) as u16),
        count: None,
        reset: Some(now.after(reset)),
        observed: now,
    }
}

/// Puts an answer into the words of the core, as its classification does.
pub(super) fn evidence(answer: &Answer, kind: LimitKind, now: Millis) -> Evidence {
    let read = |hint: Option<hint::Hint>| match hint {
        Some(hint) => Hint::Until { until: hint.until(now), source: HintSource::RetryAfter },
        None => Hint::Unknown,
    };
    match answer.verdict {
        Verdict::Good => Evidence::of(Outcome::Good),
        Verdict::Limited(hint) => Evidence::of(Outcome::Limited(kind)).ending(read(hint)),
        Verdict::Capacity(hint) => Evidence::of(Outcome::Capacity).ending(read(hint)),
        Verdict::ServerError => Evidence::of(Outcome::ServerError),
        Verdict::Unreachable => Evidence::of(Outcome::Unreachable(NetworkFault::Timeout)),
    }
}
