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
mod unbinding;
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
use self::reply::Reply;
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
    let (record, ran) = ran(shared, generation, resolved, id).await;
    let (record, answer) = match ran {
        Ok(answer) => (record, answer),
        Err(free) => ran_free(shared, generation, &free, id).await,
    };
    if tracing::enabled!(tracing::Level::DEBUG) {
        let explanation = Explanation::for_log(record, shared.clock.now());
        tracing::debug!("{}", explanation.to_text());
    }
    answer
}

/// Runs a request to an answer, or up to the point where it goes on without the state of another account.
async fn ran(
    shared: &Shared,
    generation: &Arc<Generation>,
    resolved: &Resolved,
    id: RequestId,
) -> (Arc<Record>, Result<Answer, Box<Resolved>>) {
    let now = shared.clock.now();
    let record = shared.journal.open(Record::new(id, resolved, generation, now));
    let driver = RequestDriver::new(shared, generation, resolved, record.clone(), now.mono);
    let mut guard = Unanswered { shared, record: &record, over: false };
    let ran = driver.run().await;
    guard.over = true;
    drop(guard);
    (record, ran)
}

/// Runs a request without the state of another account. No request is freed twice.
async fn ran_free(
    shared: &Shared,
    generation: &Arc<Generation>,
    free: &Resolved,
    id: RequestId,
) -> (Arc<Record>, Answer) {
    let (record, ran) = Box::pin(ran(shared, generation, free, id)).await;
    let reply = Reply { resolved: free, served: None, attempts: 0 };
    let lost = |_| reply.unreachable("no attempt was made");
    (record, ran.unwrap_or_else(lost))
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

    async fn run(mut self) -> Result<Answer, Box<Resolved>> {
        loop {
            // The core decides the step; the driver only performs it and reports back.
            let step = self.dispatch.step();
            if let Some(free) = self.freed(&step) {
                return Err(Box::new(free));
            }
            let event = match step {
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
                Step::Deliver => return Ok(self.deliver()),
                Step::Refuse(refusal) => return Ok(self.refuse(&refusal)),
                Step::TurnAway => return Ok(self.turn_away()),
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
