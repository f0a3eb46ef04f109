//! Accounts take turns, independent of load.

use crate::planning::snapshot::AccountView;

use super::{Context, Part, Parts};

/// Smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        [Part::number("turn", self.distance.into())].into_iter().collect()
    }
}

/// Ranks an account by its distance from its turn.
#[inline]
pub fn rank(account: &AccountView, context: &Context) -> Rank {
    Rank { distance: context.distance(account.index) }
}

#[cfg(test)]
mod tests {
    use crate::planning::plan::testing::order;
    use crate::planning::strategy::{Context, Strategy};

    #[test]
    fn the_turn_goes_round() {
        for (turn, expected) in [(0, [0, 1, 2]), (1, [1, 2, 0]), (2, [2, 0, 1]), (3, [0, 1, 2])] {
            let context = Context { turn, accounts: 3, ..Context::default() };
            assert_eq!(order(Strategy::RoundRobin, &context, [9, 0, 4]), expected);
        }
    }
}
