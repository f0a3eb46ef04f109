//! Blame: what an outcome means for each of the cells that a request passed.
//!
//! Failures that are not quota never touch a pool's limit, and quota touches nothing else. This table is
//! the only place that says so.

use crate::admission::backoff::Schedule;
use crate::admission::cell::Limit;
use crate::response::outcome::{Hint, LimitKind, Limited, NetworkFault, Outcome};

/// The cells that one attempt passes, besides the pool's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// The account, whatever the pool.
    Account,
    /// The account at one endpoint.
    Way,
    /// The account at one endpoint, for one model.
    WayModel,
    /// The endpoint, for all accounts.
    Endpoint,
    /// The endpoint for one model, for all accounts.
    EndpointModel,
}

impl Gate {
    /// How many gates there are.
    pub const COUNT: usize = 5;

    /// All gates, each at its own index.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Account, Self::Way, Self::WayModel, Self::Endpoint, Self::EndpointModel];

    /// Returns the gate's place in [`Gate::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Says whether other accounts pass it as well, so that it says nothing on one of them.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Account | Self::Way | Self::WayModel => false,
            Self::Endpoint | Self::EndpointModel => true,
        }
    }
}

/// Why something is left alone that is not limited, as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The upstream rejected the credential.
    Auth,
    Token,
    /// The upstream does not allow the request to the project or the plan of the account.
    Project,
    Network,
    Server,
    Capacity,
}

impl Reason {
    /// All reasons, each at its own index.
    pub const ALL: [Self; 6] =
        [Self::Auth, Self::Token, Self::Project, Self::Network, Self::Server, Self::Capacity];

    /// Returns the words for it, as a noun.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "credential rejected",
            Self::Token => "token service error",
            Self::Project => "not allowed by project or plan",
            Self::Network => "network error",
            Self::Server => "server error",
            Self::Capacity => "no capacity",
        }
    }

    /// Returns the words for an account that is closed by it.
    pub const fn state(self) -> &'static str {
        match self {
            Self::Auth => "rejected",
            Self::Token => "in cooldown after a token service error",
            Self::Project => "not allowed by project or plan",
            Self::Network => "in cooldown after a network error",
            Self::Server => "in cooldown after a server error",
            Self::Capacity => "in cooldown for want of capacity",
        }
    }

    /// Says whether only the owner of the account can mend it: to wait does not help.
    pub const fn is_owners(self) -> bool {
        match self {
            Self::Auth | Self::Project => true,
            Self::Token | Self::Network | Self::Server | Self::Capacity => false,
        }
    }
}

/// What an outcome does to the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The request is served: everything on its way is good.
    Nobody,
    /// An answer came, and it says nothing on quota.
    Request,
    /// The pool is limited; the way to it is good.
    Pool(Limit),
    /// One gate is closed; nothing is known of the others.
    Gate(Gate, Limit, Reason),
    /// The account can do nothing until its owner signs in.
    SignIn,
}

/// Says what `outcome` means. `convicted` says whether another account met the same at this endpoint;
/// see [`Suspicion`](crate::admission::suspicion::Suspicion).
pub fn blame(outcome: &Outcome, convicted: bool) -> Blame {
    match outcome {
        Outcome::Good => Blame::Nobody,
        Outcome::RequestFault => Blame::Request,
        Outcome::Limited(limited) => Blame::Pool(pool_limit(*limited)),
        Outcome::Capacity(hint) if convicted => {
            Blame::Gate(Gate::EndpointModel, until(*hint, Schedule::ENDPOINT), Reason::Capacity)
        }
        Outcome::Capacity(hint) => {
            Blame::Gate(Gate::WayModel, until(*hint, Schedule::CAPACITY), Reason::Capacity)
        }
        Outcome::ServerError => failing(convicted, Schedule::SERVER_ERROR, Reason::Server),
        // An account has no part in a connection that could not be made.
        Outcome::Unreachable(NetworkFault::Connect) => failing(true, Schedule::ENDPOINT, Reason::Network),
        Outcome::Unreachable(_) => failing(convicted, Schedule::CAPACITY, Reason::Network),
        Outcome::TokenOutage => account(Schedule::TOKEN_OUTAGE, Reason::Token),
        Outcome::Unauthorized => account(Schedule::UNAUTHORIZED, Reason::Auth),
        Outcome::ProjectRefused => account(Schedule::PROJECT, Reason::Project),
        Outcome::PoolRefused => Blame::Gate(Gate::Way, Limit::Guessed(Schedule::PROJECT), Reason::Project),
        Outcome::NeedsSignIn(_) => Blame::SignIn,
    }
}

/// Says whether an outcome is evidence on an endpoint: true for a failure, false for an answer.
pub fn accuses(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Capacity(_) | Outcome::ServerError | Outcome::Unreachable(_))
}

fn pool_limit(limited: Limited) -> Limit {
    let guess = match limited.kind {
        LimitKind::Quota => Schedule::QUOTA,
        LimitKind::Rate | LimitKind::Unknown => Schedule::RATE,
    };
    until(limited.hint, guess)
}

fn until(hint: Hint, guess: Schedule) -> Limit {
    hint.until().map_or(Limit::Guessed(guess), |until| Limit::Known { until })
}

fn failing(convicted: bool, way: Schedule, reason: Reason) -> Blame {
    if convicted {
        Blame::Gate(Gate::Endpoint, Limit::Guessed(Schedule::ENDPOINT), reason)
    } else {
        Blame::Gate(Gate::Way, Limit::Guessed(way), reason)
    }
}

fn account(schedule: Schedule, reason: Reason) -> Blame {
    Blame::Gate(Gate::Account, Limit::Guessed(schedule), reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::outcome::SignIn;

    fn gate_of(outcome: &Outcome, convicted: bool) -> Option<Gate> {
        match blame(outcome, convicted) {
            Blame::Gate(gate, _, _) => Some(gate),
            Blame::Nobody | Blame::Request | Blame::Pool(_) | Blame::SignIn => None,
        }
    }

    #[test]
    fn only_a_limit_touches_the_pool() {
        let others = [
            Outcome::Good,
            Outcome::RequestFault,
            Outcome::Capacity(Hint::Unknown),
            Outcome::ServerError,
            Outcome::Unreachable(NetworkFault::Reset),
            Outcome::Unauthorized,
            Outcome::TokenOutage,
            Outcome::ProjectRefused,
            Outcome::PoolRefused,
            Outcome::NeedsSignIn(SignIn::Revoked),
        ];
        for outcome in others {
            for convicted in [false, true] {
                assert!(!matches!(blame(&outcome, convicted), Blame::Pool(_)), "{outcome:?}");
            }
        }
        let limited = Outcome::Limited(Limited { kind: LimitKind::Rate, hint: Hint::Unknown });
        assert_eq!(blame(&limited, true), Blame::Pool(Limit::Guessed(Schedule::RATE)));
    }

    #[test]
    fn the_first_failure_closes_the_way_and_a_witness_closes_the_endpoint() {
        assert_eq!(gate_of(&Outcome::ServerError, false), Some(Gate::Way));
        assert_eq!(gate_of(&Outcome::ServerError, true), Some(Gate::Endpoint));
        assert_eq!(gate_of(&Outcome::Capacity(Hint::Unknown), false), Some(Gate::WayModel));
        assert_eq!(gate_of(&Outcome::Capacity(Hint::Unknown), true), Some(Gate::EndpointModel));
    }

    #[test]
    fn a_connection_that_cannot_be_made_is_the_endpoints_at_once() {
        assert_eq!(gate_of(&Outcome::Unreachable(NetworkFault::Connect), false), Some(Gate::Endpoint));
    }

    #[test]
    fn every_gate_is_at_its_own_index() {
        for (index, gate) in Gate::ALL.into_iter().enumerate() {
            assert_eq!(gate.index(), index);
        }
    }
}
