//! When something may be asked again: one at a time, and at a bounded rate.

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// The instant from which somebody may ask, shared. Nobody may while somebody does.
#[derive(Debug, Default)]
pub struct Timetable {
    due: AtomicU64,
}

/// Somebody is asking.
const TAKEN: u64 = u64::MAX;

impl Timetable {
    /// Takes the right to ask, if it is due and nobody has it. Whoever has it gives it back by
    /// [`Timetable::give_back`].
    pub fn take(&self, now: Millis) -> bool {
        let due = self.due.load(Ordering::Acquire);
        due != TAKEN
            && due <= now.0
            && self.due.compare_exchange(due, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Gives the right back; it is due again at `next`.
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
