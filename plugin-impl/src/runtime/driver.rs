//! The request driver: performs the steps of a request's state machine, and reports the results as events.
//!
//! Every decision is made in the core. The driver has the effects, a file each: planning on the fleet's state,
//! attempts, waiting, notices, the record, and the answer.

mod attempt;
mod blocked;
mod doubting;
mod ending;
mod limits;
mod look;
mod noting;
mod planning;
mod reply;
mod settling;
mod sticky;
mod telling;
mod waiting;

#[cfg(all(test, not(feature = "shuttle")))]
mod tests;

use std::sync::Arc;

use pointsman_core::dispatch::{Dispatch, Event, Step};
use pointsman_core::planning::strategy::Context;
use pointsman_core::time::Millis;

use crate::fleet::affinity::StickyAccount;
use crate::runtime::answer::Answer;
use crate::runtime::call::Resolved;
use crate::runtime::failover::Hop;
use crate::runtime::generation::{Generation, ProviderRuntime};
use crate::runtime::journal::{Explanation, Record, RequestId};
use crate::runtime::shared::Shared;

use self::attempt::ActiveAttempt;
pub(crate) use self::reply::{ATTEMPTS, PROVIDER, REQUEST_ID, own};
use self::settling::Heard;
use self::telling::Telling;
use self::waiting::Queueing;

/// Serves a request to the end.
pub async fn serve(
    shared: &Shared,
    generation: &Arc<Generation>,
    resolved: &Resolved,
    id: RequestId,
) -> Answer {
    let now = shared.clock.now();
    let record = shared.journal.open(Record::new(id, resolved, generation, now));
    let driver = RequestDriver::new(shared, generation, resolved, record.clone(), now.mono);
    let mut guard = Unanswered { shared, record: &record, over: false };
    let answer = driver.run().await;
    guard.over = true;
    if tracing::enabled!(tracing::Level::DEBUG) {
        let explanation = Explanation::for_log(record.clone(), shared.clock.now());
        tracing::debug!("{}", explanation.to_text());
    }
    answer
}

/// A guard that counts a request as cancelled if the caller goes away before the answer.
struct Unanswered<'a> {
    shared: &'a Shared,
    record: &'a Record,
    over: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.shared.counters.cancelled.count();
            self.record.cancelled(self.shared.clock.mono());
        }
    }
}

/// The run of a request.
struct RequestDriver<'a> {
    shared: &'a Shared,
    generation: &'a Arc<Generation>,
    resolved: &'a Resolved,
    /// The record of the request's decisions.
    record: Arc<Record>,
    /// The time at the end of the last wait.
    now: Millis,
    dispatch: Dispatch,
    context: Context,
    sticky: StickyAccount,
    queueing: Queueing,
    /// The current attempt.
    attempt: Option<ActiveAttempt>,
    heard: Heard,
    telling: Telling,
}

impl<'a> RequestDriver<'a> {
    fn new(
        shared: &'a Shared,
        generation: &'a Arc<Generation>,
        resolved: &'a Resolved,
        record: Arc<Record>,
        now: Millis,
    ) -> Self {
        if let Some(session) = &resolved.session {
            let most = generation.config.settings.affinity.sessions as usize;
            shared.fleet.affinity.lineage.note(session, most, now);
        }
        // The serial number in the lane seeds the jitter and the sample, so that requests spread.
        let queueing = Queueing::of(shared, generation, resolved);
        let turn = queueing.next_turn();
        let dispatch = Dispatch::new(now, planning::terms(shared, generation, resolved, turn));
        let operation = resolved.intent.operation;
        let context = Context { turn, operation, ..Context::default() };
        Self {
            shared,
            generation,
            resolved,
            record,
            now,
            dispatch,
            context,
            sticky: StickyAccount::default(),
            queueing,
            attempt: None,
            heard: Heard::default(),
            telling: Telling::default(),
        }
    }

    async fn run(mut self) -> Answer {
        loop {
            // The core decides the step; the driver only performs it and reports back.
            let event = match self.dispatch.step() {
                Step::Arrive => Event::Arrived { others_wait: self.queueing.has_waiters() },
                Step::Plan { hop, at_last } => Event::Planned(self.plan_at(hop, at_last)),
                Step::Stay { stake, look } => self.look_among_waiters(stake, &look),
                Step::Withdraw => Event::Withdrawn(self.withdraw()),
                Step::Admit(candidate) => self.admit(candidate),
                Step::Authorize { renew } => self.authorize(renew).await,
                Step::Send => self.send().await,
                Step::Queue { until, bound, refusal } => self.queue(until, bound, refusal).await,
                Step::Wait { until, refusal } => self.wait(until, refusal).await,
                Step::Hold { until } => self.hold(until).await,
                Step::Deliver => return self.deliver(),
                Step::Refuse(refusal) => return self.refuse(&refusal),
                Step::TurnAway => return self.turn_away(),
            };
            self.dispatch.handle(event, self.now);
        }
    }

    /// Reads the clock. Called after each wait and after each surprise; in between, no time passes that
    /// could change a decision.
    fn look_at_clock(&mut self) {
        self.now = self.shared.clock.mono();
    }

    fn hop(&self) -> &'a Hop {
        self.resolved.hop(self.dispatch.hop())
    }

    fn provider_runtime(&self) -> &'a ProviderRuntime {
        &self.generation.provider_runtimes[self.hop().provider]
    }
}
