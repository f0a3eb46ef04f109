//! One request's machine: events in, steps out.
//!
//! The driver asks [`Dispatch::step`] for the next step, performs the step, and reports with
//! [`Dispatch::handle`]. The machine never touches a clock, a cell or a socket, so a table test can cover
//! every possible course of a request.
//!
//! ```text
//!  Plan ──planned──► Admit ──admitted──► Authorize ──authorized──► Send ──good──► Deliver
//!   ▲ │ ▲              │ denied: next      │ failed                  │
//!   │ │ └──────────────┴───────────────────┴─────────────────────────┘ anything else
//!   │ └─refused─► Wait ──woken──┐     └─► Refuse (past the deadline, or out of attempts)
//!   └───────────────────────────┘
//! ```
//!
//! An answer without proof of fault begins a [doubt](Verdict): the request is planned again for one other
//! account, and the answer from there decides.
//!
//! A plan may also be held: the request waits a moment for its session's sticky account, outside the wait
//! queue, and plans again.

mod doubt;

use std::time::Duration;

use crate::admission::budget::is_burden;
use crate::admission::cell::Deny;
use crate::jitter::Jitter;
use crate::planning::plan::{Candidate, Counts, Plan, Refusal};
use crate::response::evidence::Evidence;
use crate::response::outcome::{NetworkFault, Outcome};
use crate::time::Millis;

use self::doubt::Doubt;

pub use self::doubt::Verdict;

/// The most upstream calls of one request. Each failed call closes something, so a request gets this far
/// only if 64 accounts fail one after the other.
pub const MAX_ATTEMPTS: u32 = 64;

/// The number of plans lost to competing requests before a request enters the wait queue.
const MAX_LOST_RACES: u32 = 4;

/// The longest wait without a known end before the request looks again by itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// The wait before the request asks the account again, if no other account can be asked.
const MOMENT: Duration = Duration::from_secs(1);

/// The driver's next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take a snapshot, plan, and report [`Event::Planned`].
    Plan,
    /// Take a retry out of the provider's budget; report [`Event::Withdrawn`].
    Withdraw,
    /// Ask the cells of the candidate for a lease; report [`Event::Admitted`] or [`Event::Denied`].
    Admit(Candidate),
    /// Make sure of the credential; report [`Event::Authorized`] or [`Event::Answered`].
    Authorize { renew: bool },
    /// Send the request; report [`Event::Answered`].
    Send,
    /// Wait in line until `until` or until a place is freed; report [`Event::Woke`], or [`Event::AtFront`] where
    /// nobody was ahead and nothing was waited for yet.
    Wait { until: Millis, refusal: Refusal },
    /// Wait outside the queue for the session's sticky account; report [`Event::Woke`].
    Hold { until: Millis },
    /// Deliver the last answer to the caller, or the reason for its absence.
    Deliver,
    /// Tell the caller that nothing can serve the request in time.
    Refuse(Refusal),
}

/// A result reported by the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Planned(Result<Plan, Refusal>),
    /// There is a plan, but a short wait is better; see [`hold`](crate::planning::affinity::hold).
    Held {
        until: Millis,
    },
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
    Woke,
    /// It came to the front of the line without a wait, and looks again before it waits.
    AtFront,
}

/// The state of one request.
#[derive(Debug)]
pub struct Dispatch {
    phase: Phase,
    began: Millis,
    deadline: Millis,
    jitter: Jitter,
    attempts: u32,
    plans: u32,
    lost_races: u32,
    waits: u32,
    /// Whether the last failure tells the caller more than a count of accounts would.
    tellable: bool,
    /// The kind of the next attempt.
    next: RetryState,
    /// Whether the request has waited for a closed way to open; its attempt there cost no retry.
    waited_out: bool,
    /// The state of an answer in doubt.
    doubt: Option<Doubt>,
    /// Other providers may serve the request.
    has_fallbacks: bool,
}

/// What another attempt of a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RetryState {
    /// The first attempt, or a free attempt.
    Free,
    /// A retry; see [`budget`](crate::admission::budget).
    Retry,
    /// A retry without room in the budget.
    Withheld,
}

#[derive(Debug)]
enum Phase {
    Planning,
    Paying { plan: Plan },
    Admitting { plan: Plan, next: usize },
    Authorizing { renew: bool },
    Sending { renewed: bool },
    Waiting { until: Millis, refusal: Refusal },
    Holding { until: Millis },
    Delivering,
    Refusing(Refusal),
}

impl Dispatch {
    /// Begins a request with a total wait of at most `max_wait`.
    pub fn new(now: Millis, max_wait: Duration) -> Self {
        Self {
            phase: Phase::Planning,
            began: now,
            deadline: now.after(max_wait),
            jitter: Jitter::default(),
            attempts: 0,
            plans: 0,
            lost_races: 0,
            waits: 0,
            tellable: false,
            next: RetryState::Free,
            waited_out: false,
            doubt: None,
            has_fallbacks: false,
        }
    }

    /// Says whether other providers may serve the request.
    #[must_use]
    pub fn with_fallbacks(self, has_fallbacks: bool) -> Self {
        Self { has_fallbacks, ..self }
    }

    /// Sets the jitter: the request asks a little after each end of a wait.
    #[must_use]
    pub fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// Returns the number of upstream calls made.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the number of plans made.
    pub const fn plans(&self) -> u32 {
        self.plans
    }

    /// Returns the number of waits.
    pub const fn waits(&self) -> u32 {
        self.waits
    }

    /// Returns whether the last failure is delivered because the budget had no retry left.
    pub fn is_withheld(&self) -> bool {
        self.next == RetryState::Withheld
    }

    /// Returns whether the next plan leaves out the account of the doubtful answer.
    pub fn seeks_a_witness(&self) -> bool {
        self.doubt.as_ref().is_some_and(Doubt::shuns_the_first)
    }

    /// Returns the verdict on an answer in doubt, if there was any. Unless the verdict is
    /// [`Verdict::Settled`], the doubtful answer is delivered.
    pub fn verdict(&self) -> Option<Verdict> {
        self.doubt.as_ref().map(Doubt::verdict)
    }

    /// Returns the jitter.
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// Returns the instant after which the request waits no more.
    pub const fn deadline(&self) -> Millis {
        self.deadline
    }

    /// Returns the instant after which the request no longer holds out for its session's sticky account.
    /// Every hold counts towards one total, as waits do.
    pub fn patience(&self, patience: Duration) -> Millis {
        self.began.after(patience).min(self.deadline)
    }

    /// Returns the next step. Repeated calls return an equal step.
    pub fn step(&self) -> Step {
        match &self.phase {
            Phase::Planning => Step::Plan,
            Phase::Paying { .. } => Step::Withdraw,
            Phase::Admitting { plan, next } => Step::Admit(plan.candidates[*next]),
            Phase::Authorizing { renew, .. } => Step::Authorize { renew: *renew },
            Phase::Sending { .. } => Step::Send,
            Phase::Waiting { until, refusal } => Step::Wait { until: *until, refusal: *refusal },
            Phase::Holding { until } => Step::Hold { until: *until },
            Phase::Delivering => Step::Deliver,
            Phase::Refusing(refusal) => Step::Refuse(*refusal),
        }
    }

    /// Applies an event. An event out of step is a bug of the driver and changes nothing.
    pub fn handle(&mut self, event: Event, now: Millis) {
        // The placeholder never outlives this call: every arm below yields the next phase.
        let phase = std::mem::replace(&mut self.phase, Phase::Planning);
        self.phase = match (phase, event) {
            (Phase::Planning, Event::Planned(planned)) => self.planned(planned, now),
            (Phase::Planning, Event::Held { until }) => Phase::Holding { until },
            (Phase::Paying { plan }, Event::Withdrawn(paid)) => self.withdrawn(plan, paid),
            (Phase::Admitting { .. }, Event::Admitted) => Phase::Authorizing { renew: false },
            (Phase::Admitting { plan, next }, Event::Denied(_)) => self.denied(plan, next, now),
            (Phase::Authorizing { renew }, Event::Authorized) => Phase::Sending { renewed: renew },
            (Phase::Authorizing { renew: true }, Event::Answered { outcome: Outcome::Unauthorized, .. }) => {
                self.failed(&Outcome::Unauthorized)
            }
            (Phase::Authorizing { .. }, Event::Answered { outcome, .. }) => self.unauthorized(&outcome),
            (Phase::Sending { renewed }, Event::Answered { outcome, renewable }) => {
                self.attempts += 1;
                self.answered(&outcome, renewable && !renewed)
            }
            (Phase::Authorizing { .. }, Event::Doubted(evidence)) => self.doubted(evidence),
            (Phase::Sending { .. }, Event::Doubted(evidence)) => {
                self.attempts += 1;
                self.doubted(evidence)
            }
            (Phase::Waiting { refusal, .. }, Event::Woke) => self.woke(&refusal),
            (Phase::Holding { .. }, Event::Woke) | (Phase::Waiting { .. }, Event::AtFront) => Phase::Planning,
            (phase, event) => {
                debug_assert!(false, "{event:?} does not answer {phase:?}");
                phase
            }
        };
    }

    fn planned(&mut self, planned: Result<Plan, Refusal>, now: Millis) -> Phase {
        self.plans += 1;
        match planned {
            Ok(_) if self.attempts >= MAX_ATTEMPTS => Phase::Delivering,
            // A retry pays before it takes any lease.
            Ok(plan) if self.next == RetryState::Retry => Phase::Paying { plan },
            Ok(plan) => Phase::Admitting { plan, next: 0 },
            Err(refusal) => self.refused(refusal, now),
        }
    }

    fn withdrawn(&mut self, plan: Plan, paid: bool) -> Phase {
        if paid {
            self.next = RetryState::Free;
            Phase::Admitting { plan, next: 0 }
        } else {
            self.next = RetryState::Withheld;
            Phase::Delivering
        }
    }

    /// A closed way lets 1, 2, 4 probes through as it opens, so its waiters are no flood and pay no retry.
    /// Free only once: an upstream that opens and fails by turns is not asked by every waiter each time.
    fn woke(&mut self, refusal: &Refusal) -> Phase {
        if self.next == RetryState::Retry && refusal.counts.cooling.total() > 0 && !self.waited_out {
            self.next = RetryState::Free;
            self.waited_out = true;
        }
        Phase::Planning
    }

    fn denied(&mut self, plan: Plan, denied: usize, now: Millis) -> Phase {
        // The plan is ranked: try its next candidate before planning again.
        if denied + 1 < plan.candidates.len() {
            return Phase::Admitting { plan, next: denied + 1 };
        }
        // Every candidate was taken meanwhile. Plan again a few times, then wait as if all were busy.
        self.lost_races += 1;
        if !self.lost_races.is_multiple_of(MAX_LOST_RACES) {
            return Phase::Planning;
        }
        let busy = plan.candidates.len() as u32;
        let counts = Counts { busy, ..Counts::default() };
        self.refused(Refusal { until: None, last_resort: None, counts }, now)
    }

    fn answered(&mut self, outcome: &Outcome, renewable: bool) -> Phase {
        if matches!(outcome, Outcome::Good | Outcome::RequestFault) {
            self.doubt.iter_mut().for_each(Doubt::is_settled);
            Phase::Delivering
        } else if is_local(outcome) {
            Phase::Delivering
        } else if *outcome == Outcome::Unauthorized && renewable {
            Phase::Authorizing { renew: true }
        } else {
            self.failed(outcome)
        }
    }

    /// Each call made to resolve a doubt is a retry, so that a fleet without a good key does not double its
    /// calls.
    fn doubted(&mut self, evidence: Evidence) -> Phase {
        let asks_another = match &mut self.doubt {
            Some(doubt) => doubt.hears(&evidence, self.has_fallbacks),
            none => {
                *none = Some(Doubt::new(evidence));
                true
            }
        };
        self.tellable = true;
        self.next = RetryState::Retry;
        if asks_another { Phase::Planning } else { Phase::Delivering }
    }

    /// Nothing was sent: a count of the accounts tells the caller more than the failed token does.
    fn unauthorized(&mut self, outcome: &Outcome) -> Phase {
        self.tellable = false;
        // No account is closed by it, so another plan would come to the same.
        if is_local(outcome) { Phase::Delivering } else { Phase::Planning }
    }

    fn failed(&mut self, outcome: &Outcome) -> Phase {
        // A 429 of one account says less than our own count of all of them.
        self.tellable = !matches!(outcome, Outcome::Limited(_));
        self.next = if is_burden(outcome) { RetryState::Retry } else { RetryState::Free };
        // A call made to resolve a doubt is a retry, whatever came of it.
        let Some(doubt) = &mut self.doubt else { return Phase::Planning };
        self.next = RetryState::Retry;
        if doubt.hears_of_another() { Phase::Planning } else { Phase::Delivering }
    }

    /// Nobody waits for a witness.
    fn unwitnessed(&mut self, now: Millis) -> Phase {
        let until = now.after(MOMENT);
        let asks_again = until <= self.deadline && self.doubt.as_mut().is_some_and(Doubt::asks_again);
        if asks_again { Phase::Holding { until } } else { Phase::Delivering }
    }

    fn refused(&mut self, refusal: Refusal, now: Millis) -> Phase {
        // With a doubt open, a refusal means that no witness is available.
        match &self.doubt {
            Some(doubt) if doubt.yields_to(&refusal) => self.doubt = None,
            Some(_) => return self.unwitnessed(now),
            None => {}
        }
        let look = self.deadline.min(now.after(PATIENCE));
        let hope = refusal.hope();
        // Where somebody is only busy, a place may come free before the end that is known.
        let until = match hope {
            Some(until) if refusal.counts.busy > 0 => until.min(look),
            Some(until) => until,
            None => look,
        };
        // Waiting must be able to help, and must end before the caller's deadline.
        if self.hopeless(&refusal) || until > self.deadline || now >= self.deadline {
            return self.give_up(refusal);
        }
        self.waits += 1;
        let until = match hope {
            // Spread the waiters of one reset, so that they do not return at one instant.
            Some(end) => self.jitter.after(end, now).min(self.deadline),
            None => until,
        };
        Phase::Waiting { until, refusal }
    }

    /// Says whether no passing of time can help.
    fn hopeless(&self, refusal: &Refusal) -> bool {
        refusal.counts.passing() == 0 || self.attempts >= MAX_ATTEMPTS
    }

    fn give_up(&self, refusal: Refusal) -> Phase {
        if self.tellable && refusal.counts.limited == 0 {
            Phase::Delivering
        } else {
            Phase::Refusing(refusal)
        }
    }
}

/// Returns whether this process could open no connection. Nothing else is asked: the outcome would be the same.
const fn is_local(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unreachable(NetworkFault::Local))
}

#[cfg(test)]
mod tests;
