//! Snapshots: a plan's view of the accounts for a route.
//!
//! A snapshot ranks, a cell admits: state may change between the two, and then the cell denies. The open
//! check here and the check at admission are the same function,
//! [`CellState::denial`](crate::admission::cell::CellState::denial).

use smallvec::SmallVec;

use crate::admission::blame::{BreakerScope, Reason};
use crate::admission::cell::Deny;
use crate::admission::health_stats::HealthView;
use crate::quota::outlook::OutlookWord;
use crate::time::Millis;

/// The accounts of a route's provider, at an instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub now: Millis,
    pub accounts: SmallVec<[AccountView; 16]>,
}

/// An account of the route.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// The account's place in the roster.
    pub index: u32,
    /// 1 or more; double weight means double work.
    pub weight: u16,
    /// The tier before the strategy; a lower number goes first.
    pub priority: u8,
    /// Requests in flight in the pools of the route.
    pub in_flight: u32,
    /// Other agents of the request's root session on this account, for an agent without a sticky account;
    /// see [`family`](crate::planning::family).
    pub agents: u16,
    /// The account's prompt cache attracts the new agent.
    pub attracts: bool,
    /// The pools of the route, in the route's order.
    pub ways: SmallVec<[WayView; 2]>,
}

/// The best endpoint for a pool of an account.
///
/// A plan has as many of these as accounts, so the type is small: strategies unpack words themselves.
/// out of a word is left to the strategy that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayView {
    /// The index of the pool at its provider.
    pub pool: u16,
    /// The index of the endpoint at its pool.
    pub endpoint: u16,
    /// The reason and the end of a closure.
    pub closed: Option<Closed>,
    /// The remaining quota, as known.
    pub outlook: OutlookWord,
    /// The pool is closed by a prediction alone, and a probe over capacity is due, for requests without
    /// another way.
    pub over_capacity: bool,
    /// The pool is closed by an estimate alone; a last-resort probe may go from this instant on.
    pub guess: Option<Millis>,
    /// The pool is closed by an estimate alone, and a recheck is due, independent of other accounts.
    pub recheck: bool,
    /// The remaining quota is below the user's soft floor.
    pub deprioritised: bool,
    /// The pool's recent health.
    pub health_stats: HealthView,
}

const _: () = assert!(size_of::<WayView>() <= 80);

impl AccountView {
    /// Returns whether a pool is open and above the soft floor.
    #[inline]
    pub fn is_plainly_open(&self) -> bool {
        self.ways.iter().any(|way| way.closed.is_none() && !way.deprioritised)
    }

    /// Returns whether a pool is open.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.ways.iter().any(|way| way.closed.is_none())
    }
}

/// The reason for a closure, and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// None for a closure without a known end.
    pub until: Option<Millis>,
    pub why: Why,
}

/// The reason for a closure. The order of variants is their precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// All slots are taken.
    Busy,
    /// A probe is out and not yet answered.
    Probing,
    /// The user's quota protection reserves the remaining quota.
    Protected,
    /// A limit of the upstream, other than a quota: a rate, a number at once, or of an unknown kind.
    Limited,
    /// The pool's quota is used up.
    Exhausted,
    /// A cooldown, for a reason other than quota.
    Cooling(Reason),
    NeedsSignIn,
    /// The user keeps the account from the model.
    Excluded,
    Disabled,
}

impl Why {
    /// Returns whether only the account's owner can end the closure.
    pub const fn is_owners(self) -> bool {
        match self {
            Self::Busy | Self::Probing | Self::Protected | Self::Limited | Self::Exhausted => false,
            Self::Cooling(reason) => reason.is_owners(),
            Self::NeedsSignIn | Self::Excluded | Self::Disabled => true,
        }
    }

    /// Returns whether the upstream limits the account.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::Limited | Self::Exhausted)
    }
}

/// The state of an account from its owner's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Ready,
    NeedsSignIn,
    Disabled,
}

/// The obstacles before a pool of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Obstacles {
    pub standing: Standing,
    /// A cap is full.
    pub full: bool,
    /// The denial of the pool's cell.
    pub quota: Option<Deny>,
    /// The denial of the pool's allowance.
    pub learned: Option<Deny>,
    /// Whether the pool's last limit was a quota.
    pub is_quota: bool,
    /// The denials of the circuit breakers, with the reasons of their trips.
    pub breakers: [Option<(Deny, Reason)>; BreakerScope::COUNT],
}

impl Obstacles {
    /// Returns the closure, if there is one.
    #[inline]
    pub fn closed(self) -> Option<Closed> {
        match self.standing {
            Standing::Ready => {}
            Standing::NeedsSignIn => return Some(Closed { until: None, why: Why::NeedsSignIn }),
            Standing::Disabled => return Some(Closed { until: None, why: Why::Disabled }),
        }
        let full = self.full.then_some(Closed { until: None, why: Why::Busy });
        if let Some(owners) = self.owners() {
            return Some(owners);
        }
        let limit = if self.is_quota { Why::Exhausted } else { Why::Limited };
        let quota = self.quota.map(|deny| Closed::by(deny, limit));
        let learned = self.learned.map(|deny| Closed::by(deny, limit));
        let cooling = |(deny, reason)| Closed::by(deny, Why::Cooling(reason));
        let breakers = self.breakers.into_iter().flatten().map(cooling);
        learned.into_iter().chain(breakers).chain(full).fold(quota, Closed::join)
    }

    /// Returns the closure that only the owner can end. Such a closure outlasts all others.
    fn owners(self) -> Option<Closed> {
        let mut breakers = self.breakers.into_iter().flatten();
        let (deny, reason) = breakers.find(|(_, reason)| reason.is_owners())?;
        Some(Closed::by(deny, Why::Cooling(reason)))
    }

    /// Returns whether the allowance is the only obstacle, and a probe over capacity is due.
    pub fn may_exceed(&self) -> bool {
        self.is_free_to_the_pool()
            && self.quota.is_none()
            && matches!(self.learned, Some(Deny::Predicted { over_capacity: true, .. }))
    }

    /// Returns whether the pool itself is the only possible obstacle.
    pub fn is_free_to_the_pool(&self) -> bool {
        self.standing == Standing::Ready && !self.full && self.breakers.iter().all(Option::is_none)
    }
}

impl Closed {
    fn by(deny: Deny, limited: Why) -> Self {
        match deny {
            Deny::Limited { until, .. } | Deny::Predicted { until, .. } => {
                Self { until: Some(until), why: limited }
            }
            Deny::Probing => Self { until: None, why: Why::Probing },
            Deny::Full => Self { until: None, why: Why::Busy },
        }
    }

    /// Adds the user's quota protection until an instant. A closure of the owner's takes precedence.
    #[must_use]
    pub fn protected(one: Option<Self>, until: Option<Millis>) -> Self {
        let owners = one.filter(|one| one.why.is_owners());
        let protected = Self { until, why: Why::Protected };
        owners.or_else(|| Self::join(one, protected)).unwrap_or(protected)
    }

    /// Combines two closures: the later end wins, with its reason.
    fn join(one: Option<Self>, other: Self) -> Option<Self> {
        let later = one.filter(|one| (one.until, one.why) >= (other.until, other.why));
        later.or(Some(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(until: u64) -> Option<Deny> {
        Some(Deny::Limited { until: Millis(until), known: true })
    }

    fn check(obstacles: Obstacles, closed: Option<(Option<u64>, Why)>) {
        let expected = closed.map(|(until, why)| Closed { until: until.map(Millis), why });
        assert_eq!(obstacles.closed(), expected);
    }

    fn at_breaker(breaker: BreakerScope, deny: Option<Deny>) -> Obstacles {
        let mut obstacles = Obstacles::default();
        obstacles.breakers[breaker.index()] = deny.map(|deny| (deny, Reason::Server));
        obstacles
    }

    #[test]
    fn a_way_is_open_while_nothing_on_it_is_closed() {
        check(Obstacles::default(), None);
    }

    #[test]
    fn a_limit_is_a_quota_only_where_the_upstream_said_so() {
        for (is_quota, why) in [(false, Why::Limited), (true, Why::Exhausted)] {
            let pool = Obstacles { is_quota, ..Obstacles::default() };
            check(pool, None);
            check(Obstacles { quota: limited(9_000), ..pool }, Some((Some(9_000), why)));
            check(Obstacles { learned: limited(9_000), ..pool }, Some((Some(9_000), why)));
        }
    }

    #[test]
    fn what_ends_later_decides_and_gives_the_reason() {
        let breaker = at_breaker(BreakerScope::Account, limited(50_000));
        check(
            Obstacles { quota: limited(20_000), ..breaker },
            Some((Some(50_000), Why::Cooling(Reason::Server))),
        );
        check(Obstacles { quota: limited(90_000), ..breaker }, Some((Some(90_000), Why::Limited)));
    }

    #[test]
    fn a_rejected_credential_goes_before_a_limit_that_lasts_longer() {
        let mut obstacles = Obstacles { quota: limited(90_000), ..Obstacles::default() };
        obstacles.breakers[BreakerScope::Account.index()] = limited(50_000).map(|deny| (deny, Reason::Auth));
        check(obstacles, Some((Some(50_000), Why::Cooling(Reason::Auth))));
    }

    #[test]
    fn a_full_pool_and_a_running_probe_have_no_end() {
        check(Obstacles { quota: Some(Deny::Full), ..Obstacles::default() }, Some((None, Why::Busy)));
        check(at_breaker(BreakerScope::Way, Some(Deny::Probing)), Some((None, Why::Probing)));
    }

    #[test]
    fn a_cap_is_busy_and_never_a_limit() {
        let full = Obstacles { full: true, ..Obstacles::default() };
        check(full, Some((None, Why::Busy)));
        check(Obstacles { quota: limited(20_000), ..full }, Some((Some(20_000), Why::Limited)));
    }

    #[test]
    fn protection_is_a_reason_of_its_own_and_ends_with_the_window() {
        let check = |closed: Option<(Option<u64>, Why)>, expected: (Option<u64>, Why)| {
            let of = |(until, why): (Option<u64>, Why)| Closed { until: until.map(Millis), why };
            assert_eq!(Closed::protected(closed.map(of), Some(Millis(60_000))), of(expected), "{closed:?}");
        };
        check(None, (Some(60_000), Why::Protected));
        check(Some((None, Why::Busy)), (Some(60_000), Why::Protected));
        check(Some((Some(50_000), Why::Limited)), (Some(60_000), Why::Protected));
        check(Some((Some(90_000), Why::Limited)), (Some(90_000), Why::Limited));
        check(Some((None, Why::Disabled)), (None, Why::Disabled));
    }

    #[test]
    fn the_owner_goes_before_everything() {
        let obstacles =
            Obstacles { standing: Standing::NeedsSignIn, quota: limited(90_000), ..Obstacles::default() };
        check(obstacles, Some((None, Why::NeedsSignIn)));
    }
}
