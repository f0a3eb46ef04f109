//! The nearness of a quota's reset: what is whole again soonest is used up first, so that no quota lapses.

use crate::planning::snapshot::WayView;
use crate::time::Millis;

/// Resets within this time are equally near: an hour, in milliseconds.
const NEAR: u64 = 3_600_000;

/// The steps from an hour to a week; four steps double the time.
const STEPS: u32 = 30;

/// Returns the distance of the reset in steps, 0 for an hour or less. Accounts of about the same distance are equal,
/// so that they share the work. None without quota left, or without a known reset.
#[inline]
pub fn steps(way: &WayView, now: Millis) -> Option<u32> {
    let outlook = way.outlook.at(now);
    if outlook.remaining? == 0 {
        return None;
    }
    // In quarters of octaves of an hour.
    let hours = (outlook.reset?.since(now).as_millis() as u64 * 4 / NEAR).max(4);
    let octave = hours.ilog2();
    let quarter = (hours >> (octave - 2)) & 3;
    Some((octave - 2) * 4 + quarter as u32)
}

/// Returns the place of an account before the strategy: a smaller number goes first.
#[inline]
pub fn rank(way: &WayView, now: Millis) -> u32 {
    steps(way, now).unwrap_or(u32::MAX)
}

/// Returns the nearness in hundredths: 100 within an hour, 0 in a week or without a known reset.
#[inline]
pub fn nearness(way: &WayView, now: Millis) -> u32 {
    steps(way, now).map_or(0, |steps| (STEPS - steps.min(STEPS)) * 100 / STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::outlook::{Outlook, OutlookWord};

    const NOW: Millis = Millis(1_000_000);

    fn way(remaining: Option<u16>, minutes: Option<u64>) -> WayView {
        let reset = minutes.map(|minutes| Millis(NOW.0 + minutes * 60_000));
        WayView { outlook: OutlookWord::pack(Outlook { remaining, reset }, 0, NOW), ..WayView::default() }
    }

    #[test]
    fn a_near_reset_is_near_and_what_is_not_known_comes_last() {
        let steps_of = |minutes| steps(&way(Some(500), Some(minutes)), NOW);
        assert_eq!(
            (steps_of(1), steps_of(60), steps_of(75), steps_of(120)),
            (Some(0), Some(0), Some(1), Some(4))
        );
        assert!(steps_of(5 * 60) < steps_of(24 * 60) && steps_of(24 * 60) < steps_of(7 * 24 * 60));
        for unknown in [way(Some(0), Some(5)), way(None, Some(5)), way(Some(500), None)] {
            assert_eq!((rank(&unknown, NOW), nearness(&unknown, NOW)), (u32::MAX, 0));
        }
        assert_eq!(nearness(&way(Some(1), Some(5)), NOW), 100);
        assert!(nearness(&way(Some(1), Some(7 * 24 * 60)), NOW) <= 3);
    }
}
