//! Phases: where a request stands between two events.

use crate::planning::affinity::{Look, Stake};
use crate::planning::plan::{Candidate, Plan, Refusal};
use crate::time::Millis;

use super::Hops;
use super::steps::Step;

/// Where a request stands.
#[derive(Debug)]
pub(super) enum Phase {
    Arriving,
    Planning(Round),
    /// The plan leads away from the session's sticky account, and the offer is the best way there.
    Staying {
        plan: Plan,
        offer: Option<Candidate>,
        stake: Stake,
        look: Look,
    },
    Paying {
        plan: Plan,
    },
    Admitting {
        plan: Plan,
        next: usize,
    },
    Authorizing {
        renew: bool,
    },
    Sending {
        renewed: bool,
    },
    Queueing(Queued),
    Waiting {
        until: Millis,
        refusal: Refusal,
    },
    Holding {
        until: Millis,
    },
    Delivering,
    Refusing(Refusal),
    TurningAway,
}

/// A round of plans over the hops.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    /// The sum of the refusals so far; `None` before the primary's.
    pub(super) closed: Option<Refusal>,
    /// Every hop is closed, so guesses are tried before their ends.
    pub(super) is_last_resort: bool,
}

/// A stay in the queue behind others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    /// The instant waited for.
    pub(super) until: Millis,
    /// The end of the stay, whoever is ahead.
    pub(super) bound: Millis,
    /// Why the request queues; `None` on arrival.
    pub(super) refusal: Option<Refusal>,
}

impl Phase {
    /// Returns the step that is due.
    pub(super) fn step(&self, hops: &Hops) -> Step {
        match self {
            Self::Arriving => Step::Arrive,
            Self::Planning(round) => {
                Step::Plan { hop: hops.at, at_last: round.is_last_resort || hops.are_one() }
            }
            Self::Staying { stake, look, .. } => Step::Stay { stake: *stake, look: *look },
            Self::Paying { .. } => Step::Withdraw,
            Self::Admitting { plan, next } => Step::Admit(plan.candidates[*next]),
            Self::Authorizing { renew } => Step::Authorize { renew: *renew },
            Self::Sending { .. } => Step::Send,
            Self::Queueing(Queued { until, bound, refusal }) => {
                Step::Queue { until: *until, bound: *bound, refusal: *refusal }
            }
            Self::Waiting { until, refusal } => Step::Wait { until: *until, refusal: *refusal },
            Self::Holding { until } => Step::Hold { until: *until },
            Self::Delivering => Step::Deliver,
            Self::Refusing(refusal) => Step::Refuse(*refusal),
            Self::TurningAway => Step::TurnAway,
        }
    }
}
