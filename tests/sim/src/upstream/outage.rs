//! Outages: spans in which an upstream fails for reasons that are nobody's quota.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::rng::Rng;

use super::CellId;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 503 or 529, perhaps with a hint.
    Capacity(Option<Duration>),
    /// 500.
    ServerError,
    /// No answer that could be used.
    Unreachable,
}

/// A span of trouble.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    pub from: Millis,
    pub until: Millis,
    /// The only account that meets it, or all do.
    pub account: Option<u16>,
    pub trouble: Trouble,
    /// How many of the requests meet it, as a fraction.
    pub share: f64,
}

impl Outage {
    pub(super) fn meets(&self, cell: CellId, now: Millis, rng: &mut Rng) -> bool {
        (self.from..self.until).contains(&now)
            && self.account.is_none_or(|account| account == cell.account)
            && rng.chance(self.share)
    }
}
