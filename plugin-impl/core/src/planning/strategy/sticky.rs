//! A session stays on its account as long as the account can serve, because the prompt cache is warm there.
//!
//! A new session goes to the least loaded account; among equals, to the parent's. Other agents of its root
//! session count as load, see [`family`](crate::planning::family). With two usable pools, stickiness is to
//! the account, not to the pool.

use crate::planning::snapshot::AccountView;

use super::{Context, Part, Parts, least_connections};

/// The order of fields is their priority; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    away: bool,
    load: u64,
    off_affinity: bool,
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        let Self { away, load, off_affinity, distance } = *self;
        [
            Part::flag("away from home", away),
            Part::number("load", load as i64),
            Part::flag("away from its parent", off_affinity),
            Part::number("turn", distance.into()),
        ]
        .into_iter()
        .collect()
    }
}

/// Ranks an account: the session's own first, the others by load.
#[inline]
pub fn rank(account: &AccountView, context: &Context) -> Rank {
    Rank {
        away: context.sticky != Some(account.index),
        load: least_connections::burden(account),
        off_affinity: context.is_off_affinity(account.index),
        distance: context.distance(account.index),
    }
}

#[cfg(test)]
mod tests {
    use crate::planning::plan::testing::{THREE, order};
    use crate::planning::strategy::{Context, Strategy};

    #[test]
    fn home_goes_first_however_busy_it_is() {
        let context = Context { sticky: Some(2), ..THREE };
        assert_eq!(order(Strategy::Sticky, &context, [0, 0, 40]), [2, 0, 1]);
    }

    #[test]
    fn without_a_home_the_least_loaded_goes_first() {
        assert_eq!(order(Strategy::Sticky, &THREE, [5, 1, 2]), [1, 2, 0]);
    }

    #[test]
    fn the_parents_account_decides_between_equals_only() {
        let context = Context { parent: Some(2), ..THREE };
        assert_eq!(order(Strategy::Sticky, &context, [1, 1, 1]), [2, 0, 1]);
        assert_eq!(order(Strategy::Sticky, &context, [1, 0, 1]), [1, 2, 0]);
    }
}
