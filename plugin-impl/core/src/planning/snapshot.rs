//! Snapshots: what one plan sees of the accounts that could serve a route.
//!
//! A snapshot ranks, a cell admits: between the two anything may have changed, and then the cell denies.
//! Whether a way is open is asked of the very function that admits,
//! [`CellState::denial`](crate::admission::cell::CellState::denial).

use smallvec::SmallVec;

use crate::admission::blame::{Gate, Reason};
use crate::admission::cell::Deny;
use crate::admission::vitals::VitalsView;
use crate::quota::outlook::OutlookWord;
use crate::time::Millis;

/// The accounts of a route's provider, at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub now: Millis,
    pub accounts: SmallVec<[AccountView; 16]>,
}

/// One account that the route may use.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Its place in the roster that the snapshot was taken from.
    pub index: u32,
    /// 1 or more; twice the weight, twice the work.
    pub weight: u16,
    /// Requests under way in the pools of the route.
    pub in_flight: u32,
    /// Other agents of the request's root session that live here, where the request's own agent has no home
    /// yet; see [`family`](crate::planning::family).
    pub agents: u16,
    /// A new agent had better begin here, because of what is cached for those agents.
    pub attracts: bool,
    /// One for each pool of the route, in its order.
    pub ways: SmallVec<[WayView; 2]>,
}

/// The best way into one pool of one account.
///
/// A plan is made of as many of these as there are accounts, so it is kept small: what has to be worked
/// out of a word is left to the strategy that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayView {
    /// The index of the pool at its provider.
    pub pool: u16,
    /// The index of the endpoint at its pool.
    pub endpoint: u16,
    /// Why it cannot be used now.
    pub closed: Option<Closed>,
    /// What is known of the remaining quota.
    pub outlook: OutlookWord,
    /// Nothing but experience closes it, and that may be tried where no other way is open.
    pub explorable: bool,
    /// Nothing but a guess closes it, which may be tried from this instant as a last resort.
    pub guess: Option<Millis>,
    /// Nothing but a guess closes it, and it is time to try it, whoever else is open.
    pub recheck: bool,
    /// Less of its quota is left than the user wants to be spared.
    pub spared: bool,
    /// What the pool has shown of itself lately.
    pub vitals: VitalsView,
}

const _: () = assert!(size_of::<WayView>() <= 80);

impl AccountView {
    /// Says whether any of its ways is open whose quota need not be spared.
    #[inline]
    pub fn is_plainly_open(&self) -> bool {
        self.ways.iter().any(|way| way.closed.is_none() && !way.spared)
    }

    /// Says whether any of its ways is open.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.ways.iter().any(|way| way.closed.is_none())
    }
}

/// Why a way cannot be used, and when that may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// None where no instant is known: something has to happen first.
    pub until: Option<Millis>,
    pub why: Why,
}

/// What closes a way. The order is that of precedence where several do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// As many requests as it may have.
    Busy,
    /// A probe that is not answered yet.
    Probing,
    /// The user wants what is left of the quota to be kept.
    Protected,
    /// The pool's quota is used up.
    Limited,
    /// Left alone for a reason that is not quota.
    Cooling(Reason),
    NeedsSignIn,
    Disabled,
}

impl Why {
    /// Says whether only the owner of the account can open the way.
    pub const fn is_owners(self) -> bool {
        match self {
            Self::Busy | Self::Probing | Self::Protected | Self::Limited => false,
            Self::Cooling(reason) => reason.is_owners(),
            Self::NeedsSignIn | Self::Disabled => true,
        }
    }
}

/// What the owner of an account has to do with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Ready,
    NeedsSignIn,
    Disabled,
}

/// What stands in the way to a pool of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Obstacles {
    pub standing: Standing,
    /// A cap on the way has no place left.
    pub full: bool,
    /// What the pool's own cell says.
    pub quota: Option<Deny>,
    /// What experience says of the pool.
    pub learned: Option<Deny>,
    /// What the gates on the way say, and why each was closed.
    pub gates: [Option<(Deny, Reason)>; Gate::COUNT],
}

impl Obstacles {
    /// Says why the way is closed, if it is.
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
        let quota = self.quota.map(|deny| Closed::by(deny, Why::Limited));
        let learned = self.learned.map(|deny| Closed::by(deny, Why::Limited));
        let cooling = |(deny, reason)| Closed::by(deny, Why::Cooling(reason));
        let gates = self.gates.into_iter().flatten().map(cooling);
        learned.into_iter().chain(gates).chain(full).fold(quota, Closed::join)
    }

    /// Returns what only the owner of the account can mend. The end of anything else does not open the way.
    fn owners(self) -> Option<Closed> {
        let mut gates = self.gates.into_iter().flatten();
        let (deny, reason) = gates.find(|(_, reason)| reason.is_owners())?;
        Some(Closed::by(deny, Why::Cooling(reason)))
    }

    /// Says whether nothing but experience stands in the way, and that it is time to try it.
    pub fn may_explore(&self) -> bool {
        self.is_free_to_the_pool()
            && self.quota.is_none()
            && matches!(self.learned, Some(Deny::Learned { explorable: true, .. }))
    }

    /// Says whether nothing stands in the way but what the pool itself says.
    pub fn is_free_to_the_pool(&self) -> bool {
        self.standing == Standing::Ready && !self.full && self.gates.iter().all(Option::is_none)
    }
}

impl Closed {
    fn by(deny: Deny, limited: Why) -> Self {
        match deny {
            Deny::Limited { until, .. } | Deny::Learned { until, .. } => {
                Self { until: Some(until), why: limited }
            }
            Deny::Probing => Self { until: None, why: Why::Probing },
            Deny::Full => Self { until: None, why: Why::Busy },
        }
    }

    /// Adds that the user wants the quota to be kept until an instant. What only the owner of the account
    /// can change goes before it.
    #[must_use]
    pub fn protected(one: Option<Self>, until: Option<Millis>) -> Self {
        let owners = one.filter(|one| one.why.is_owners());
        let protected = Self { until, why: Why::Protected };
        owners.or_else(|| Self::join(one, protected)).unwrap_or(protected)
    }

    /// Combines two things that both have to end. The later end counts, and its reason.
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

    fn at_gate(gate: Gate, deny: Option<Deny>) -> Obstacles {
        let mut obstacles = Obstacles::default();
        obstacles.gates[gate.index()] = deny.map(|deny| (deny, Reason::Server));
        obstacles
    }

    #[test]
    fn a_way_is_open_while_nothing_on_it_is_closed() {
        check(Obstacles::default(), None);
    }

    #[test]
    fn what_ends_later_decides_and_gives_the_reason() {
        let gate = at_gate(Gate::Account, limited(50_000));
        check(
            Obstacles { quota: limited(20_000), ..gate },
            Some((Some(50_000), Why::Cooling(Reason::Server))),
        );
        check(Obstacles { quota: limited(90_000), ..gate }, Some((Some(90_000), Why::Limited)));
    }

    #[test]
    fn a_rejected_credential_goes_before_a_limit_that_lasts_longer() {
        let mut obstacles = Obstacles { quota: limited(90_000), ..Obstacles::default() };
        obstacles.gates[Gate::Account.index()] = limited(50_000).map(|deny| (deny, Reason::Auth));
        check(obstacles, Some((Some(50_000), Why::Cooling(Reason::Auth))));
    }

    #[test]
    fn a_full_pool_and_a_running_probe_have_no_end() {
        check(Obstacles { quota: Some(Deny::Full), ..Obstacles::default() }, Some((None, Why::Busy)));
        check(at_gate(Gate::Way, Some(Deny::Probing)), Some((None, Why::Probing)));
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
