//! The outlook of a pool: its remaining quota, in a form for plans.
//!
//! A pool can have several windows. A plan needs the tightest, for every account, so the answer is packed
//! into one word: [`OutlookWord`]. The word ages by itself: after the reset of the tightest window the
//! others' remainder counts, and minutes after the last observation nothing does.

use std::time::Duration;

use crate::time::Millis;

/// The lifetime of an observation: others may spend from the same quota.
pub const FRESH: Duration = Duration::from_secs(5 * 60);

/// A full window, in thousandths.
pub const WHOLE: u16 = 1_000;

/// The remaining quota of a pool: the tightest live window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The remaining share of the window in thousandths; none for an unknown or stale share.
    pub remaining: Option<u16>,
    /// The reset of the window.
    pub reset: Option<Millis>,
}

impl Outlook {
    /// Returns the tighter of two outlooks of a pool; an unknown outlook is the loosest.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let tightness = |outlook: &Self| {
            (outlook.remaining.is_none(), outlook.remaining, std::cmp::Reverse(outlook.reset))
        };
        std::cmp::min_by_key(self, other, tightness)
    }
}

/// An outlook in 64 bits, with an age. Zero means unknown.
///
/// ```text
/// remaining + 1 (10 bits) │ remaining of the others 10 │ reset 22, in s after the observation │ observed 22, in ticks of 16 s
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutlookWord(pub u64);

const SHARE_BITS: u32 = 10;
const SPAN_BITS: u32 = 22;
const _: () = assert!(2 * SHARE_BITS + 2 * SPAN_BITS == u64::BITS);

/// Rounded down, so an observation expires early rather than late.
const OBSERVED_TICK: u64 = 16_000;
/// Rounded up, so a window is never full before its reset.
const RESET_TICK: u64 = 1_000;
/// The reset of a window without a reported reset; 48 days less a second is the longest.
const NO_RESET: u64 = mask(SPAN_BITS);

impl OutlookWord {
    /// Packs an observation: the tightest window, and the others' remainder after its reset.
    pub fn pack(tightest: Outlook, others: u16, observed: Millis) -> Self {
        let Some(remaining) = tightest.remaining else { return Self::default() };
        let observed = (observed.0 / OBSERVED_TICK).min(mask(SPAN_BITS));
        let reset = tightest.reset.map_or(NO_RESET, |reset| {
            let span = reset.0.saturating_sub(observed * OBSERVED_TICK);
            span.div_ceil(RESET_TICK).min(NO_RESET - 1)
        });
        let shares = (u64::from(remaining.min(WHOLE)) + 1) | (u64::from(others.min(WHOLE)) << SHARE_BITS);
        Self(shares | (reset << (2 * SHARE_BITS)) | (observed << (2 * SHARE_BITS + SPAN_BITS)))
    }

    /// Returns the tighter word at `now`; see [`Outlook::tighter`].
    #[must_use]
    pub fn tighter(self, other: Self, now: Millis) -> Self {
        let (one, two) = (self.at(now), other.at(now));
        if one.tighter(two) == one { self } else { other }
    }

    /// Returns the outlook at `now`.
    #[inline]
    pub fn at(self, now: Millis) -> Outlook {
        // Most pools tell nothing, so the word of nothing is not worked out.
        if self.0 == 0 || now >= self.observed().after(FRESH) { Outlook::default() } else { self.last(now) }
    }

    /// Returns the last observation of a window before its reset, at any age: quota only shrinks before a
    /// reset, so the value is an upper bound.
    #[inline]
    pub fn binding(self, now: Millis) -> Outlook {
        let last = self.last(now);
        if last.reset.is_some() { last } else { self.at(now) }
    }

    fn observed(self) -> Millis {
        Millis((self.0 >> (2 * SHARE_BITS + SPAN_BITS)) * OBSERVED_TICK)
    }

    #[inline]
    fn last(self, now: Millis) -> Outlook {
        if self.0 == 0 {
            return Outlook::default();
        }
        let observed = self.observed();
        let reset = (self.0 >> (2 * SHARE_BITS)) & mask(SPAN_BITS);
        let reset = (reset != NO_RESET).then(|| Millis(observed.0 + reset * RESET_TICK));
        if reset.is_some_and(|reset| reset <= now) {
            let others = ((self.0 >> SHARE_BITS) & mask(SHARE_BITS)) as u16;
            return Outlook { remaining: Some(others), reset: None };
        }
        Outlook { remaining: Some((self.0 & mask(SHARE_BITS)) as u16 - 1), reset }
    }
}

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OBSERVED: Millis = Millis(160_000);

    fn outlook(remaining: u16, reset: Option<u64>) -> Outlook {
        Outlook { remaining: Some(remaining), reset: reset.map(|millis| Millis(OBSERVED.0 + millis)) }
    }

    /// Packs what was left of the tightest window and its reset, beside others with 700, and reads it after so
    /// many milliseconds.
    fn check(packed: Outlook, after: u64, expected: Outlook) {
        let word = OutlookWord::pack(packed, 700, OBSERVED);
        assert_eq!(word.at(Millis(OBSERVED.0 + after)), expected, "{packed:?} after {after} ms");
    }

    #[test]
    fn it_says_what_was_observed() {
        for share in [0, 1, 420, 1_000] {
            check(outlook(share, Some(60_000)), 0, outlook(share, Some(60_000)));
            check(outlook(share, None), 0, outlook(share, None));
        }
    }

    #[test]
    fn after_the_reset_the_other_windows_are_what_is_known() {
        check(outlook(20, Some(60_000)), 59_999, outlook(20, Some(60_000)));
        check(outlook(20, Some(60_000)), 60_000, outlook(700, None));
    }

    #[test]
    fn after_five_minutes_nothing_is_known() {
        check(outlook(20, Some(3_600_000)), 299_999, outlook(20, Some(3_600_000)));
        check(outlook(20, Some(3_600_000)), 300_000, Outlook::default());
        check(outlook(20, Some(60_000)), 300_000, Outlook::default());
    }

    #[test]
    fn what_binds_lasts_until_the_reset() {
        let word = OutlookWord::pack(outlook(20, Some(3_600_000)), 700, OBSERVED);
        let after = |millis| word.binding(Millis(OBSERVED.0 + millis));
        assert_eq!(after(3_599_999), outlook(20, Some(3_600_000)));
        assert_eq!(after(3_600_000), Outlook::default());
        let endless = OutlookWord::pack(outlook(20, None), 700, OBSERVED);
        assert_eq!(endless.binding(Millis(OBSERVED.0 + 300_000)), Outlook::default());
    }

    #[test]
    fn nothing_is_zero_and_zero_is_nothing() {
        assert_eq!(OutlookWord::pack(Outlook::default(), 700, OBSERVED), OutlookWord::default());
        assert_eq!(OutlookWord::default().at(OBSERVED), Outlook::default());
    }

    #[test]
    fn the_tighter_of_two_is_the_one_with_less_and_of_equals_the_one_that_stays_so_longer() {
        let (soon, late) = (outlook(20, Some(1_000)), outlook(20, Some(9_000)));
        assert_eq!(soon.tighter(late), late);
        assert_eq!(late.tighter(outlook(10, None)), outlook(10, None));
        assert_eq!(Outlook::default().tighter(soon), soon);
        assert_eq!(soon.tighter(Outlook::default()), soon);
    }

    proptest! {
        #[test]
        fn no_instant_panics_and_no_reset_is_told_early(
            share in 0..2_000_u16, others: u16, observed: u64, span in 0..1_u64 << 31, later: u64,
        ) {
            let reset = Millis(observed.saturating_add(span));
            let word = OutlookWord::pack(Outlook { remaining: Some(share), reset: Some(reset) }, others, Millis(observed));
            let _ = word.at(Millis(later));
            let read = word.at(Millis(observed));
            if let (Some(told), true) = (read.reset, observed < 1 << 35) {
                prop_assert!(told >= reset && told.since(reset) < Duration::from_secs(1));
            }
        }
    }
}
