//! Steps and events: what the driver performs, and what the driver reports.

use crate::admission::cell::Deny;
use crate::planning::affinity::{Look, Stake};
use crate::planning::plan::{Candidate, Refusal};
use crate::response::evidence::Evidence;
use crate::response::outcome::Outcome;
use crate::time::Millis;

use super::planned::Planned;

/// The driver's next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look whether others wait in the queue; report [`Event::Arrived`].
    Arrive,
    /// Take a snapshot of a hop, plan there, and report [`Event::Planned`]. `at_last` says whether guessed
    /// limits may be tried before their ends.
    Plan { hop: usize, at_last: bool },
    /// Look among the waiters for the session's sticky account; report [`Event::Looked`].
    Stay { stake: Stake, look: Look },
    /// Take a retry out of the provider's budget; report [`Event::Withdrawn`].
    Withdraw,
    /// Ask the cells of the candidate for a lease; report [`Event::Admitted`] or [`Event::Denied`].
    Admit(Candidate),
    /// Make sure of the credential; report [`Event::Authorized`] or [`Event::Answered`].
    Authorize { renew: bool },
    /// Send the request; report [`Event::Answered`].
    Send,
    /// Join the queue, and stay behind others until `bound` at the longest; report [`Event::Front`],
    /// [`Event::Late`] or [`Event::Crowded`]. `until` is the instant waited for. A request that has just
    /// arrived has no refusal.
    Queue { until: Millis, bound: Millis, refusal: Option<Refusal> },
    /// Wait at the front of the queue until `until` or until a place is freed; report [`Event::Woke`].
    Wait { until: Millis, refusal: Refusal },
    /// Leave the queue, and wait for the session's sticky account; report [`Event::Woke`].
    Hold { until: Millis },
    /// Deliver the last answer to the caller, or the reason for its absence.
    Deliver,
    /// Tell the caller that nothing can serve the request in time.
    Refuse(Refusal),
    /// Tell the caller that the queue is full.
    TurnAway,
}

/// A result reported by the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Whether others wait in the queue of the request.
    Arrived {
        others_wait: bool,
    },
    Planned(Result<Planned, Refusal>),
    /// Until when the request waits for the session's sticky account; `None` for a request that moves.
    Looked(Option<Millis>),
    /// Whether the budget had a retry left.
    Withdrawn(bool),
    Admitted,
    Denied(Deny),
    Authorized,
    /// An attempt ended, or could not be made. `renewable` is set if another credential of the account may
    /// do better.
    Answered {
        outcome: Outcome,
        renewable: bool,
    },
    /// An attempt's answer does not prove where the fault lies, or another account may do better.
    Doubted(Evidence),
    /// The request came to the front of the queue. `at_once` is set where nobody was ahead, so that nothing was
    /// waited for.
    Front {
        at_once: bool,
    },
    /// Others were ahead in the queue to the end of the stay there, and the place is given up.
    Late,
    /// The queue has no room.
    Crowded,
    Woke,
}
