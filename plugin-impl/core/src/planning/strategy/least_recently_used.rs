//! The least recently used account goes first.

use crate::planning::snapshot::{AccountView, WayView};
use crate::time::Millis;

use super::{Context, Part, Parts};

/// The order of fields is their priority; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    used: Millis,
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        let Self { used, distance } = *self;
        [Part::number("last use", used.0 as i64), Part::number("turn", distance.into())].into_iter().collect()
    }
}

/// Ranks an account by the last use of the pool. Unused accounts take turns.
#[inline]
pub fn rank(account: &AccountView, way: &WayView, context: &Context) -> Rank {
    Rank { used: way.health_stats.used, distance: context.distance(account.index) }
}

#[cfg(test)]
mod tests {
    use crate::planning::plan::testing::{account, order_of};
    use crate::planning::strategy::{Context, Strategy};
    use crate::time::Millis;

    #[test]
    fn who_rested_longest_goes_first_and_equals_take_turns() {
        let check = |used: [u64; 3], expected: [u32; 3]| {
            let accounts = [0, 1, 2].map(|index| {
                let mut account = account(index, 0);
                account.ways[0].health_stats.used = Millis(used[index as usize]);
                account
            });
            let context = Context { turn: 2, accounts: 3, ..Context::default() };
            assert_eq!(order_of(Strategy::LeastRecentlyUsed, &context, accounts), expected, "{used:?}");
        };
        check([50, 10, 30], [1, 2, 0]);
        check([50, 0, 0], [2, 1, 0]);
        check([7, 7, 7], [2, 0, 1]);
    }
}
