//! The order of a plan: tier, precedence, rank of the strategy.

use std::cmp::Ordering;

use smallvec::SmallVec;

use crate::admission::probe::{Early, Probe};
use crate::planning::settings::{FallbackOrder, Settings};
use crate::planning::snapshot::{AccountView, Snapshot, WayView};
use crate::planning::strategy::{
    Context, Rank, Strategy, headroom, hybrid, least_connections, least_recently_used, round_robin, sticky,
    weighted,
};

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
        probe: match tier {
            Tier::Open => way.recheck.then_some(Probe::Early(Early::Recheck)),
            Tier::OverCapacity => Some(Probe::OverCapacity),
            Tier::Estimated { .. } => Some(Probe::Early(Early::LastResort)),
        },
        deprioritised: way.deprioritised,
    }
}
