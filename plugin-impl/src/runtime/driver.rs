//! The request driver: performs the steps of a request's state machine, and reports the results as events.
//!
//! Every decision is made in the core. The driver has the effects: reading the clock, asking the cells,
//! sending, waiting, notices.

mod blocked;
mod doubting;
mod ending;
mod limits;
mod look;
mod noting;
mod planning;
mod reply;
mod retrying;
mod settling;
mod sticky;
mod telling;
mod waiting;

use std::sync::Arc;

use pointsman_core::admission::cell::Confirmed;
use pointsman_core::dispatch::{Dispatch, Event, Step};
use pointsman_core::planning::affinity::Stake;
use pointsman_core::planning::plan::{Candidate, Refusal};
use pointsman_core::planning::strategy::Context;
use pointsman_core::reporting::announce::Trip;
use pointsman_core::reporting::notice;
use pointsman_core::reporting::route_reason::{Circumstances, RouteReason};
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::Outcome;
use pointsman_core::time::Millis;

use crate::edges::auth::Proof;
use crate::fleet::Lease;
use crate::fleet::affinity::waiters::Wait;
use crate::fleet::notifier::Waiters;
use crate::fleet::roster::Asker;
use crate::fleet::wait_queue::{Crowded, QueueSlot, WaitQueue};
use crate::runtime::answer::Answer;
use crate::runtime::call::Resolved;
use crate::runtime::failover::Hop;
use crate::runtime::generation::{Generation, ProviderRuntime};
use crate::runtime::journal::{Explanation, Record, RequestId};
use crate::runtime::outgoing;
use crate::runtime::shared::Shared;

use self::doubting::Doubted;
use self::look::Seen;
use self::reply::Served;
pub(crate) use self::reply::{ATTEMPTS, PROVIDER, REQUEST_ID, own};
use self::telling::described;

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
    wait_queue: Arc<WaitQueue>,
    dispatch: Dispatch,
    /// The current hop; 0 is the primary.
    hop: usize,
    /// The end of the request's stay at the primary hop, before any failover.
    stay: Option<Millis>,
    /// Whether the last plan had more than a single open account.
    others_open: bool,
    /// The reason for the failover from the previous hop.
    left: Option<Refusal>,
    /// The primary's wait queue had no room for the request.
    crowded: bool,
    context: Context,
    /// The ordinal of the session's sticky account at the last plan.
    sticky: Option<u32>,
    /// What the session would lose by a move, while its prompt is cached there.
    stake: Option<Stake>,
    /// How it waits for that account.
    wait: Wait,
    /// Until when it had better wait for that account than go where its plan leads.
    held: Option<Millis>,
    /// The slot in the wait queue, with the waiter, during a wait.
    turn: Option<(QueueSlot, Waiters)>,
    /// The current attempt.
    attempt: Option<ActiveAttempt>,
    /// Changes seen first by this request, not yet reported by a notice.
    news: Vec<(Trip, Option<Millis>)>,
    /// The hop of the unreported changes.
    news_hop: usize,
    /// The last answer of an upstream, or the reason for no answer.
    seen: Option<Seen>,
    /// Answers in doubt, without proof of fault, in order.
    doubts: Vec<Doubted>,
    /// The hop and the index of the first admitted account.
    first: Option<(usize, u32)>,
    /// The target of the last upstream call.
    served: Option<Served>,
}

/// A lease, with the credential for sending.
struct ActiveAttempt {
    candidate: Candidate,
    lease: Lease,
    proof: Option<Proof>,
    /// Whether the proof is the second: the upstream rejected the first.
    renewed: bool,
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
        let wait_queue = waiting::wait_queue(shared, generation, resolved);
        let turn = wait_queue.next_turn();
        let dispatch = waiting::dispatch(shared, generation, resolved, turn, now);
        let operation = resolved.intent.operation;
        let context = Context { turn, operation, ..Context::default() };
        Self {
            shared,
            generation,
            resolved,
            record,
            now,
            wait_queue,
            dispatch,
            hop: 0,
            stay: None,
            others_open: false,
            left: None,
            crowded: false,
            context,
            sticky: None,
            stake: None,
            wait: Wait::default(),
            held: None,
            turn: None,
            attempt: None,
            news: Vec::new(),
            news_hop: 0,
            seen: None,
            doubts: Vec::new(),
            first: None,
            served: None,
        }
    }

    async fn run(mut self) -> Answer {
        // Earlier requests wait: overtaking them would starve the queue.
        if self.wait_queue.has_waiters() {
            let bound = if self.resolved.others() > 0 { self.stay() } else { self.dispatch.deadline() };
            self.record.waits(self.hop, bound, None, self.now);
            if self.stand(bound).await.is_err() {
                return self.turn_away();
            }
            self.look_at_clock();
            self.record.woke(self.now);
        }
        loop {
            // The core decides the step; the driver only performs it and reports back.
            let event = match self.dispatch.step() {
                Step::Plan => self.plan(),
                Step::Withdraw => Event::Withdrawn(self.withdraw()),
                Step::Admit(candidate) => self.admit(candidate),
                Step::Authorize { renew } => self.authorize(renew).await,
                Step::Send => self.send().await,
                Step::Wait { until, refusal } => match self.wait(until, refusal).await {
                    Ok(event) => event,
                    Err(Crowded) => return self.turn_away(),
                },
                Step::Hold { until } => self.hold(until).await,
                Step::Deliver => return self.deliver(),
                Step::Refuse(refusal) => return self.refuse(&refusal),
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
        self.resolved.hop(self.hop)
    }

    fn provider_runtime(&self) -> &'a ProviderRuntime {
        &self.generation.provider_runtimes[self.hop().provider]
    }

    fn plan(&mut self) -> Event {
        self.held = None;
        let planned = self.plan_on_hops();
        match self.held {
            Some(until) => Event::Held { until },
            None => Event::Planned(planned),
        }
    }

    fn admit(&mut self, candidate: Candidate) -> Event {
        let jitter = self.dispatch.jitter();
        let asker = Asker { own: self.resolved.own_at(self.hop), operation: self.context.operation };
        match self.provider_runtime().roster.admit_for(asker, &candidate, &self.hop().model, jitter, self.now)
        {
            Ok(lease) => {
                self.shared.counters.early_probes.add(lease.is_early_probe().into());
                // Now it is known where the request goes on, so pending notices can name it.
                let onward = self.onward(&lease);
                self.tell_news(&onward);
                self.tell_fall();
                self.first.get_or_insert((self.hop, candidate.account));
                self.wait.admitted(lease.target().account.ordinal, self.now);
                self.record.admitted(self.hop, candidate, lease.is_probe(), self.now);
                self.attempt = Some(ActiveAttempt { candidate, lease, proof: None, renewed: false });
                // The next in line can look for a place of its own.
                if let Some((turn, _)) = self.turn.take() {
                    turn.served();
                }
                Event::Admitted
            }
            Err(deny) => {
                self.record.denied(self.hop, candidate, deny, self.now);
                self.look_at_clock();
                Event::Denied(deny)
            }
        }
    }

    async fn authorize(&mut self, renew: bool) -> Event {
        let Some(attempt) = &mut self.attempt else { return self.lost_attempt() };
        // Only a renewal tells the credential which proof the upstream rejected.
        let last = attempt.proof.take();
        let rejected = if renew { last } else { None };
        let hop = self.resolved.hop(self.hop);
        let credentials =
            &self.generation.provider_runtimes[hop.provider].credentials[attempt.candidate.account as usize];
        let provider = &self.generation.config.providers[hop.provider];
        let tokens = || self.shared.tokens(self.generation.config.timeouts);
        let proof = credentials.credential.proof(provider.auth, rejected.as_ref(), tokens).await;
        self.now = self.shared.clock.mono();
        match proof {
            Ok(proof) => {
                (attempt.proof, attempt.renewed) = (Some(proof), renew);
                Event::Authorized
            }
            // The answer that refused the first proof says more than that there is no other.
            Err(Outcome::Unauthorized) if renew => {
                self.failed(Evidence { status: 401, ..Evidence::of(Outcome::Unauthorized) })
            }
            Err(outcome) => {
                let account = attempt.lease.target().account.id.clone();
                self.seen = Some(Seen::Nothing(format!("no access token could be had for {account}")));
                self.settled(Evidence::of(outcome))
            }
        }
    }

    async fn send(&mut self) -> Event {
        let Some(ActiveAttempt { candidate, lease, proof: Some(proof), renewed }) = &self.attempt else {
            return self.lost_attempt();
        };
        let (hop, pool) = (self.hop(), self.hop().route.pool(lease.target().pool));
        let provider = &self.generation.config.providers[hop.provider];
        let credentials = &self.provider_runtime().credentials[candidate.account as usize];
        let project = credentials.project.as_deref();
        let out = || outgoing::build(self.resolved, hop, provider, lease.target(), project, proof);
        let (renewable, renewed) = (proof.renewable, *renewed);
        let blanker = proof.blanker(&provider.headers[lease.target().pool]);
        self.served = Some(self.served_by(*candidate, lease));
        self.shared.counters.attempts.count();
        self.record.sent();
        // Each request feeds the retry budget once, with its first attempt.
        self.pay_in();
        let sent =
            self.shared.upstream.send(out, credentials.proxy.as_ref(), self.generation.config.timeouts).await;
        let (seen, evidence) = match sent {
            Ok(incoming) => {
                let incoming = incoming.decoded().blanked(blanker);
                // Headers report quota on good and bad answers alike.
                self.note_readings(&incoming.headers);
                let enveloped = outgoing::is_enveloped(self.resolved, pool, incoming.status);
                let named = self.named(lease.target());
                let asked = self.asked(lease.target(), &named);
                look::at(incoming, asked, enveloped, &self.shared.clock).await
            }
            Err(error) => (Seen::Nothing(error.text), Evidence::of(Outcome::Unreachable(error.fault))),
        };
        self.look_at_clock();
        self.seen = Some(self.placed(seen));
        if evidence.is_good() {
            self.record.came_to(&evidence, None, self.now);
            self.confirm();
            self.convict();
            return Event::Answered { outcome: evidence.outcome, renewable };
        }
        // Not settled yet: the machine may renew the credential and try this account once more.
        if evidence.outcome == Outcome::Unauthorized && renewable && !renewed {
            return Event::Answered { outcome: evidence.outcome, renewable };
        }
        self.failed(evidence)
    }

    fn confirm(&mut self) {
        let hop = self.hop();
        let Some(attempt) = &mut self.attempt else { return };
        let (account, pool) = (attempt.candidate.account, attempt.lease.target().pool);
        let now = self.now;
        match attempt.lease.confirm(now) {
            Confirmed::Stale => self.shared.counters.stale_successes.count(),
            // The limit is over: store the fact and tell people once.
            Confirmed::Over => {
                let target = attempt.lease.target().clone();
                self.keep_limit(&target);
                let pool = described(hop, target.pool);
                let kind = target.account.limit_kind(target.pool, target.operation, &target.model);
                let account = target.account.id.clone();
                self.tell(notice::NoticeEvent::LimitOver { account, pool, kind }, None);
            }
            Confirmed::Open | Confirmed::Wider => {}
        }
        self.ask_quota(account, pool);
        self.settle_sticky(now);
    }

    /// Ends the request as a failure, after a bug: the machine asked for an attempt the driver does not
    /// have.
    fn lost_attempt(&mut self) -> Event {
        tracing::error!("an attempt was lost");
        self.settled(Evidence::of(Outcome::ServerError))
    }

    fn served_by(&self, candidate: Candidate, lease: &Lease) -> Served {
        let target = lease.target();
        Served {
            provider: self.hop().route.provider.id.clone(),
            account: target.account.id.clone(),
            pool: self.hop().route.pool(target.pool).name.clone(),
            route_reason: self.route_reason(candidate, lease),
            left_primary: self.hop > 0,
            fell_back: candidate.preference > 0,
            switched: self.has_switched(candidate),
        }
    }

    fn has_switched(&self, candidate: Candidate) -> bool {
        self.first.is_some_and(|first| first != (self.hop, candidate.account))
    }

    fn route_reason(&self, candidate: Candidate, lease: &Lease) -> RouteReason {
        RouteReason::of(&Circumstances {
            candidate,
            left_primary: self.hop > 0,
            is_probe: lease.is_probe(),
            has_waited: self.dispatch.waits() > 0,
            has_switched: self.has_switched(candidate),
            sticky: self.context.sticky,
            own: self.context.own,
        })
    }
}
