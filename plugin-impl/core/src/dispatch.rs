//! One request's machine: events in, steps out.
//!
//! The driver asks [`Dispatch::step`] for the next step, performs the step, and reports with
//! [`Dispatch::handle`]. The machine never touches a clock, a cell or a socket, so a table test can cover
//! every possible course of a request.
//!
//! ```text
//!  Arrive ──nobody waits──► Plan ──planned──► Admit ──admitted──► Authorize ──► Send ──good──► Deliver
//!     │                     ▲ ▲ │ ▲ │            │ denied: next      │ failed      │
//!     │ others wait         │ │ │ │ └─refused: plan at the next hop  │             │
//!     ▼                     │ │ │ └──────────────┴───────────────────┴─────────────┘ anything else
//!   Queue ──front or late───┘ │ └─every hop refused─► Queue, at the front Wait, or Refuse
//!     └─crowded─► Plan at the other hops, or TurnAway
//! ```
//!
//! A request plans at its own provider first, then along its failover [chain](Hops), and tries guessed limits
//! early where every hop is closed. An answer without proof of fault begins a [doubt](Verdict): the request is
//! planned again for one other account, and the answer from there decides.
//!
//! A plan may lead away from the session's sticky account. Then the request may wait a moment for that account
//! ([`Step::Stay`], [`Step::Hold`]), outside of the wait queue, and plan again.

mod doubt;
mod hops;
mod phase;
mod planned;
mod retries;
mod steps;
mod waits;

use std::time::Duration;

use crate::jitter::Jitter;
use crate::planning::plan::{Plan, Refusal};
use crate::response::outcome::Outcome;
use crate::time::Millis;

use self::doubt::Doubt;
use self::phase::{Phase, Round};
use self::retries::Retries;
use self::waits::{Queueing, Waits};

pub use self::doubt::Verdict;
pub use self::hops::Hops;
pub use self::planned::{Planned, StickyWait};
pub use self::retries::MAX_ATTEMPTS;
pub use self::steps::{Event, Step};

/// The number of plans lost to competing requests before a request enters the wait queue.
const MAX_LOST_RACES: u32 = 4;

/// The state of one request.
#[derive(Debug)]
pub struct Dispatch {
    phase: Phase,
    hops: Hops,
    waits: Waits,
    queueing: Queueing,
    retries: Retries,
    /// The state of an answer in doubt.
    doubt: Option<Doubt>,
    plans: u32,
    lost_races: u32,
    /// The last plan leads elsewhere although the session's sticky account opens soon.
    moves_by_choice: bool,
}

/// The terms of a request, known on arrival.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The longest total wait.
    pub max_wait: Duration,
    /// The longest wait for the session's sticky account, and at the primary hop before a failover.
    pub patience: Duration,
    /// The request asks a little after each end of a wait.
    pub jitter: Jitter,
    pub hops: Hops,
}

impl Dispatch {
    /// Begins a request.
    pub fn new(now: Millis, terms: Terms) -> Self {
        let Terms { max_wait, patience, jitter, hops } = terms;
        Self {
            phase: Phase::Arriving,
            hops,
            waits: Waits::new(now, max_wait, patience, jitter),
            queueing: Queueing::default(),
            retries: Retries::default(),
            doubt: None,
            plans: 0,
            lost_races: 0,
            moves_by_choice: false,
        }
    }

    /// Returns the number of upstream calls made.
    pub const fn attempts(&self) -> u32 {
        self.retries.attempts
    }

    /// Returns the number of plans with an open way.
    pub const fn plans(&self) -> u32 {
        self.plans
    }

    /// Returns the number of waits in the queue, on arrival or later.
    pub const fn waits(&self) -> u32 {
        self.waits.count
    }

    /// Returns the current hop; 0 is the primary.
    pub const fn hop(&self) -> usize {
        self.hops.at
    }

    /// Returns the reason for the last failover from one hop to the next.
    pub const fn left(&self) -> Option<Refusal> {
        self.hops.left
    }

    /// Returns whether the request goes elsewhere although the session's sticky account opens soon.
    pub const fn moves_by_choice(&self) -> bool {
        self.moves_by_choice
    }

    /// Returns whether the last failure is delivered because the budget had no retry left.
    pub fn is_withheld(&self) -> bool {
        self.retries.is_withheld()
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
        self.waits.jitter
    }

    /// Returns the instant after which the request waits no more.
    pub const fn deadline(&self) -> Millis {
        self.waits.deadline
    }

    /// Returns the instant after which the request no longer holds out for its session's sticky account.
    /// Every hold counts towards one total, as waits do.
    pub fn patience(&self) -> Millis {
        self.waits.patience()
    }

    /// Returns the end of a wait as told to people. Where the end of the limits is out of reach, the request
    /// waits for a guess to be tried.
    pub fn told_end(&self, refusal: &Refusal) -> Option<Millis> {
        self.waits.told_end(refusal)
    }

    /// Returns the next step. Repeated calls return an equal step.
    pub fn step(&self) -> Step {
        self.phase.step(&self.hops)
    }

    /// Applies an event. An event out of step is a bug of the driver and changes nothing.
    pub fn handle(&mut self, event: Event, now: Millis) {
        // The placeholder never outlives this call: every arm below yields the next phase.
        let phase = std::mem::replace(&mut self.phase, Phase::Arriving);
        self.phase = match (phase, event) {
            (Phase::Arriving, Event::Arrived { others_wait }) => self.arrived(others_wait, now),
            (Phase::Planning(_), Event::Planned(Ok(planned))) => self.planned(planned, now),
            (Phase::Planning(round), Event::Planned(Err(refusal))) => self.closed(round, refusal, now),
            (Phase::Staying { plan, offer, .. }, Event::Looked(until)) => self.looked(plan, offer, until),
            (Phase::Paying { plan }, Event::Withdrawn(paid)) => self.withdrawn(plan, paid),
            (Phase::Admitting { .. }, Event::Admitted) => self.admitted(),
            (Phase::Admitting { plan, next }, Event::Denied(_)) => self.denied(plan, next, now),
            (Phase::Authorizing { renew }, Event::Authorized) => Phase::Sending { renewed: renew },
            (Phase::Authorizing { renew: true }, Event::Answered { outcome: Outcome::Unauthorized, .. }) => {
                self.failed(&Outcome::Unauthorized, now)
            }
            (Phase::Authorizing { .. }, Event::Answered { outcome, .. }) => self.unauthorized(&outcome, now),
            (Phase::Authorizing { .. }, Event::Doubted(evidence)) => self.doubted(evidence, now),
            (Phase::Sending { renewed }, Event::Answered { outcome, renewable }) => {
                self.retries.called(self.hops.provider());
                self.answered(&outcome, renewable && !renewed, now)
            }
            (Phase::Sending { .. }, Event::Doubted(evidence)) => {
                self.retries.called(self.hops.provider());
                self.doubted(evidence, now)
            }
            (Phase::Queueing(queued), Event::Front { at_once }) => self.came_to_front(&queued, at_once, now),
            (Phase::Queueing(queued), Event::Late) => self.late(&queued, now),
            (Phase::Queueing(_), Event::Crowded) => self.crowded(now),
            (Phase::Waiting { refusal, .. }, Event::Woke) => self.woke(Some(&refusal), now),
            (Phase::Holding { .. }, Event::Woke) => self.plans_anew(now),
            (phase, event) => {
                debug_assert!(false, "{event:?} does not answer {phase:?}");
                phase
            }
        };
    }

    /// Begins a round of plans, at the primary hop. A request without room in the primary's queue does not
    /// overtake the queue there.
    fn plans_anew(&mut self, now: Millis) -> Phase {
        self.hops.at = 0;
        if self.queueing.is_crowded { self.passes_primary(now) } else { Phase::Planning(Round::default()) }
    }

    fn planned(&mut self, planned: Planned, now: Millis) -> Phase {
        let Planned { plan, wait } = planned;
        self.plans += 1;
        self.moves_by_choice = false;
        if self.retries.attempts >= MAX_ATTEMPTS {
            return Phase::Delivering;
        }
        match wait {
            Some(wait) => self.stays(plan, wait, now),
            None => self.takes(plan),
        }
    }

    /// Goes where a plan leads. A retry pays before it takes any lease.
    fn takes(&mut self, plan: Plan) -> Phase {
        if self.retries.must_pay(self.hops.provider()) {
            Phase::Paying { plan }
        } else {
            Phase::Admitting { plan, next: 0 }
        }
    }

    fn admitted(&mut self) -> Phase {
        // The place goes to the next in the queue.
        self.queueing.is_front = false;
        Phase::Authorizing { renew: false }
    }

    fn denied(&mut self, plan: Plan, denied: usize, now: Millis) -> Phase {
        // The plan is ranked: try its next candidate before planning again.
        if denied + 1 < plan.candidates.len() {
            return Phase::Admitting { plan, next: denied + 1 };
        }
        // Every candidate was taken meanwhile. Plan again a few times, then wait as if all were busy.
        self.lost_races += 1;
        if !self.lost_races.is_multiple_of(MAX_LOST_RACES) {
            return self.plans_anew(now);
        }
        let busy = plan.candidates.len() as u32;
        self.refused(Refusal::busy(busy), now)
    }
}

#[cfg(test)]
mod tests;
