//! Plans: the ordered ways of a request, or the reason and the end of their absence.

mod counts;
mod tier;

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::admission::knock::Knock;
use crate::planning::settings::{FallbackOrder, Settings};
use crate::planning::snapshot::{AccountView, Closed, Snapshot, WayView};
use crate::planning::strategy::{
    Context, Rank, Strategy, headroom, hybrid, least_connections, least_recently_used, round_robin, sticky,
    weighted,
};
use crate::time::Millis;

pub use self::counts::{Cooling, Counts};
pub(crate) use self::tier::Tier;

/// One way to serve a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The account's index in the snapshot's roster.
    pub account: u32,
    /// The index of the pool at its provider.
    pub pool: u16,
    /// The index of the endpoint at its pool.
    pub endpoint: u16,
    /// The pool's index in the route; 0 is the preferred pool.
    pub preference: u16,
    /// The reason for trying a closed way.
    pub trial: Option<Trial>,
    /// Whether the way is deprioritised to spare its quota, as the user wishes.
    pub deprioritised: bool,
}

/// The reason for trying a closed way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trial {
    /// Nothing else is open, and the learned allowance may be too low.
    Explorer,
    /// The limit may be probed before its end.
    Knock(Knock),
}

/// The open ways, best first. Not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub candidates: SmallVec<[Candidate; 16]>,
}

impl Plan {
    /// Returns whether more than one account is open, trials excluded.
    pub fn has_others(&self) -> bool {
        let mut open = self.candidates.iter().filter(|candidate| candidate.trial.is_none());
        let first = open.next().map(|candidate| candidate.account);
        open.any(|candidate| Some(candidate.account) != first)
    }

    /// Has it begin with one of its candidates.
    pub fn put_first(&mut self, candidate: Candidate) {
        if let Some(place) = self.candidates.iter().position(|other| *other == candidate) {
            self.candidates[..=place].rotate_right(1);
        }
    }
}

/// A refusal: no way is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The earliest helpful instant, if known.
    pub until: Option<Millis>,
    /// The earliest instant for a last-resort probe of a guess.
    pub knock: Option<Millis>,
    pub counts: Counts,
}

impl Refusal {
    /// Returns the earliest instant worth waiting for: an end, or a probe of a guess.
    pub fn hope(&self) -> Option<Millis> {
        earlier(self.until, self.knock)
    }
}

/// Sorts the open ways of a snapshot.
///
/// The result depends on nothing else, so that a plan can be made again from its snapshot.
///
/// # Errors
/// [`Refusal`] if no way is open.
pub fn plan(snapshot: &Snapshot, settings: &Settings, context: &Context) -> Result<Plan, Refusal> {
    let candidates = ways_in_order(snapshot, settings, context, |_, way| way);
    if candidates.is_empty() { Err(refusal(snapshot)) } else { Ok(Plan { candidates }) }
}

/// Returns the open ways in order, each converted by `told` from its rank and the way.
pub(crate) fn ways_in_order<T>(
    snapshot: &Snapshot,
    settings: &Settings,
    context: &Context,
    told: impl Fn(&dyn Rank, Candidate) -> T,
) -> SmallVec<[T; 16]> {
    let order = Order {
        fallback: settings.fallback_order,
        own: context.own,
        first: context.sticky.filter(|_| context.firm),
    };
    let (now, tier) = (snapshot.now, Tier::of(snapshot, context));
    match settings.strategy {
        Strategy::Hybrid => {
            let rank = |account: &_, way: &_| hybrid::rank(account, way, context, &settings.hybrid, now);
            ranked(snapshot, order, tier, rank, told)
        }
        Strategy::Sticky => ranked(snapshot, order, tier, |account, _| sticky::rank(account, context), told),
        Strategy::RoundRobin => {
            ranked(snapshot, order, tier, |account, _| round_robin::rank(account, context), told)
        }
        Strategy::Weighted => {
            let mut ring = weighted::Ring::new(snapshot, context);
            ranked(snapshot, order, tier, |account, _| ring.rank(account), told)
        }
        Strategy::LeastConnections => {
            ranked(snapshot, order, tier, |account, _| least_connections::rank(account, context), told)
        }
        Strategy::LeastRecentlyUsed => {
            let rank = |account: &_, way: &_| least_recently_used::rank(account, way, context);
            ranked(snapshot, order, tier, rank, told)
        }
        Strategy::Headroom => {
            let scale = headroom::Scale::new(snapshot);
            ranked(snapshot, order, tier, |account, way| scale.rank(account, way, context), told)
        }
    }
}

/// The precedence of accounts before the strategy, or beside it.
#[derive(Clone, Copy)]
struct Order {
    fallback: FallbackOrder,
    /// The account with the caller's own credential. The caller pays for it, so the shared accounts are
    /// left to callers without a credential.
    own: Option<u32>,
    /// An account before every other.
    first: Option<u32>,
}

impl Order {
    fn is_shared(self, way: &Candidate) -> bool {
        self.own.is_some_and(|own| own != way.account)
    }
}

/// Ranks each account once, by the first way in use. Deprioritised ways come after every other way,
/// whatever their account's rank.
fn ranked<R: Rank + Ord + Copy, T>(
    snapshot: &Snapshot,
    order: Order,
    tier: Tier,
    mut rank: impl FnMut(&AccountView, &WayView) -> R,
    told: impl Fn(&dyn Rank, Candidate) -> T,
) -> SmallVec<[T; 16]> {
    // The inline capacity spares the usual request an allocation.
    let mut open: SmallVec<[(R, Candidate); 16]> = SmallVec::new();
    for account in &snapshot.accounts {
        let mut of_account = None;
        for (preference, way) in account.ways.iter().enumerate().filter(|(_, way)| tier.has(way)) {
            // The first open way in order of preference stands for the account.
            let rank = *of_account.get_or_insert_with(|| rank(account, way));
            open.push((rank, candidate(account, preference, way, tier)));
        }
    }
    match order.fallback {
        FallbackOrder::AccountFirst => sort(&mut open, |(a, one), (b, other)| {
            let key = |way: &Candidate| (way.deprioritised, order.is_shared(way));
            (key(one), a, one.preference).cmp(&(key(other), b, other.preference))
        }),
        FallbackOrder::PoolFirst => sort(&mut open, |(a, one), (b, other)| {
            let key = |way: &Candidate| (way.deprioritised, way.preference, order.is_shared(way));
            (key(one), a).cmp(&(key(other), b))
        }),
    }
    if let Some(first) = order.first {
        // A stable sort: the rest keeps its order.
        open.sort_by_key(|(_, candidate)| candidate.account != first);
    }
    open.iter().map(|(rank, candidate)| told(rank, *candidate)).collect()
}

/// Sorts a nearly sorted list with an arbitrary start: among equal accounts, rotation decides.
fn sort<T>(ways: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let better = |first, at| if compare(&ways[at], &ways[first]).is_lt() { at } else { first };
    let first = (1..ways.len()).fold(0, better);
    // From its best element on, a round-robin list is already sorted, the fastest case of the sort.
    ways.rotate_left(first);
    ways.sort_unstable_by(compare);
}

fn candidate(account: &AccountView, preference: usize, way: &WayView, tier: Tier) -> Candidate {
    Candidate {
        account: account.index,
        pool: way.pool,
        endpoint: way.endpoint,
        preference: preference as u16,
        trial: match tier {
            Tier::Open => way.recheck.then_some(Trial::Knock(Knock::Recheck)),
            Tier::Explorable => Some(Trial::Explorer),
            Tier::Estimated { .. } => Some(Trial::Knock(Knock::LastResort)),
        },
        deprioritised: way.deprioritised,
    }
}

fn refusal(snapshot: &Snapshot) -> Refusal {
    let mut counts = Counts::default();
    let mut until = None;
    for closed in snapshot.accounts.iter().filter_map(first_to_open) {
        counts.count(closed.why);
        // What only the owner can mend is no better at its end.
        until = earlier(until, closed.until.filter(|_| !closed.why.is_owners()));
    }
    Refusal { until, knock: tier::first_knock(snapshot), counts }
}

/// Returns the closure of the account's most hopeful way.
pub fn first_to_open(account: &AccountView) -> Option<Closed> {
    let hope = |closed: &Closed| (closed.why.is_owners(), closed.until.is_none(), closed.until, closed.why);
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
    use crate::request::operation::Operation;

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
            in_flight,
            agents: 0,
            attracts: false,
            ways: smallvec![WayView::default()],
        }
    }

    /// Returns the accounts in the order of a strategy.
    pub(crate) fn order<const N: usize>(
        strategy: Strategy,
        context: &Context,
        in_flight: [u32; N],
    ) -> [u32; N] {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::blame::Reason;
    use crate::planning::snapshot::Why;

    const NOW: Millis = Millis(1_000);
    const AT_LAST: Trial = Trial::Knock(Knock::LastResort);

    fn closed(until: Option<u64>, why: Why) -> Option<Closed> {
        Some(Closed { until: until.map(Millis), why })
    }

    /// Accounts of two pools each.
    fn snapshot(accounts: &[[Option<Closed>; 2]]) -> Snapshot {
        let view = |(index, ways): (usize, &[Option<Closed>; 2])| AccountView {
            index: index as u32,
            weight: 1,
            in_flight: 0,
            agents: 0,
            attracts: false,
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
    fn the_account_that_began_a_turn_goes_first_whatever_the_strategy_is() {
        for strategy in Strategy::ALL {
            let context = Context { accounts: 3, sticky: Some(2), firm: true, ..Context::default() };
            let accounts = [0, 1, 2].map(|index| testing::account(index, 40 * (index / 2)));
            let order = testing::order_of(strategy, &context, accounts);
            assert_eq!((order[0], order.len()), (2, 3), "{strategy}");
        }
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
            plan.map(|plan| plan.candidates.iter().map(|way| (way.pool, way.trial)).collect::<Vec<_>>())
        };
        assert_eq!(plan_of([limited, None]), Ok(vec![(1, None)]));
        assert_eq!(plan_of([limited, limited]), Ok(vec![(0, Some(Trial::Explorer))]));
    }

    /// Plans at the deadline over accounts of one way each: the end of the closure, its reason, and the
    /// earliest probe of a guess.
    fn at_last(ways: &[(u64, Why, Option<u64>)]) -> Result<Vec<(u32, Option<Trial>)>, Option<u64>> {
        let mut snapshot = snapshot(&vec![[None, None]; ways.len()]);
        for (account, (until, why, guess)) in snapshot.accounts.iter_mut().zip(ways) {
            account.ways.truncate(1);
            account.ways[0].closed = closed((*until > 0).then_some(*until), *why);
            account.ways[0].guess = guess.map(Millis);
        }
        let context = Context { accounts: ways.len() as u32, at_last: true, ..Context::default() };
        let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
        let plan = plan(&snapshot, &settings, &context).map_err(|refusal| refusal.knock.map(|at| at.0))?;
        Ok(plan.candidates.iter().map(|candidate| (candidate.account, candidate.trial)).collect())
    }

    #[test]
    fn where_all_is_guessed_what_is_due_is_tried_at_last() {
        let tried = |account| (account, Some(AT_LAST));
        let (limited, sign_in) = (Why::Limited, Why::NeedsSignIn);
        let due = at_last(&[
            (90_000, limited, Some(900)),
            (60_000, limited, Some(7_000)),
            (0, sign_in, None),
            (50_000, limited, Some(1_000)),
        ]);
        assert_eq!(due, Ok(vec![tried(0), tried(3)]));
        assert_eq!(
            at_last(&[(90_000, limited, Some(7_000)), (60_000, limited, Some(5_000))]),
            Err(Some(5_000))
        );
        assert_eq!(at_last(&[(90_000, limited, Some(90_001))]), Err(None), "it ends before");
    }

    #[test]
    fn nothing_is_tried_early_where_something_certain_comes_first() {
        let (guess, certain) = ((90_000, Why::Limited, Some(900)), |until, why| (until, why, None));
        assert_eq!(at_last(&[guess, certain(80_000, Why::Limited)]), Err(None), "a told end");
        assert_eq!(at_last(&[guess, certain(2_000, Why::Cooling(Reason::Server))]), Err(None));
        assert_eq!(at_last(&[guess, certain(0, Why::Busy)]), Err(None));
        assert_eq!(at_last(&[guess, certain(0, Why::Probing)]), Err(None));
        let tried = Ok(vec![(0, Some(AT_LAST))]);
        assert_eq!(at_last(&[guess, certain(500_000, Why::Limited)]), tried, "days are not waited for");
        assert_eq!(at_last(&[guess, certain(0, Why::Disabled)]), tried);
    }

    #[test]
    fn a_guess_whose_check_is_due_is_planned_like_an_open_way_and_others_are_not_tried() {
        let limited = closed(Some(90_000), Why::Limited);
        let mut snapshot = snapshot(&[[None, limited], [limited, limited]]);
        snapshot.accounts[1].ways[0].recheck = true;
        snapshot.accounts[1].ways[1].guess = Some(Millis(900));
        let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
        let context = Context { turn: 1, accounts: 2, at_last: true, ..Context::default() };
        let plan = plan(&snapshot, &settings, &context).expect("two ways");
        let ways: Vec<_> = plan.candidates.iter().map(|way| (way.account, way.pool, way.trial)).collect();
        assert_eq!(ways, [(1, 0, Some(Trial::Knock(Knock::Recheck))), (0, 0, None)]);
    }

    #[test]
    fn who_can_turn_to_another_provider_tries_no_guess() {
        let mut snapshot = snapshot(&[[closed(Some(90_000), Why::Limited), None]]);
        snapshot.accounts[0].ways.truncate(1);
        snapshot.accounts[0].ways[0].guess = Some(Millis(900));
        let refusal =
            plan(&snapshot, &Settings::default(), &Context::default()).expect_err("nothing is open");
        assert_eq!((refusal.until, refusal.knock), (Some(Millis(90_000)), Some(Millis(900))));
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
        (snapshot.accounts[0].ways[0].deprioritised, snapshot.accounts[1].ways[1].deprioritised) =
            (true, true);
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
                [closed(Some(7_000), Why::Cooling(Reason::Server)), closed(None, Why::Busy)],
                [closed(None, Why::NeedsSignIn), closed(None, Why::NeedsSignIn)],
                [closed(None, Why::Disabled), closed(None, Why::Disabled)],
            ],
            FallbackOrder::AccountFirst,
        );
        let counts = Counts {
            limited: 1,
            cooling: Cooling::by(Reason::Server, 1),
            needs_sign_in: 1,
            disabled: 1,
            ..Counts::default()
        };
        assert_eq!(refusal, Err(Refusal { until: Some(Millis(5_000)), knock: None, counts }));
    }

    #[test]
    fn a_probe_under_way_is_a_hope_without_an_instant() {
        let busy = closed(None, Why::Busy);
        let refusal = planned(&[[busy, busy]], FallbackOrder::AccountFirst).expect_err("closed");
        assert_eq!((refusal.until, refusal.counts.busy), (None, 1));
    }
}
