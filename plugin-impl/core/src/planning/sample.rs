//! Samples: the accounts considered by a plan in a large fleet.
//!
//! A look at ten thousand accounts would cost more than the request's whole way through the router. Up to
//! [`WHOLE`], a plan considers all accounts. Beyond, a plan considers the session's own account, its
//! neighbours in turn, and some at random: the best of a few random choices is nearly the best of all
//! ("power of two choices"). With none of them open, the plan looks further, finally at all accounts, so a
//! refusal means a closed fleet.
//!
//! The draw depends on the turn alone, so a plan can be repeated.

/// The largest fleet without sampling.
pub const WHOLE: u32 = 64;

/// Accounts at or near their turn.
const IN_TURN: u32 = 4;
/// Accounts at random.
const ANYWHERE: u64 = 4;

/// The number of accounts considered beyond the sample, before all.
pub const FURTHER: u32 = 256;

/// Returns the places for the request number `turn`. A place may occur twice.
pub fn places(turn: u64, count: u32) -> impl Iterator<Item = u32> {
    let count = u64::from(count.max(1));
    let in_turn = (0..u64::from(IN_TURN)).map(move |ahead| (turn % count + ahead) % count);
    let anywhere =
        (0..ANYWHERE).map(move |draw| mixed(turn.wrapping_mul(ANYWHERE).wrapping_add(draw)) % count);
    in_turn.chain(anywhere).map(|place| place as u32)
}

/// Returns the places from `begin` on, round the fleet, for the second stage.
pub fn onward(begin: u32, count: u32) -> impl Iterator<Item = u32> {
    let count = count.max(1);
    (0..FURTHER.min(count)).map(move |ahead| (begin % count + ahead) % count)
}

/// Spreads a number over all bits (the finalizer of SplitMix64).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn whose_turn_it_is_comes_first() {
        for turn in [0, 1, 9_999, 10_000, u64::MAX] {
            let first = places(turn, 10_000).next();
            assert_eq!(first.map(u64::from), Some(turn % 10_000));
        }
    }

    #[test]
    fn a_sample_is_small_and_inside() {
        for count in [1, 65, 10_000] {
            for turn in 0..1_000 {
                let places: Vec<_> = places(turn, count).collect();
                assert!(places.len() <= 8 && places.iter().all(|place| *place < count));
            }
        }
    }

    #[test]
    fn nobody_is_drawn_much_more_often_than_others() {
        let mut drawn = BTreeMap::new();
        for turn in 0..100_000 {
            places(turn, 1_000).skip(4).for_each(|place| *drawn.entry(place).or_insert(0) += 1);
        }
        let (least, most) = (drawn.values().min().copied(), drawn.values().max().copied());
        assert_eq!(drawn.len(), 1_000);
        assert!(
            least.is_some_and(|least| least > 300) && most.is_some_and(|most| most < 500),
            "{least:?} {most:?}"
        );
    }

    #[test]
    fn onward_goes_round_without_meeting_anybody_twice() {
        assert_eq!(onward(3, 5).collect::<Vec<_>>(), [3, 4, 0, 1, 2]);
        assert_eq!(onward(9_990, 10_000).count(), FURTHER as usize);
    }
}
