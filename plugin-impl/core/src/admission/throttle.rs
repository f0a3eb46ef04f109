//! The throttle: a pool's concurrency bound, learned from 429s without a reset.
//!
//! An upstream's bare "too many requests" may mean the requests under way. So such an event halves the
//! bound, and each round of good answers raises the bound by 1 (additive increase, multiplicative decrease,
//! as in the congestion control of TCP). A learned bound is forgotten after a while without such an event.
//!
//! The throttle has a word beside the pool's cell, and no rule spans the two: the cell decides whether an
//! event is news, the throttle only how many requests go from then on.

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// Seconds without an event until the bound is forgotten.
const QUIET: u64 = 600;

/// The learned bound of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Predicted {
    /// The most requests under way; 0 without a learned bound.
    bound: u16,
    /// Good answers since the bound changed.
    good: u16,
    /// The second of the last event.
    since: u32,
}

impl Predicted {
    /// Returns the most requests under way, of `most` allowed by the configuration.
    #[inline]
    pub fn bound(self, most: u16, now: Millis) -> u16 {
        if self.is_known(now) { self.bound.min(most) } else { most }
    }

    /// Halves the bound after an event. `under_way` includes the request of the event.
    #[must_use]
    pub fn halved(self, under_way: u16, now: Millis) -> Self {
        // Start from the observed concurrency: the configured bound may never have been reached.
        let known = if self.is_known(now) { self.bound.min(under_way) } else { under_way };
        Self { bound: (known / 2).max(1), good: 0, since: second(now) }
    }

    /// Counts a good answer. A full round, as many as the bound, raises the bound by 1.
    #[must_use]
    pub fn after_a_good_answer(self) -> Self {
        match self.bound {
            0 => self,
            // Additive increase: one more after a full round.
            bound if self.good + 1 >= bound => Self { bound: bound.saturating_add(1), good: 0, ..self },
            _ => Self { good: self.good + 1, ..self },
        }
    }

    #[inline]
    fn is_known(self, now: Millis) -> bool {
        self.bound > 0 && u64::from(second(now).saturating_sub(self.since)) < QUIET
    }

    const fn pack(self) -> u64 {
        // Bits 32-63: second of the event; 16-31: good answers; 0-15: bound.
        (self.since as u64) << 32 | (self.good as u64) << 16 | self.bound as u64
    }

    #[inline]
    const fn unpack(word: u64) -> Self {
        Self { bound: word as u16, good: (word >> 16) as u16, since: (word >> 32) as u32 }
    }
}

fn second(now: Millis) -> u32 {
    u32::try_from(now.0 / 1_000).unwrap_or(u32::MAX)
}

/// The learned bound, shared; moved by compare-and-swap only.
#[derive(Debug, Default)]
pub struct Throttle {
    word: AtomicU64,
}

impl Throttle {
    /// Returns the most requests under way, of `most` allowed by the configuration.
    #[inline]
    pub fn bound(&self, most: u16, now: Millis) -> u16 {
        Predicted::unpack(self.word.load(Ordering::Acquire)).bound(most, now)
    }

    /// Records an event; see [`Predicted::halved`]. Called once for each event.
    pub fn halve(&self, under_way: u16, now: Millis) {
        self.move_by(|learned| learned.halved(under_way, now));
    }

    /// Records a good answer, and returns whether the bound grew. Writes only if a bound was learned.
    pub fn grow(&self) -> bool {
        let (before, after) = self.move_by(Predicted::after_a_good_answer);
        before.bound != after.bound
    }

    fn move_by(&self, change: impl Fn(Predicted) -> Predicted) -> (Predicted, Predicted) {
        let mut seen = self.word.load(Ordering::Acquire);
        loop {
            let before = Predicted::unpack(seen);
            let after = change(before);
            if after == before {
                return (before, after);
            }
            match self.word.compare_exchange_weak(seen, after.pack(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return (before, after),
                Err(current) => seen = current,
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: Millis = Millis(100_000);
    const MOST: u16 = 50;

    fn grown(learned: Predicted, answers: u32) -> Predicted {
        (0..answers).fold(learned, |learned, _| learned.after_a_good_answer())
    }

    #[test]
    fn nothing_is_held_back_before_an_event() {
        assert_eq!(Predicted::default().bound(MOST, T), MOST);
        assert_eq!(grown(Predicted::default(), 1_000), Predicted::default());
    }

    #[test]
    fn an_event_halves_what_is_under_way() {
        let check = |under_way, bound| {
            assert_eq!(Predicted::default().halved(under_way, T).bound(MOST, T), bound, "{under_way}");
        };
        check(20, 10);
        check(7, 3);
        check(1, 1);
        check(0, 1);
    }

    #[test]
    fn events_that_go_on_halve_again_down_to_one() {
        let mut learned = Predicted::default();
        for bound in [8, 4, 2, 1, 1] {
            learned = learned.halved(16, T);
            assert_eq!(learned.bound(MOST, T), bound);
        }
    }

    #[test]
    fn a_round_of_good_answers_lets_one_more_go() {
        let learned = Predicted::default().halved(6, T);
        assert_eq!(grown(learned, 2).bound(MOST, T), 3);
        assert_eq!(grown(learned, 3).bound(MOST, T), 4);
        assert_eq!(grown(learned, 3 + 4).bound(MOST, T), 5);
    }

    #[test]
    fn the_configuration_bounds_what_may_grow() {
        assert_eq!(grown(Predicted::default().halved(6, T), 10_000).bound(MOST, T), MOST);
    }

    #[test]
    fn it_is_forgotten_after_a_quiet_time() {
        let learned = Predicted::default().halved(6, T);
        assert_eq!(learned.bound(MOST, Millis(T.0 + 599_000)), 3);
        let later = Millis(T.0 + 600_000);
        assert_eq!(learned.bound(MOST, later), MOST);
        assert_eq!(learned.halved(40, later).bound(MOST, later), 20, "and does not count for the next event");
    }

    proptest! {
        #[test]
        fn no_history_closes_a_pool_or_goes_beyond_the_configuration(acts in prop::collection::vec((any::<bool>(), 0..=MOST, 0_u64..900_000), 0..200)) {
            let (mut learned, mut now) = (Predicted::default(), T);
            for (event, under_way, pause) in acts {
                now = Millis(now.0 + pause);
                let before = learned.bound(MOST, now);
                learned = if event { learned.halved(under_way, now) } else { learned.after_a_good_answer() };
                let after = learned.bound(MOST, now);
                prop_assert!((1..=MOST).contains(&after));
                let most = if event { (before.min(under_way) / 2).max(1) } else { before + 1 };
                prop_assert!(after <= most, "{} after {}", after, before);
            }
        }

        #[test]
        fn every_word_comes_back(word: u64) {
            prop_assert_eq!(Predicted::unpack(word).pack(), word);
        }
    }
}
