//! Blame: the effect of evidence on each cell on a request's way.
//!
//! Failures other than quota never touch a limit, and quota touches nothing else; only these tables say so.
//! An answer in doubt closes nothing until a witness has spoken; see [`Evidence::inquiry`].

use crate::admission::backoff::Schedule;
use crate::admission::cell::Limit;
use crate::planning::snapshot::{Closed, Why};
use crate::response::evidence::{Certainty, Evidence, Extent};
use crate::response::outcome::{LimitKind, NetworkFault, Outcome, SignIn};

/// The gates of one attempt: its cells besides the pool's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerScope {
    /// The account, whatever the pool.
    Account,
    /// The account at one endpoint.
    Way,
    /// The account at one endpoint, for one model.
    WayModel,
    /// The endpoint, for every account.
    Endpoint,
    /// The endpoint for one model, for every account.
    EndpointModel,
}

impl BreakerScope {
    /// The number of gates.
    pub const COUNT: usize = 5;

    /// Every gate, at its own index.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Account, Self::Way, Self::WayModel, Self::Endpoint, Self::EndpointModel];

    /// Returns the gate's index in [`BreakerScope::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns whether several accounts share the gate, so that the gate proves nothing about one of them.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Account | Self::Way | Self::WayModel => false,
            Self::Endpoint | Self::EndpointModel => true,
        }
    }
}

/// Why an account, an endpoint or a model is avoided without a limit, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The upstream rejected the credential.
    Auth,
    Token,
    /// The upstream does not allow the request to the account's project or plan.
    Project,
    Network,
    Server,
    Capacity,
    /// Nobody pays for the account.
    Payment,
    /// The account has no access to the model.
    Model,
    /// A refusal without proof of fault: other accounts were refused alike, or none could be asked.
    Refused,
}

impl Reason {
    /// Every reason, at its own index.
    pub const ALL: [Self; 9] = [
        Self::Auth,
        Self::Token,
        Self::Project,
        Self::Network,
        Self::Server,
        Self::Capacity,
        Self::Payment,
        Self::Model,
        Self::Refused,
    ];

    /// Returns the reason as a noun, for display.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "credential rejected",
            Self::Token => "token service error",
            Self::Project => "not allowed by project or plan",
            Self::Network => "network error",
            Self::Server => "server error",
            Self::Capacity => "no capacity",
            Self::Payment => "no balance or credit",
            Self::Model => "no access to the model",
            Self::Refused => "refused, in doubt why",
        }
    }

    /// Returns the state of an account closed for this reason, for display.
    pub const fn state(self) -> &'static str {
        match self {
            Self::Auth => "rejected",
            Self::Token => "in cooldown after a token service error",
            Self::Project => "not allowed by project or plan",
            Self::Network => "in cooldown after a network error",
            Self::Server => "in cooldown after a server error",
            Self::Capacity => "in cooldown for want of capacity",
            Self::Payment => "without balance or credit",
            Self::Model => "without access to the model",
            Self::Refused => "in cooldown after a refusal in doubt",
        }
    }

    /// Returns whether only the account's owner can mend the cause: waiting does not help.
    pub const fn is_owners(self) -> bool {
        match self {
            Self::Auth | Self::Project | Self::Payment | Self::Model => true,
            Self::Token | Self::Network | Self::Server | Self::Capacity | Self::Refused => false,
        }
    }
}

/// The effect of evidence on the cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The request is served: every gate on its way is good.
    Nobody,
    /// An answer came, without news on quota.
    Request,
    /// No conclusion about anybody.
    Nothing,
    /// A limit applies; the way to the pool is good.
    Limit(Limit, Extent),
    /// One gate is closed; nothing is known of the rest.
    BreakerScope(BreakerScope, Limit, Reason),
    /// The account is unusable until its owner signs in.
    SignIn,
}

/// Returns the blame for evidence taken at its word. `convicted` is set if another account met an equal
/// failure at this endpoint; see [`Suspicion`](crate::admission::suspicion::Suspicion).
pub fn blame(evidence: &Evidence, convicted: bool) -> Blame {
    match &evidence.outcome {
        Outcome::Good => Blame::Nobody,
        Outcome::RequestFault | Outcome::TooLarge => Blame::Request,
        Outcome::Limited(kind) => Blame::Limit(until(evidence, guess_of(*kind)), evidence.extent.clone()),
        Outcome::Capacity if convicted => Blame::BreakerScope(
            BreakerScope::EndpointModel,
            until(evidence, Schedule::ENDPOINT),
            Reason::Capacity,
        ),
        Outcome::Capacity => {
            Blame::BreakerScope(BreakerScope::WayModel, until(evidence, Schedule::CAPACITY), Reason::Capacity)
        }
        Outcome::ServerError => failing(convicted, Schedule::SERVER_ERROR, Reason::Server),
        // Neither endpoint nor account has a part in it.
        Outcome::Unreachable(NetworkFault::Local) => Blame::Nothing,
        // An account has no part in a connection that could not be made.
        Outcome::Unreachable(NetworkFault::Connect) => failing(true, Schedule::ENDPOINT, Reason::Network),
        Outcome::Unreachable(_) => failing(convicted, Schedule::CAPACITY, Reason::Network),
        Outcome::TokenOutage => Blame::BreakerScope(
            BreakerScope::Account,
            Limit::Estimated(Schedule::TOKEN_OUTAGE),
            Reason::Token,
        ),
        Outcome::NeedsSignIn(_) => Blame::SignIn,
        Outcome::Unauthorized
        | Outcome::ProjectRefused
        | Outcome::PoolRefused
        | Outcome::Unpaid
        | Outcome::Refused => refused(evidence),
    }
}

/// Returns the blame for an answer in doubt after another account has served the request: the account is at
/// fault, for a short time that grows.
pub fn conviction(evidence: &Evidence) -> Blame {
    match evidence.outcome {
        Outcome::ServerError => {
            Blame::BreakerScope(BreakerScope::Way, Limit::Estimated(Schedule::FAULT), Reason::Server)
        }
        Outcome::NeedsSignIn(SignIn::Verification { .. } | SignIn::Disabled) => Blame::SignIn,
        Outcome::Good
        | Outcome::RequestFault
        | Outcome::TooLarge
        | Outcome::Limited(_)
        | Outcome::Capacity
        | Outcome::Unreachable(_)
        | Outcome::TokenOutage
        | Outcome::NeedsSignIn(SignIn::Revoked)
        | Outcome::Unauthorized
        | Outcome::ProjectRefused
        | Outcome::PoolRefused
        | Outcome::Unpaid
        | Outcome::Refused => blame(evidence, false),
    }
}

/// Returns the blame for an answer in doubt confirmed by another account: the request or the network is at
/// fault, and nobody stays closed. Only credentials are avoided for a moment, so that a fleet of dead keys
/// does not ask for ever.
pub fn acquittal(evidence: &Evidence) -> Blame {
    if evidence.outcome == Outcome::Unauthorized { in_doubt(evidence) } else { Blame::Request }
}

/// Returns the blame for an answer in doubt if nobody else could be asked. A refusal not said by name
/// closes nothing, unless `repeated`: other requests have met the answer, too.
pub fn unwitnessed(evidence: &Evidence, repeated: bool) -> Blame {
    match evidence.outcome {
        Outcome::ServerError if repeated => {
            Blame::BreakerScope(BreakerScope::Way, Limit::Estimated(Schedule::ENDPOINT), Reason::Server)
        }
        Outcome::Unauthorized => in_doubt(evidence),
        Outcome::NeedsSignIn(_) => Blame::SignIn,
        Outcome::ProjectRefused | Outcome::PoolRefused | Outcome::Unpaid
            if evidence.certainty == Certainty::Named =>
        {
            in_doubt(evidence)
        }
        Outcome::Good
        | Outcome::RequestFault
        | Outcome::TooLarge
        | Outcome::Limited(_)
        | Outcome::Capacity
        | Outcome::ServerError
        | Outcome::Unreachable(_)
        | Outcome::TokenOutage
        | Outcome::ProjectRefused
        | Outcome::PoolRefused
        | Outcome::Unpaid
        | Outcome::Refused => Blame::Nothing,
    }
}

/// Returns the closure of an account for the request in search of a witness.
pub fn suspected(evidence: &Evidence) -> Closed {
    let why = match evidence.outcome {
        Outcome::NeedsSignIn(_) => Why::NeedsSignIn,
        Outcome::Good
        | Outcome::RequestFault
        | Outcome::TooLarge
        | Outcome::Limited(_)
        | Outcome::Capacity
        | Outcome::ServerError
        | Outcome::Unreachable(_)
        | Outcome::TokenOutage
        | Outcome::Unauthorized
        | Outcome::ProjectRefused
        | Outcome::PoolRefused
        | Outcome::Unpaid
        | Outcome::Refused => Why::Cooling(reason(evidence)),
    };
    Closed { until: None, why }
}

/// Returns whether an outcome is evidence on an endpoint: true for a failure, false for an answer.
pub fn accuses(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Capacity | Outcome::ServerError | Outcome::Unreachable(_))
        && *outcome != Outcome::Unreachable(NetworkFault::Local)
}

/// Closes the smallest gate named by a refusal.
fn refused(evidence: &Evidence) -> Blame {
    Blame::BreakerScope(breaker(evidence), until(evidence, Schedule::FAULT), reason(evidence))
}

/// Closes that gate for a moment, for a reason that passes by itself.
fn in_doubt(evidence: &Evidence) -> Blame {
    Blame::BreakerScope(breaker(evidence), Limit::Estimated(Schedule::MOMENT), Reason::Refused)
}

const fn breaker(evidence: &Evidence) -> BreakerScope {
    match &evidence.extent {
        Extent::Models(_) => BreakerScope::WayModel,
        Extent::Pool | Extent::Usual => BreakerScope::Way,
        Extent::Account | Extent::Nothing => BreakerScope::Account,
    }
}

/// Returns the reason to avoid an accused account.
pub fn reason(evidence: &Evidence) -> Reason {
    match evidence.outcome {
        Outcome::Unauthorized => Reason::Auth,
        Outcome::Unpaid => Reason::Payment,
        Outcome::ProjectRefused if matches!(evidence.extent, Extent::Models(_)) => Reason::Model,
        Outcome::ProjectRefused | Outcome::PoolRefused => Reason::Project,
        Outcome::Capacity => Reason::Capacity,
        Outcome::TokenOutage => Reason::Token,
        Outcome::ServerError => Reason::Server,
        Outcome::Unreachable(_) => Reason::Network,
        Outcome::Good
        | Outcome::RequestFault
        | Outcome::TooLarge
        | Outcome::Limited(_)
        | Outcome::NeedsSignIn(_)
        | Outcome::Refused => Reason::Refused,
    }
}

const fn guess_of(kind: LimitKind) -> Schedule {
    match kind {
        LimitKind::Quota => Schedule::QUOTA,
        LimitKind::Concurrency => Schedule::CROWDED,
        LimitKind::Rate | LimitKind::Unknown => Schedule::RATE,
    }
}

fn until(evidence: &Evidence, guess: Schedule) -> Limit {
    evidence.until.until().map_or(Limit::Estimated(guess), |until| Limit::Reported { until })
}

fn failing(convicted: bool, way: Schedule, reason: Reason) -> Blame {
    if convicted {
        Blame::BreakerScope(BreakerScope::Endpoint, Limit::Estimated(Schedule::ENDPOINT), reason)
    } else {
        Blame::BreakerScope(BreakerScope::Way, Limit::Estimated(way), reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ModelId;
    use crate::quota::model_set::ModelSet;

    fn breaker_of(blame: Blame) -> Option<BreakerScope> {
        match blame {
            Blame::BreakerScope(breaker, _, _) => Some(breaker),
            Blame::Nobody | Blame::Request | Blame::Nothing | Blame::Limit(..) | Blame::SignIn => None,
        }
    }

    fn blamed(outcome: Outcome, convicted: bool) -> Option<BreakerScope> {
        breaker_of(blame(&Evidence::of(outcome), convicted))
    }

    fn all_but_limits() -> [Outcome; 13] {
        [
            Outcome::Good,
            Outcome::RequestFault,
            Outcome::TooLarge,
            Outcome::Capacity,
            Outcome::ServerError,
            Outcome::Unreachable(NetworkFault::Reset),
            Outcome::Unauthorized,
            Outcome::TokenOutage,
            Outcome::ProjectRefused,
            Outcome::PoolRefused,
            Outcome::Unpaid,
            Outcome::Refused,
            Outcome::NeedsSignIn(SignIn::Revoked),
        ]
    }

    #[test]
    fn only_a_limit_touches_the_pool() {
        for outcome in all_but_limits() {
            let evidence = Evidence::of(outcome);
            for blame in [
                blame(&evidence, false),
                blame(&evidence, true),
                conviction(&evidence),
                acquittal(&evidence),
                unwitnessed(&evidence, true),
            ] {
                assert!(!matches!(blame, Blame::Limit(..)), "{evidence:?}");
            }
        }
        let limited = Evidence::of(Outcome::Limited(LimitKind::Rate));
        assert_eq!(blame(&limited, true), Blame::Limit(Limit::Estimated(Schedule::RATE), Extent::Usual));
    }

    #[test]
    fn the_first_failure_closes_the_way_and_a_witness_closes_the_endpoint() {
        assert_eq!(blamed(Outcome::ServerError, false), Some(BreakerScope::Way));
        assert_eq!(blamed(Outcome::ServerError, true), Some(BreakerScope::Endpoint));
        assert_eq!(blamed(Outcome::Capacity, false), Some(BreakerScope::WayModel));
        assert_eq!(blamed(Outcome::Capacity, true), Some(BreakerScope::EndpointModel));
    }

    #[test]
    fn a_connection_that_cannot_be_made_is_the_endpoints_at_once() {
        assert_eq!(blamed(Outcome::Unreachable(NetworkFault::Connect), false), Some(BreakerScope::Endpoint));
    }

    #[test]
    fn a_refusal_closes_the_smallest_gate_that_it_names() {
        let refused = |extent| breaker_of(conviction(&Evidence::of(Outcome::ProjectRefused).named(extent)));
        assert_eq!(refused(Extent::Models(ModelSet::One(ModelId::new("m")))), Some(BreakerScope::WayModel));
        assert_eq!(refused(Extent::Pool), Some(BreakerScope::Way));
        assert_eq!(refused(Extent::Account), Some(BreakerScope::Account));
    }

    #[test]
    fn what_two_accounts_answer_alike_closes_no_account_for_longer_than_a_moment() {
        for outcome in all_but_limits() {
            let evidence = Evidence::of(outcome);
            match acquittal(&evidence) {
                Blame::Request => {}
                Blame::BreakerScope(_, Limit::Estimated(schedule), _) => {
                    assert_eq!(schedule, Schedule::MOMENT)
                }
                other @ (Blame::Nobody
                | Blame::Nothing
                | Blame::Limit(..)
                | Blame::BreakerScope(..)
                | Blame::SignIn) => {
                    panic!("{evidence:?}: {other:?}")
                }
            }
        }
    }

    #[test]
    fn an_odd_answer_that_nobody_else_could_be_asked_about_closes_nothing() {
        for outcome in [Outcome::Refused, Outcome::ProjectRefused, Outcome::Unpaid, Outcome::ServerError] {
            assert_eq!(unwitnessed(&Evidence::of(outcome.clone()), false), Blame::Nothing, "{outcome:?}");
        }
        assert_eq!(
            breaker_of(unwitnessed(&Evidence::of(Outcome::ServerError), true)),
            Some(BreakerScope::Way)
        );
    }

    #[test]
    fn what_this_process_has_run_out_of_is_nobodys_fault() {
        let outcome = Outcome::Unreachable(NetworkFault::Local);
        assert_eq!(blame(&Evidence::of(outcome.clone()), true), Blame::Nothing);
        assert!(!accuses(&outcome));
    }

    #[test]
    fn every_gate_is_at_its_own_index() {
        for (index, breaker) in BreakerScope::ALL.into_iter().enumerate() {
            assert_eq!(breaker.index(), index);
        }
    }
}
