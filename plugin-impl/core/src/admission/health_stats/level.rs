//! A level: an amount that recovers with time.

use crate::time::Millis;

/// An hour in milliseconds.
const HOUR: u64 = 3_600_000;
/// The longest recovery, a bound that keeps products in range.
const LONG: u64 = 365 * 24 * HOUR;

const AMOUNT_BITS: u32 = 24;
const AMOUNT_MAX: u32 = (1 << AMOUNT_BITS) - 2;

/// The initial amount of a level, and its recovery, in whole units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refill {
    pub start: u16,
    pub max: u16,
    pub per_hour: u32,
}

/// An amount in thousandths of a unit, at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthLevel {
    amount: u32,
    since: Millis,
}

impl Refill {
    /// Returns the initial amount, in thousandths.
    pub const fn fresh(self) -> u32 {
        self.start as u32 * 1_000
    }

    const fn most(self) -> u32 {
        let most = self.max as u32 * 1_000;
        if most < AMOUNT_MAX { most } else { AMOUNT_MAX }
    }

    /// Returns the recovery within a span, in thousandths.
    #[inline]
    const fn gained(self, millis: u64) -> u64 {
        let millis = if millis < LONG { millis } else { LONG };
        millis.saturating_mul(self.per_hour as u64) / (HOUR / 1_000)
    }
}

impl HealthLevel {
    /// Returns an initial level.
    pub fn fresh(refill: Refill, now: Millis) -> Self {
        Self { amount: refill.fresh().min(refill.most()), since: now }
    }

    /// Returns the amount at `now`, in thousandths.
    #[inline]
    pub fn amount(self, refill: Refill, now: Millis) -> u32 {
        let gained = refill.gained(now.0.saturating_sub(self.since.0));
        u64::from(self.amount).saturating_add(gained).min(refill.most().into()) as u32
    }

    /// Adds or subtracts whole units, within the bounds.
    #[must_use]
    pub fn changed(self, units: i32, refill: Refill, now: Millis) -> Self {
        let level = self.credited(refill, now);
        let amount = i64::from(level.amount) + i64::from(units) * 1_000;
        Self { amount: amount.clamp(0, refill.most().into()) as u32, ..level }
    }

    /// Credits the recovery so far. A remainder below a thousandth keeps its time; otherwise a busy level
    /// would never recover.
    fn credited(self, refill: Refill, now: Millis) -> Self {
        let gained = refill.gained(now.0.saturating_sub(self.since.0));
        let amount = self.amount(refill, now);
        if gained == 0 {
            return Self { amount, ..self };
        }
        let spent = (gained * (HOUR / 1_000)).div_ceil(refill.per_hour.into());
        let since = if amount == refill.most() { now } else { Millis(self.since.0 + spent) };
        Self { amount, since }
    }

    /// Packs the level into a word other than zero.
    pub(super) fn pack(self) -> u64 {
        (self.since.0 << AMOUNT_BITS) | u64::from(self.amount + 1)
    }

    /// Returns the level in a word; none in a zero word.
    #[inline]
    pub(super) fn unpack(word: u64) -> Option<Self> {
        let amount = (word & ((1 << AMOUNT_BITS) - 1)) as u32;
        let since = Millis(word >> AMOUNT_BITS);
        Some(Self { amount: amount.checked_sub(1)?, since })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const REFILL: Refill = Refill { start: 50, max: 50, per_hour: 360 };

    proptest! {
        #[test]
        fn a_level_comes_back_from_its_word(amount in 0..=AMOUNT_MAX, since in 0..1_u64 << 40) {
            let level = HealthLevel { amount, since: Millis(since) };
            prop_assert_eq!(HealthLevel::unpack(level.pack()), Some(level));
        }

        /// Looking often is worth as much as looking once.
        #[test]
        fn no_time_is_lost_by_changes(steps in prop::collection::vec(0..400_u64, 1..200)) {
            let empty = HealthLevel { amount: 0, since: Millis(0) };
            let mut now = Millis(0);
            let mut often = empty;
            for step in steps {
                now = now.after(Duration::from_millis(step));
                often = often.changed(0, REFILL, now);
            }
            prop_assert!(often.amount(REFILL, now).abs_diff(empty.amount(REFILL, now)) <= 1);
        }
    }

    #[test]
    fn it_comes_back_at_its_rate_up_to_the_most() {
        let level = HealthLevel { amount: 0, since: Millis(1_000) };
        let check = |seconds, units| {
            let now = Millis(1_000).after(Duration::from_secs(seconds));
            assert_eq!(level.amount(REFILL, now) / 1_000, units, "{seconds}");
        };
        check(0, 0);
        check(10, 1);
        check(60, 6);
        check(10_000_000, 50);
    }

    #[test]
    fn a_full_level_saves_nothing_for_later() {
        let full = HealthLevel::fresh(REFILL, Millis(0)).changed(0, REFILL, Millis(600_000));
        let taken = full.changed(-10, REFILL, Millis(600_000));
        assert_eq!(taken.amount(REFILL, Millis(600_000)) / 1_000, 40);
    }

    #[test]
    fn what_does_not_come_back_stays() {
        let refill = Refill { per_hour: 0, ..REFILL };
        let level = HealthLevel { amount: 7, since: Millis(0) };
        assert_eq!(level.changed(0, refill, Millis(9_000_000)).amount(refill, Millis(9_000_000)), 7);
    }
}
