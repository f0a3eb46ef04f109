//! Jitter: a small random delay after the end of a limit.
//!
//! Routers of several processes wait for the same instant. Without jitter all would ask in the same
//! millisecond, too early to learn from the first answer. Jitter is only added: nobody asks before the end.

use std::time::Duration;

use crate::time::Millis;

/// The largest jitter.
const LONGEST: Duration = Duration::from_millis(250);
/// The largest share of the wait, so a short wait stays short.
const PART_OF_WAIT: u32 = 16;

/// The position within the largest jitter: 0 for none, `u16::MAX` for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter(pub u16);

impl Jitter {
    /// Returns the jitter of the request number `turn` of the process `seed`; neighbours differ.
    pub const fn of(seed: u64, turn: u64) -> Self {
        let mixed = (seed ^ turn.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self((mixed >> 48) as u16)
    }

    /// Returns the instant of the request after a wait from `now` until `end`: `end` plus jitter.
    pub fn after(self, end: Millis, now: Millis) -> Millis {
        let most = (end.since(now) / PART_OF_WAIT).min(LONGEST);
        end.after(most * u32::from(self.0) / u32::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const NOW: Millis = Millis(10_000);
    const END: Millis = Millis(70_000);

    #[test]
    fn fifty_waiters_of_several_processes_do_not_ask_in_the_same_millisecond() {
        let instants: Vec<_> = (0..5)
            .flat_map(|process| {
                (0..10).map(move |turn| Jitter::of(process * 1_000_003, turn).after(END, NOW))
            })
            .collect();
        let different: BTreeSet<_> = instants.iter().collect();
        assert!(different.len() >= 40, "{} instants", different.len());
        let largest = different.iter().map(|at| instants.iter().filter(|other| *other == *at).count()).max();
        assert!(largest <= Some(3), "{largest:?} ask together");
    }

    #[test]
    fn a_short_wait_stays_short() {
        let end = Millis(NOW.0 + 160);
        assert_eq!(Jitter(u16::MAX).after(end, NOW), Millis(end.0 + 10));
        assert_eq!(Jitter(u16::MAX).after(NOW, NOW), NOW);
    }

    proptest! {
        #[test]
        fn nobody_asks_before_the_end_and_nobody_long_after(share: u16, wait in 0_u64..1_000_000) {
            let end = Millis(NOW.0 + wait);
            let at = Jitter(share).after(end, NOW);
            prop_assert!(at >= end && at <= end.after(LONGEST));
        }
    }
}
