//! The reasons of routing decisions: the words of the header `x-pointsman-reason`.

use crate::admission::probe::{Early, Probe};
use crate::planning::plan::Candidate;

/// The reason of a routing decision. The order of variants is their precedence: special circumstances
/// before usual ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteReason {
    /// No account can serve in time.
    Refused,
    /// The wait queue is full.
    Crowded,
    /// The failure is delivered, because the retry budget is empty.
    RetryBudget,
    /// No account of the primary provider can serve; an account of the failover chain can.
    FallbackProvider,
    /// Only estimates closed the accounts; the request probed one early.
    LastResort,
    /// The request probed the end of a limit or cooldown.
    Probe,
    /// The request waited for a slot.
    Waited,
    /// The account's preferred pool was closed.
    FallbackPool,
    /// The first account did not serve.
    NextAccount,
    /// The account uses the caller's own credential.
    Own,
    /// The session's sticky account.
    Sticky,
    /// The strategy's first choice.
    Preferred,
}

/// The circumstances of a routing decision.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    pub candidate: Candidate,
    /// Another provider than the primary serves.
    pub left_primary: bool,
    pub is_probe: bool,
    pub has_waited: bool,
    /// An earlier attempt went to another account.
    pub has_switched: bool,
    /// The session's sticky account.
    pub sticky: Option<u32>,
    /// The account with the caller's own credential.
    pub own: Option<u32>,
}

impl RouteReason {
    /// All reasons, in order.
    pub const ALL: [Self; 12] = [
        Self::Refused,
        Self::Crowded,
        Self::RetryBudget,
        Self::FallbackProvider,
        Self::LastResort,
        Self::Probe,
        Self::Waited,
        Self::FallbackPool,
        Self::NextAccount,
        Self::Own,
        Self::Sticky,
        Self::Preferred,
    ];

    /// Returns the reason of a decision.
    pub fn of(choice: &Circumstances) -> Self {
        if choice.left_primary {
            Self::FallbackProvider
        } else if choice.candidate.probe == Some(Probe::Early(Early::LastResort)) {
            Self::LastResort
        } else if choice.is_probe {
            Self::Probe
        } else if choice.has_waited {
            Self::Waited
        } else if choice.candidate.preference > 0 {
            Self::FallbackPool
        } else if choice.has_switched {
            Self::NextAccount
        } else if choice.own == Some(choice.candidate.account) {
            Self::Own
        } else if choice.sticky == Some(choice.candidate.account) {
            Self::Sticky
        } else {
            Self::Preferred
        }
    }

    /// Returns the reason's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Crowded => "crowded",
            Self::RetryBudget => "retry-budget",
            Self::FallbackProvider => "fallback-provider",
            Self::LastResort => "last-resort",
            Self::Probe => "probe",
            Self::Waited => "waited",
            Self::FallbackPool => "fallback-pool",
            Self::NextAccount => "next-account",
            Self::Own => "own-credential",
            Self::Sticky => "sticky",
            Self::Preferred => "preferred",
        }
    }

    /// Returns the meaning, as a sentence without subject.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "nobody could serve it in time",
            Self::Crowded => "as many requests wait in line as may",
            Self::RetryBudget => "it failed, and the retry budget had no retry left",
            Self::FallbackProvider => {
                "no account of its own provider could serve it, and one of its chain could"
            }
            Self::LastResort => {
                "all that closed the accounts was guessed, and it tried whether one is open already"
            }
            Self::Probe => "it tried whether a limit or a cooldown is over",
            Self::Waited => "it waited for this place",
            Self::FallbackPool => "the preferred pool of the account was closed",
            Self::NextAccount => "the account that it was sent to first did not serve it",
            Self::Own => "it is the account that uses the caller's own credential",
            Self::Sticky => "its session lives on this account",
            Self::Preferred => "it was the first choice of the strategy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Circumstances = Circumstances {
        candidate: Candidate {
            account: 1,
            pool: 0,
            endpoint: 0,
            preference: 0,
            probe: None,
            deprioritised: false,
        },
        left_primary: false,
        is_probe: false,
        has_waited: false,
        has_switched: false,
        sticky: None,
        own: None,
    };

    #[test]
    fn what_is_special_goes_before_what_is_usual() {
        let other_pool = Candidate { preference: 1, ..PLAIN.candidate };
        let mut choice = PLAIN;
        assert_eq!(RouteReason::of(&choice), RouteReason::Preferred);
        choice.sticky = Some(1);
        assert_eq!(RouteReason::of(&choice), RouteReason::Sticky);
        choice.own = Some(1);
        assert_eq!(RouteReason::of(&choice), RouteReason::Own);
        choice.has_switched = true;
        assert_eq!(RouteReason::of(&choice), RouteReason::NextAccount);
        choice.candidate = other_pool;
        assert_eq!(RouteReason::of(&choice), RouteReason::FallbackPool);
        choice.has_waited = true;
        assert_eq!(RouteReason::of(&choice), RouteReason::Waited);
        choice.is_probe = true;
        assert_eq!(RouteReason::of(&choice), RouteReason::Probe);
        choice.candidate.probe = Some(Probe::Early(Early::Recheck));
        assert_eq!(RouteReason::of(&choice), RouteReason::Probe);
        choice.candidate.probe = Some(Probe::Early(Early::LastResort));
        assert_eq!(RouteReason::of(&choice), RouteReason::LastResort);
        choice.left_primary = true;
        assert_eq!(RouteReason::of(&choice), RouteReason::FallbackProvider);
    }

    #[test]
    fn the_home_of_a_session_is_one_account() {
        assert_eq!(RouteReason::of(&Circumstances { sticky: Some(0), ..PLAIN }), RouteReason::Preferred);
    }

    #[test]
    fn the_document_lists_every_word() {
        let document = include_str!("../../../../docs/ROUTING.md");
        let row = document.lines().find(|line| line.contains("`x-pointsman-reason`")).expect("a row");
        for route_reason in RouteReason::ALL {
            assert!(row.contains(&format!("`{}`", route_reason.as_str())), "{}", route_reason.as_str());
        }
        assert!(RouteReason::ALL.is_sorted());
    }
}
