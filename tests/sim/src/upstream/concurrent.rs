//! Concurrent caps: so many requests at once, however long they take.

use std::time::Duration;

/// A cap on what is under way.
#[derive(Clone, Debug)]
pub struct Concurrent {
    bound: u32,
    under_way: u32,
}

impl Concurrent {
    /// Makes a cap with nobody under way.
    pub const fn new(bound: u32) -> Self {
        Self { bound, under_way: 0 }
    }

    /// An upstream does not know when one of those who are in will leave, so it says "soon".
    pub(super) fn refuses(&self) -> Option<Duration> {
        (self.under_way >= self.bound).then_some(Duration::from_secs(1))
    }

    pub(super) const fn enter(&mut self) {
        self.under_way += 1;
    }

    pub(super) const fn leave(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}
