//! The account with the fewest requests in flight goes first, by weight.

use crate::planning::snapshot::AccountView;

use super::{Context, Part, Parts};

/// The order of fields is their priority; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    load: u64,
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        [Part::number("load", self.load as i64), Part::number("turn", self.distance.into())]
            .into_iter()
            .collect()
    }
}

/// Ranks an account by its requests in flight, this request included, relative to its weight.
#[inline]
pub fn rank(account: &AccountView, context: &Context) -> Rank {
    Rank { load: load(account), distance: context.distance(account.index) }
}

/// Returns the requests in flight, this request included, per thousandth of a weight.
#[inline]
pub(super) fn load(account: &AccountView) -> u64 {
    let requests = (u64::from(account.in_flight) + 1) * 1_000;
    match account.weight {
        0 | 1 => requests,
        weight => requests / u64::from(weight),
    }
}

/// Returns the load for an agent without a sticky account. Relatives on the account count as requests in
/// flight; an attraction subtracts one and a half of them.
#[inline]
pub(super) fn burden(account: &AccountView) -> u64 {
    let halves = 2 * (u64::from(account.in_flight) + u64::from(account.agents) + 1);
    let halves = halves.saturating_sub(if account.attracts { 3 } else { 0 });
    halves * 500 / u64::from(account.weight.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::plan::testing::{account, order};
    use crate::planning::strategy::Strategy;

    #[test]
    fn the_least_loaded_goes_first_and_equals_take_turns() {
        let context = Context { turn: 1, accounts: 3, ..Context::default() };
        assert_eq!(order(Strategy::LeastConnections, &context, [2, 0, 1]), [1, 2, 0]);
        assert_eq!(order(Strategy::LeastConnections, &context, [0, 0, 0]), [1, 2, 0]);
    }

    #[test]
    fn twice_the_weight_carries_twice_the_work() {
        let heavy = AccountView { weight: 2, ..account(0, 3) };
        assert_eq!(load(&heavy), load(&account(1, 1)));
    }
}
