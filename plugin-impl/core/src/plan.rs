//! Plans: which ways a request tries, in order, or why there is none and until when.

use smallvec::SmallVec;

use crate::settings::{FallbackOrder, Settings};
use crate::snapshot::{AccountView, Closed, Snapshot, WayView, Why};
use crate::strategy::{
    Context, Rank, Strategy, headroom, hybrid, least_connections, least_recently_used, round_robin, sticky,
    weighted,
};
use crate::time::Millis;

/// One way to serve a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The account's place in the roster that the snapshot was taken from.
    pub account: u32,
    /// The index of the pool at its provider.
    pub pool: u16,
    /// The index of the endpoint at its pool.
    pub endpoint: u16,
    /// The pool's place among those of the route; 0 is the preferred one.
    pub preference: u16,
    /// It asks for more than experience says there is, because nothing else is open.
    pub explores: bool,
    /// The user wants its quota to be spared.
    pub spared: bool,
}

/// The open ways, best first. Not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub candidates: SmallVec<[Candidate; 16]>,
}

/// No way is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The earliest instant that could help, where one is known.
    pub until: Option<Millis>,
    pub counts: Counts,
}

/// How many accounts are closed, each counted once by what would open it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub busy: u32,
    /// By the user's own wish; see [`protection`](crate::protection).
    pub protected: u32,
    pub limited: u32,
    pub cooling: u32,
    pub needs_sign_in: u32,
    pub disabled: u32,
}

impl Counts {
    /// Returns how many accounts there are in all.
    pub const fn total(self) -> u32 {
        self.busy + self.protected + self.limited + self.cooling + self.needs_sign_in + self.disabled
    }

    fn count(&mut self, why: Why) {
        let field = match why {
            Why::Busy | Why::Probing => &mut self.busy,
            Why::Protected => &mut self.protected,
            Why::Limited => &mut self.limited,
            Why::Cooling => &mut self.cooling,
            Why::NeedsSignIn => &mut self.needs_sign_in,
            Why::Disabled => &mut self.disabled,
        };
        *field += 1;
    }
}

/// Puts the open ways of a snapshot in order.
///
/// It depends on nothing else, so that a plan can be made again from what it saw.
///
/// # Errors
/// [`Refusal`] where none is open.
pub fn plan(snapshot: &Snapshot, settings: &Settings, context: &Context) -> Result<Plan, Refusal> {
    let candidates = ways_in_order(snapshot, settings, context, |_, way| way);
    if candidates.is_empty() { Err(refusal(snapshot)) } else { Ok(Plan { candidates }) }
}

/// Returns the open ways in order, each as `told` makes it of its rank and the way.
pub(crate) fn ways_in_order<T>(
    snapshot: &Snapshot,
    settings: &Settings,
    context: &Context,
    told: impl Fn(&dyn Rank, Candidate) -> T,
) -> SmallVec<[T; 16]> {
    let (order, now) = (settings.fallback_order, snapshot.now);
    match settings.strategy {
        Strategy::Hybrid => {
            let rank = |account: &_, way: &_| hybrid::rank(account, way, context, &settings.hybrid, now);
            ranked(snapshot, order, rank, told)
        }
        Strategy::Sticky => ranked(snapshot, order, |account, _| sticky::rank(account, context), told),
        Strategy::RoundRobin => {
            ranked(snapshot, order, |account, _| round_robin::rank(account, context), told)
        }
        Strategy::Weighted => {
            let mut ring = weighted::Ring::new(snapshot, context);
            ranked(snapshot, order, |account, _| ring.rank(account), told)
        }
        Strategy::LeastConnections => {
            ranked(snapshot, order, |account, _| least_connections::rank(account, context), told)
        }
        Strategy::LeastRecentlyUsed => {
            ranked(snapshot, order, |account, way| least_recently_used::rank(account, way, context), told)
        }
        Strategy::Headroom => {
            let scale = headroom::Scale::new(snapshot);
            ranked(snapshot, order, |account, way| scale.rank(account, way, context), told)
        }
    }
}

/// An account is ranked once, by the way that it would be used first. Ways whose quota is to be spared come
/// after all others, whatever their account's rank.
fn ranked<R: Rank + Ord + Copy, T>(
    snapshot: &Snapshot,
    order: FallbackOrder,
    mut rank: impl FnMut(&AccountView, &WayView) -> R,
    told: impl Fn(&dyn Rank, Candidate) -> T,
) -> SmallVec<[T; 16]> {
    let mut open: SmallVec<[(R, Candidate); 16]> = SmallVec::new();
    let may = who_may(snapshot);
    for account in &snapshot.accounts {
        let mut ways = account.ways.iter().enumerate().filter(|(_, way)| may(way)).peekable();
        let Some((_, first)) = ways.peek() else { continue };
        let rank = rank(account, first);
        open.extend(ways.map(|(preference, way)| (rank, candidate(account, preference, way))));
    }
    match order {
        FallbackOrder::AccountFirst => {
            open.sort_unstable_by_key(|(rank, way)| (way.spared, *rank, way.preference));
        }
        FallbackOrder::PoolFirst => {
            open.sort_unstable_by_key(|(rank, way)| (way.spared, way.preference, *rank));
        }
    }
    open.into_iter().map(|(rank, candidate)| told(&rank, candidate)).collect()
}

/// Ways that are open, or where there is none, those that may be tried against experience.
pub(crate) fn who_may(snapshot: &Snapshot) -> fn(&WayView) -> bool {
    let is_open = |way: &WayView| way.closed.is_none();
    if snapshot.accounts.iter().flat_map(|account| &account.ways).any(is_open) {
        is_open
    } else {
        |way| way.explorable
    }
}

fn candidate(account: &AccountView, preference: usize, way: &WayView) -> Candidate {
    Candidate {
        account: account.index,
        pool: way.pool,
        endpoint: way.endpoint,
        preference: preference as u16,
        explores: way.closed.is_some(),
        spared: way.spared,
    }
}

fn refusal(snapshot: &Snapshot) -> Refusal {
    let mut counts = Counts::default();
    let mut until = None;
    for closed in snapshot.accounts.iter().filter_map(first_to_open) {
        counts.count(closed.why);
        until = earlier(until, closed.until);
    }
    Refusal { until, counts }
}

/// Returns what holds the account's most hopeful way.
pub(crate) fn first_to_open(account: &AccountView) -> Option<Closed> {
    let hope =
        |closed: &Closed| (closed.why >= Why::NeedsSignIn, closed.until.is_none(), closed.until, closed.why);
    account.ways.iter().filter_map(|way| way.closed).min_by_key(hope)
}

fn earlier(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use smallvec::smallvec;

    use super::*;

    /// An account with one open way.
    pub(crate) fn account(index: u32, in_flight: u32) -> AccountView {
        AccountView { index, weight: 1, in_flight, ways: smallvec![WayView::default()] }
    }

    /// Returns the accounts in the order that a strategy puts them in.
    pub(crate) fn order<const N: usize>(
        strategy: Strategy,
        context: &Context,
        in_flight: [u32; N],
    ) -> [u32; N] {
        let accounts: [_; N] = std::array::from_fn(|index| account(index as u32, in_flight[index]));
        order_at(strategy, context, accounts, Millis(0)).try_into().expect("all accounts")
    }

    /// Returns the open ones of these accounts in the order that a strategy puts them in.
    pub(crate) fn order_of<const N: usize>(
        strategy: Strategy,
        context: &Context,
        accounts: [AccountView; N],
    ) -> Vec<u32> {
        order_at(strategy, context, accounts, Millis(0))
    }

    /// Does the same at an instant.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000);

    fn closed(until: Option<u64>, why: Why) -> Option<Closed> {
        Some(Closed { until: until.map(Millis), why })
    }

    /// Accounts of two pools each.
    fn snapshot(accounts: &[[Option<Closed>; 2]]) -> Snapshot {
        let view = |(index, ways): (usize, &[Option<Closed>; 2])| AccountView {
            index: index as u32,
            weight: 1,
            in_flight: 0,
            ways: (0..)
                .zip(ways)
                .map(|(pool, closed)| WayView { pool, closed: *closed, ..WayView::default() })
                .collect(),
        };
        Snapshot { now: NOW, accounts: accounts.iter().enumerate().map(view).collect() }
    }

    fn planned(accounts: &[[Option<Closed>; 2]], order: FallbackOrder) -> Result<Vec<(u32, u16)>, Refusal> {
        let context = Context { accounts: accounts.len() as u32, ..Context::default() };
        let settings =
            Settings { strategy: Strategy::RoundRobin, fallback_order: order, ..Settings::default() };
        let plan = plan(&snapshot(accounts), &settings, &context)?;
        Ok(plan.candidates.iter().map(|candidate| (candidate.account, candidate.pool)).collect())
    }

    #[test]
    fn what_experience_closes_is_tried_only_where_nothing_is_open() {
        let context = Context { accounts: 2, ..Context::default() };
        let limited = closed(Some(90_000), Why::Limited);
        let plan_of = |ways: [Option<Closed>; 2]| {
            let mut snapshot = snapshot(&[ways]);
            snapshot.accounts[0].ways[0].explorable = true;
            let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
            let plan = plan(&snapshot, &settings, &context);
            plan.map(|plan| plan.candidates.iter().map(|way| (way.pool, way.explores)).collect::<Vec<_>>())
        };
        assert_eq!(plan_of([limited, None]), Ok(vec![(1, false)]));
        assert_eq!(plan_of([limited, limited]), Ok(vec![(0, true)]));
    }

    #[test]
    fn account_first_tries_the_other_pool_of_an_account_before_the_next_account() {
        let order = planned(&[[None, None], [None, None]], FallbackOrder::AccountFirst);
        assert_eq!(order, Ok(vec![(0, 0), (0, 1), (1, 0), (1, 1)]));
    }

    #[test]
    fn pool_first_keeps_to_the_preferred_pool_over_all_accounts() {
        let order = planned(&[[None, None], [None, None]], FallbackOrder::PoolFirst);
        assert_eq!(order, Ok(vec![(0, 0), (1, 0), (0, 1), (1, 1)]));
    }

    #[test]
    fn closed_ways_are_left_out() {
        let limited = closed(Some(9_000), Why::Limited);
        let order = planned(&[[limited, None], [limited, limited]], FallbackOrder::AccountFirst);
        assert_eq!(order, Ok(vec![(0, 1)]));
    }

    #[test]
    fn what_is_to_be_spared_comes_after_everything_else() {
        let mut snapshot = snapshot(&[[None, None], [None, None]]);
        (snapshot.accounts[0].ways[0].spared, snapshot.accounts[1].ways[1].spared) = (true, true);
        for (order, expected) in [
            (FallbackOrder::AccountFirst, [(0, 1), (1, 0), (0, 0), (1, 1)]),
            (FallbackOrder::PoolFirst, [(1, 0), (0, 1), (0, 0), (1, 1)]),
        ] {
            let settings =
                Settings { strategy: Strategy::RoundRobin, fallback_order: order, ..Settings::default() };
            let context = Context { accounts: 2, ..Context::default() };
            let plan = plan(&snapshot, &settings, &context).expect("open ways");
            let ways: Vec<_> = plan.candidates.iter().map(|way| (way.account, way.pool)).collect();
            assert_eq!(ways, expected, "{order:?}");
        }
    }

    #[test]
    fn a_refusal_counts_each_account_once_and_tells_the_earliest_instant() {
        let refusal = planned(
            &[
                [closed(Some(9_000), Why::Limited), closed(Some(5_000), Why::Limited)],
                [closed(Some(7_000), Why::Cooling), closed(None, Why::Busy)],
                [closed(None, Why::NeedsSignIn), closed(None, Why::NeedsSignIn)],
                [closed(None, Why::Disabled), closed(None, Why::Disabled)],
            ],
            FallbackOrder::AccountFirst,
        );
        let counts = Counts { limited: 1, cooling: 1, needs_sign_in: 1, disabled: 1, ..Counts::default() };
        assert_eq!(refusal, Err(Refusal { until: Some(Millis(5_000)), counts }));
    }

    #[test]
    fn a_probe_under_way_is_a_hope_without_an_instant() {
        let busy = closed(None, Why::Busy);
        let refusal = planned(&[[busy, busy]], FallbackOrder::AccountFirst).expect_err("closed");
        assert_eq!((refusal.until, refusal.counts.busy), (None, 1));
    }
}
