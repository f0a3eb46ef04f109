//! Accounts take turns in proportion to their weight, spread as evenly as possible.
//!
//! The open accounts lie on a ring, each as wide as its weight. Turns step round the ring by the golden
//! section: over a round each account has exactly its share, and only an account with most of the turns has
//! two in a row. Threads share no counter.

use crate::planning::snapshot::{AccountView, Snapshot};

use super::{Context, Part, Parts};

/// Smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    distance: u64,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        let Self { distance } = *self;
        [Part::number("turn", distance as i64)].into_iter().collect()
    }
}

/// The ring of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    round: u64,
    point: u64,
    begin: u64,
}

impl Ring {
    /// Lays out the open accounts of a snapshot.
    pub fn new(snapshot: &Snapshot, context: &Context) -> Self {
        let open = snapshot.accounts.iter().filter(|account| account.is_open());
        let round = open.map(width).sum::<u64>().max(1);
        let point = ((context.turn % round) * step(round)) % round;
        Self { round, point, begin: 0 }
    }

    /// Ranks the next open account by its distance from the current point of the ring.
    #[inline]
    pub fn rank(&mut self, account: &AccountView) -> Rank {
        let (begin, end) = (self.begin, self.begin + width(account));
        self.begin = end;
        let is_at_point = (begin..end).contains(&self.point);
        let ahead = (begin + self.round - self.point) % self.round;
        Rank { distance: if is_at_point { 0 } else { 1 + ahead } }
    }
}

fn width(account: &AccountView) -> u64 {
    account.weight.max(1).into()
}

/// Returns the number next to the golden section of `round` and coprime to `round`, so the steps meet every
/// point once.
fn step(round: u64) -> u64 {
    let golden = (round as f64 * 0.618_033_988_749_895).round() as u64;
    (golden.max(1)..=round).find(|step| divisor(*step, round) == 1).unwrap_or(1)
}

fn divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::planning::plan::testing::{account, order_of};
    use crate::planning::snapshot::{AccountView, Closed, Why};
    use crate::planning::strategy::{Context, Strategy};
    use crate::time::Millis;

    /// Returns who goes first in each turn.
    fn turns<const N: usize>(weights: [u16; N], turns: u64) -> Vec<u32> {
        let accounts = std::array::from_fn::<_, N, _>(|index| AccountView {
            weight: weights[index],
            ..account(index as u32, 0)
        });
        let first = |turn| {
            let context = Context { turn, accounts: N as u32, ..Context::default() };
            order_of(Strategy::Weighted, &context, accounts.clone())[0]
        };
        (0..turns).map(first).collect()
    }

    #[test]
    fn turns_are_smooth() {
        assert_eq!(turns([1, 1, 1], 6), [0, 2, 1, 0, 2, 1]);
        assert_eq!(turns([2, 1], 6), [0, 1, 0, 0, 1, 0]);
        assert_eq!(turns([5, 1, 1], 7), [0, 0, 0, 1, 0, 2, 0]);
    }

    proptest! {
        #[test]
        fn a_round_gives_each_account_exactly_its_weight(weights: [u8; 5]) {
            let weights = weights.map(|weight| u16::from(weight % 100) + 1);
            let round = weights.iter().map(|weight| u64::from(*weight)).sum();
            let turns = turns(weights, round);
            for (index, weight) in (0..).zip(weights) {
                prop_assert_eq!(turns.iter().filter(|turn| **turn == index).count(), usize::from(weight));
            }
        }
    }

    #[test]
    fn the_turns_of_a_closed_account_are_shared_by_weight() {
        let mut accounts = [account(0, 0), account(1, 0), account(2, 0)];
        (accounts[0].weight, accounts[1].weight) = (3, 1);
        accounts[2].ways[0].closed = Some(Closed { until: Some(Millis(90_000)), why: Why::Limited });
        let first = |turn| {
            let context = Context { turn, accounts: 3, ..Context::default() };
            order_of(Strategy::Weighted, &context, accounts.clone())[0]
        };
        assert_eq!((0..8).filter(|turn| first(*turn) == 0).count(), 6);
    }
}
