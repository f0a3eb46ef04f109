//! A timetable: one question at a time, at a bounded rate.

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// The next due instant, shared. The right to ask is exclusive.
#[derive(Debug, Default)]
pub struct Timetable {
    due: AtomicU64,
}

/// The right is taken.
const TAKEN: u64 = u64::MAX;

impl Timetable {
    /// Takes the right to ask, if due and free. The holder returns the right by [`Timetable::give_back`].
    pub fn take(&self, now: Millis) -> bool {
        let due = self.due.load(Ordering::Acquire);
        due != TAKEN
            && due <= now.0
            && self.due.compare_exchange(due, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Returns the right; the next question is due at `next`.
    pub fn give_back(&self, next: Millis) {
        self.due.store(next.0.min(TAKEN - 1), Ordering::Release);
    }
}

#[cfg(all(test, not(any(loom, feature = "shuttle"))))]
mod tests {
    use super::*;

    #[test]
    fn one_asks_at_a_time_and_not_before_it_is_due() {
        let timetable = Timetable::default();
        assert!(timetable.take(Millis(0)));
        assert!(!timetable.take(Millis(u64::MAX)));
        timetable.give_back(Millis(500));
        assert!(!timetable.take(Millis(499)));
        assert!(timetable.take(Millis(500)));
        timetable.give_back(Millis(u64::MAX));
        assert!(!timetable.take(Millis(900)));
    }
}
