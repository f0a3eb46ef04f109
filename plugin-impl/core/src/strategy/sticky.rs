//! A session stays on its account while that can serve it, because its prompt cache is warm there.
//!
//! A session that has none goes to the least loaded account. Where two pools of the account can serve it
//! the home is the account, not the pool.

use crate::snapshot::AccountView;

use super::{Context, Part, Parts, least_connections};

/// Field order is priority; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    away: bool,
    load: u64,
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        let Self { away, load, distance } = *self;
        [
            Part::flag("away from home", away),
            Part::number("load", load as i64),
            Part::number("turn", distance.into()),
        ]
        .into_iter()
        .collect()
    }
}

/// Ranks an account: the session's own first, the others by load.
pub fn rank(account: &AccountView, context: &Context) -> Rank {
    Rank {
        away: context.home != Some(account.index),
        load: least_connections::load(account),
        distance: context.distance(account.index),
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::testing::order;
    use crate::strategy::{Context, Strategy};

    #[test]
    fn home_goes_first_however_busy_it_is() {
        let context = Context { turn: 0, accounts: 3, home: Some(2) };
        assert_eq!(order(Strategy::Sticky, &context, [0, 0, 40]), [2, 0, 1]);
    }

    #[test]
    fn without_a_home_the_least_loaded_goes_first() {
        let context = Context { turn: 0, accounts: 3, home: None };
        assert_eq!(order(Strategy::Sticky, &context, [5, 1, 2]), [1, 2, 0]);
    }
}
