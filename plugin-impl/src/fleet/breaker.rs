//! Circuit breakers: a cell, with the reason of its last trip.

use std::ops::Deref;

use pointsman_core::admission::blame::Reason;
use pointsman_core::admission::cell::{Cell, CellPermit, Deny, Limit, Settled, Touch};
use pointsman_core::time::Millis;

use crate::sync::{AtomicU8, Ordering};

use super::keyed::Rest;

/// A circuit breaker: a cell that lets requests pass, with the reason of its last trip.
///
/// The reason is a word beside the cell, written before the cell trips, so a reader of the trip sees a
/// reason; after a race of two failures, the reason of either. Only texts depend on the reason.
#[derive(Debug)]
pub(super) struct Breaker {
    cell: Cell,
    reason: AtomicU8,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { cell: Cell::default(), reason: AtomicU8::new(Reason::Server as u8) }
    }
}

impl Deref for Breaker {
    type Target = Cell;

    fn deref(&self) -> &Cell {
        &self.cell
    }
}

impl Rest for Breaker {
    fn is_at_rest(&self) -> bool {
        self.cell.state().is_at_rest()
    }
}

impl Breaker {
    /// Trips the cell, or folds the failure into the present trip.
    pub(super) fn trip(&self, cell_permit: CellPermit, limit: Limit, reason: Reason, now: Millis) -> Settled {
        self.reason.store(reason as u8, Ordering::Release);
        self.cell.settle_limit(cell_permit, limit, now)
    }

    /// Restores a closing of an earlier process.
    pub(super) fn restore(&self, limit: Limit, reason: Reason, now: Millis) {
        self.reason.store(reason as u8, Ordering::Release);
        self.cell.recall(limit, now);
    }

    /// Returns the denial with its reason, if there is one.
    pub(super) fn denied(&self, now: Millis) -> Option<(Deny, Reason)> {
        Some((self.cell.denial(Touch::Pass, now)?, self.reason()))
    }

    /// Returns the reason of the last trip.
    pub(super) fn reason(&self) -> Reason {
        let index = usize::from(self.reason.load(Ordering::Acquire));
        Reason::ALL.get(index).copied().unwrap_or(Reason::Server)
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_says_why_it_is_open_until_it_closes() {
        let (breaker, now) = (Breaker::default(), Millis(1_000));
        assert_eq!(breaker.denied(now), None);
        for reason in Reason::ALL {
            let breaker = Breaker::default();
            let until = now.after(Duration::from_secs(30));
            let cell_permit = breaker.admit(Touch::Pass, now).expect("it is closed");
            let settled = breaker.trip(cell_permit, Limit::Reported { until }, reason, now);
            assert!(matches!(settled, Settled::Tripped { .. }));
            assert_eq!(breaker.denied(now).map(|(_, why)| why), Some(reason));
            assert_eq!(breaker.denied(until.after(Duration::from_secs(30))), None);
        }
    }
}
