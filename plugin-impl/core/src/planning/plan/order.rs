//! The order of a plan: tier, precedence, rank of the strategy.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::admission::probe::{Early, Probe};
use crate::planning::settings::{Drain, FallbackOrder, Settings};
use crate::planning::snapshot::{AccountView, Snapshot, WayView};
use crate::planning::strategy::{
    Context, Rank, Strategy, drain, headroom, hybrid, least_connections, least_recently_used, round_robin,
    sticky, weighted,
};
use crate::time::Millis;

use super::{Candidate, Tier};

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
        first: if context.firm { context.sticky } else { None },
        drains: if drains(settings) { Some(context.sticky) } else { None },
    };
    let (now, tier) = (snapshot.now, Tier::of(snapshot, context));
    match settings.strategy {
        Strategy::Hybrid => {
            let numbers = settings.hybrid.draining(settings.drain == Drain::SoonestReset);
            let rank = |account: &_, way: &_| hybrid::rank(account, way, context, &numbers, now);
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
    /// Resets count before the strategy, except for the sticky account.
    drains: Option<Option<u32>>,
}

/// Returns whether resets count before the strategy. The hybrid strategy weighs them itself.
pub(crate) fn drains(settings: &Settings) -> bool {
    settings.drain == Drain::SoonestReset && settings.strategy != Strategy::Hybrid
}

impl Order {
    /// Returns the precedence of an account.
    fn before(self, account: &AccountView, way: &WayView, now: Millis) -> Precedence {
        let reset = match self.drains {
            // A session keeps its account: a cold prompt costs more than a lapsed quota.
            Some(sticky) if sticky != Some(account.index) => drain::rank(way, now),
            Some(_) | None => 0,
        };
        (account.priority, reset)
    }

    fn is_shared(self, way: &Candidate) -> bool {
        self.own.is_some_and(|own| own != way.account)
    }
}

/// The place of an account before the strategy: its tier, and the distance of its reset.
type Precedence = (u8, u32);

/// A way with the rank of its account.
type Ranked<R> = ((Precedence, R), Candidate);

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
    let mut open: SmallVec<[Ranked<R>; 16]> = SmallVec::new();
    for account in &snapshot.accounts {
        let mut of_account = None;
        for (preference, way) in account.ways.iter().enumerate().filter(|(_, way)| tier.has(way)) {
            // The first open way in order of preference stands for the account.
            let rank = *of_account
                .get_or_insert_with(|| (order.before(account, way, snapshot.now), rank(account, way)));
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
    open.iter().map(|((_, rank), candidate)| told(rank, *candidate)).collect()
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
        probe: match tier {
            Tier::Open => way.recheck.then_some(Probe::Early(Early::Recheck)),
            Tier::OverCapacity => Some(Probe::OverCapacity),
            Tier::Estimated { .. } => Some(Probe::Early(Early::LastResort)),
        },
        deprioritised: way.deprioritised,
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::planning::plan::plan;
    use crate::planning::plan::testing::{THREE, account};
    use crate::quota::outlook::{Outlook, OutlookWord};
    use crate::reporting::explain::{Place, explain, preference};

    const NOW: Millis = Millis(1_000_000);

    /// An account of a priority, whose quota is whole again in so many minutes.
    fn view(index: u32, priority: u8, minutes: u64) -> AccountView {
        let outlook = Outlook { remaining: Some(500), reset: Some(Millis(NOW.0 + minutes * 60_000)) };
        let way = WayView { outlook: OutlookWord::pack(outlook, 0, NOW), ..WayView::default() };
        AccountView { priority, ways: smallvec![way], ..account(index, index) }
    }

    fn order(settings: &Settings, context: &Context, accounts: &[AccountView]) -> Vec<u32> {
        let snapshot = Snapshot { now: NOW, accounts: accounts.iter().cloned().collect() };
        let plan = plan(&snapshot, settings, context).expect("all are open");
        let order: Vec<u32> = plan.candidates.iter().map(|way| way.account).collect();
        let explained: Vec<u32> =
            explain(&snapshot, settings, context).iter().map(|line| line.way.account).collect();
        assert_eq!(order, explained, "an explanation is the plan");
        order
    }

    #[test]
    fn tiers_go_before_every_strategy_and_the_strategy_decides_within_one() {
        let accounts = [view(0, 50, 60), view(1, 50, 60), view(2, 10, 60)];
        for strategy in Strategy::ALL {
            let settings = Settings { strategy, ..Settings::default() };
            let order = order(&settings, &Context { sticky: Some(1), ..THREE }, &accounts);
            assert_eq!(order[0], 2, "{strategy}");
        }
        let loaded = [view(0, 10, 60), view(1, 10, 60), view(2, 50, 60)];
        let least = Settings { strategy: Strategy::LeastConnections, ..Settings::default() };
        assert_eq!(order(&least, &THREE, &loaded), [0, 1, 2]);
    }

    #[test]
    fn the_soonest_reset_goes_first_except_for_a_session_with_an_account() {
        let accounts = [view(0, 50, 9_000), view(1, 50, 60), view(2, 50, 600)];
        let settings = |strategy| Settings { strategy, drain: Drain::SoonestReset, ..Settings::default() };
        for strategy in Strategy::ALL.into_iter().filter(|strategy| *strategy != Strategy::Hybrid) {
            assert_eq!(order(&settings(strategy), &THREE, &accounts), [1, 2, 0], "{strategy}");
        }
        let sticky = Context { sticky: Some(0), ..THREE };
        assert_eq!(order(&settings(Strategy::Sticky), &sticky, &accounts)[0], 0);
        let off = Settings { strategy: Strategy::LeastConnections, ..Settings::default() };
        assert_eq!(order(&off, &THREE, &accounts), [0, 1, 2]);
    }

    #[test]
    fn hybrid_weighs_the_soonest_reset_with_the_rest() {
        let accounts = [view(0, 50, 9_000), view(1, 50, 60), view(2, 50, 600)];
        let on = Settings { drain: Drain::SoonestReset, ..Settings::default() };
        assert_eq!(order(&on, &THREE, &accounts), [1, 2, 0]);
        // A session keeps its account: its bonus is worth more than any reset.
        assert_eq!(order(&on, &Context { sticky: Some(0), ..THREE }, &accounts)[0], 0);
        assert_eq!(order(&Settings::default(), &THREE, &accounts), [0, 1, 2]);
    }

    #[test]
    fn tiers_and_resets_are_explained_in_words() {
        let snapshot =
            |accounts: [AccountView; 2]| Snapshot { now: NOW, accounts: accounts.into_iter().collect() };
        let words = |settings: &Settings, snapshot: &Snapshot| {
            let lines = explain(snapshot, settings, &THREE);
            let Place::Behind { by, .. } = lines[1].place else { panic!("{lines:?}") };
            preference(by, &lines[1].parts, &lines[0].parts)
        };
        let tiers = snapshot([view(0, 50, 60), view(1, 10, 60)]);
        assert_eq!(words(&Settings::default(), &tiers), "its `priority` goes first");
        let settings =
            Settings { strategy: Strategy::RoundRobin, drain: Drain::SoonestReset, ..Settings::default() };
        let resets = snapshot([view(0, 50, 9_000), view(1, 50, 60)]);
        assert_eq!(words(&settings, &resets), "its quota is whole again sooner");
    }
}
