//! The end of an attempt without a good answer: the evidence is settled, or kept in doubt.

use pointsman_core::dispatch::Event;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{NetworkFault, Outcome};

use crate::fleet::{Examined, Lease};

use super::RequestDriver;
use super::attempt::ActiveAttempt;
use super::doubting::Doubted;
use super::look::Seen;
use super::reply::Served;

/// The results of the upstream calls so far.
#[derive(Default)]
pub(super) struct Heard {
    /// The last answer of an upstream, or the reason for no answer.
    pub(super) seen: Option<Seen>,
    /// The target of the last upstream call.
    pub(super) served: Option<Served>,
    /// Answers in doubt, without proof of fault, in order.
    pub(super) doubts: Vec<Doubted>,
    /// The hop and the index of the first admitted account.
    pub(super) first: Option<(usize, u32)>,
}

impl RequestDriver<'_> {
    /// Settles the attempt, and remembers any change seen first by this request; or keeps an answer in
    /// doubt.
    pub(super) fn failed(&mut self, evidence: Evidence) -> Event {
        if matches!(evidence.outcome, Outcome::Limited(_)) {
            self.shared.counters.upstream_429.count();
        }
        let Some(ActiveAttempt { candidate, lease, .. }) = self.attempt.take() else {
            return Event::Answered { outcome: evidence.outcome, renewable: false };
        };
        if evidence.outcome == Outcome::Unreachable(NetworkFault::Local) {
            return self.unsent(evidence, lease);
        }
        let target = lease.target().clone();
        // Readings may know the reset better than the answer.
        let evidence = self.corrected(evidence, &target);
        match lease.examine(&evidence, self.record.id.number, self.now) {
            Examined::Settled(settlement) => {
                self.record.came_to(&evidence, Some(&settlement), self.now);
                self.learned(settlement, &target, evidence.status);
                Event::Answered { outcome: evidence.outcome, renewable: false }
            }
            // Nothing is closed yet: the core sends the request on to a witness.
            Examined::Doubted(suspect) => {
                self.record.came_to(&evidence, None, self.now);
                self.doubt(candidate, suspect, evidence.clone());
                Event::Doubted(evidence)
            }
        }
    }

    /// Gives a lease back as it was: this process could open no connection, so no account and no endpoint
    /// is at fault.
    fn unsent(&self, evidence: Evidence, lease: Lease) -> Event {
        lease.unsent();
        self.record.came_to(&evidence, None, self.now);
        Event::Answered { outcome: evidence.outcome, renewable: false }
    }

    /// Settles an attempt never sent.
    pub(super) fn settled(&mut self, evidence: Evidence) -> Event {
        if let Some(ActiveAttempt { lease, .. }) = self.attempt.take() {
            if evidence.outcome == Outcome::Unreachable(NetworkFault::Local) {
                return self.unsent(evidence, lease);
            }
            let target = lease.target().clone();
            let settlement = lease.settle(&evidence, self.now);
            self.record.came_to(&evidence, Some(&settlement), self.now);
            self.learned(settlement, &target, evidence.status);
        }
        Event::Answered { outcome: evidence.outcome, renewable: false }
    }
}
