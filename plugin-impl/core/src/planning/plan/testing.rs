//! Accounts, and their order, for tests.

use smallvec::smallvec;

use super::*;
use crate::formats::operation::Operation;
use crate::planning::snapshot::{AccountView, WayView};
use crate::planning::strategy::Strategy;
use crate::time::Millis;

/// A generating request to three accounts, bound to none of them.
pub(crate) const THREE: Context = Context {
    turn: 0,
    accounts: 3,
    sticky: None,
    firm: false,
    parent: None,
    at_last: false,
    own: None,
    operation: Operation::Generating,
};

/// An account with one open way.
pub(crate) fn account(index: u32, in_flight: u32) -> AccountView {
    AccountView {
        index,
        weight: 1,
        priority: 50,
        in_flight,
        agents: 0,
        attracts: false,
        ways: smallvec![WayView::default()],
    }
}

/// Returns the accounts in the order of a strategy.
pub(crate) fn order<const N: usize>(strategy: Strategy, context: &Context, in_flight: [u32; N]) -> [u32; N] {
    let accounts: [_; N] = std::array::from_fn(|index| account(index as u32, in_flight[index]));
    order_at(strategy, context, accounts, Millis(0)).try_into().expect("all accounts")
}

/// Returns the open accounts in the order of a strategy.
pub(crate) fn order_of<const N: usize>(
    strategy: Strategy,
    context: &Context,
    accounts: [AccountView; N],
) -> Vec<u32> {
    order_at(strategy, context, accounts, Millis(0))
}

/// Returns the open accounts in the order of a strategy at an instant.
pub(crate) fn order_at<const N: usize>(
    strategy: Strategy,
    context: &Context,
    accounts: [AccountView; N],
    now: Millis,
) -> Vec<u32> {
    let settings = Settings { strategy, ..Settings::default() };
    let snapshot = Snapshot { now, accounts: accounts.into_iter().collect() };
    let plan = plan(&snapshot, &settings, context).expect("open ways");
    plan.candidates.iter().map(|candidate| candidate.account).collect()
}
