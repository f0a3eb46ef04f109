//! Our own router: the real core and the real fleet, with the driver's loop in virtual time.
//!
//! It does what `plugin-impl/src/runtime/driver.rs` does, in the same order, but for what needs a network: where
//! the driver awaits, this returns an [`Action`] and is asked again. All that the simulator knows of the
//! core is in here.

mod line;
mod setup;
mod waiting;
mod words;

use std::pin::pin;
use std::task::{Context as TaskContext, Waker};

use pointsman_core::admission::budget::Budget;
use pointsman_core::admission::cell::{Confirmed, Deny};
use pointsman_core::admission::fair_queue::Leaving;
use pointsman_core::dispatch::{Dispatch, Event, Step};
use pointsman_core::formats::operation::Operation;
use pointsman_core::ids::ModelId;
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::affinity::{Service, Stake, hold};
use pointsman_core::planning::plan::{Candidate, Plan, plan};
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::planning::strategy::Context;
use pointsman_core::request::route::Route;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::LimitKind;
use pointsman_core::time::Millis;
use pointsman_plugin::fleet::affinity::waiters::{Terms, Wait};
use pointsman_plugin::fleet::notifier::Waiter;
use pointsman_plugin::fleet::{Fleet, Lease, Roster, Settlement};

use crate::router::{Action, Ask, Pin, RequestId, Router, Session};
use crate::upstream::{Answer, CellId};

use self::line::Line;
pub use self::setup::{Setup, Strategy};

/// All prompts are of this length, in bytes.
const PROMPT: u64 = 100_000;

/// The real core, with its fleet.
#[derive(Debug)]
pub struct Ours {
    setup: Setup,
    settings: Settings,
    fleet: Fleet,
    roster: Roster,
    budget: Budget,
    /// One for each pin, with the line of those who wait for it.
    wait_queues: Vec<WaitQueue>,
    model: ModelId,
    /// By number. A request is taken out while something happens to it.
    journeys: Vec<Option<Box<Journey>>>,
    listener: Waiter,
    /// How often the bell was heard.
    notifications: u64,
    waiting: u32,
    holding: Vec<RequestId>,
    /// What happened that only threads can make happen.
    pub races: Races,
}

/// Moments that are the point of the whole design. A run in which they do not occur proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Races {
    /// A cell denied what a plan had promised.
    pub lost_admissions: u64,
    /// A place was denied because a probe is out.
    pub contended_probes: u64,
    /// A good head of somebody who did not know of a limit.
    pub stale_successes: u64,
    /// A 429 of an event that was known.
    pub folded_limits: u64,
    /// A request that waited for its session's own account.
    pub holds: u64,
    /// A retry that the budget did not allow.
    pub withheld_retries: u64,
    /// A request that found the line full.
    pub turned_away: u64,
}

/// What a cell says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellView {
    pub in_flight: u32,
    pub until: Millis,
    pub trips: u64,
}

#[derive(Debug)]
struct WaitQueue {
    route: Route,
    turns: u64,
    line: Line,
}

#[derive(Debug)]
struct Journey {
    dispatch: Dispatch,
    wait_queue: usize,
    session: Session,
    context: Context,
    /// The ordinal of the account that its session lived on when it planned last.
    sticky: Option<u32>,
    /// What the session would lose by a move, while its prompt is cached there.
    stake: Option<Stake>,
    /// How it waits for that account.
    wait: Wait,
    /// How often the bell had rung when it began to hold out.
    heard: u64,
    rest: Rest,
    /// What it saw before another thread went on.
    snapshot: Option<Box<Snapshot>>,
    /// It lost the processor before the step that is due, and does not do so again.
    has_paused: bool,
    lease: Option<Lease>,
}

/// Where a request stands between two questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It has just come in.
    New,
    /// It is on its way.
    Awake,
    /// It has planned, and another thread goes on.
    Paused,
    /// It stands in line before its first plan.
    Queued,
    /// It stands in line because a plan was refused.
    Standing,
    /// It is the first of its line, and waits for the bell or the clock.
    Listening,
    /// It stands beside the line, and waits for the bell or the clock.
    Holding,
}

impl Ours {
    /// Makes a fleet that has never been used.
    pub fn new(setup: Setup) -> Self {
        let fleet = Fleet::default();
        let (roster, routes) = setup.fleet(&fleet);
        let listener = fleet.notifier(&routes[0].provider.id).listen();
        let wait_queues =
            routes.into_iter().map(|route| WaitQueue { route, turns: 0, line: Line::default() });
        Self {
            settings: setup.settings(),
            setup,
            roster,
            budget: Budget::default(),
            wait_queues: wait_queues.collect(),
            model: setup::model(),
            journeys: Vec::new(),
            listener,
            notifications: 0,
            waiting: 0,
            holding: Vec::new(),
            races: Races::default(),
            fleet,
        }
    }

    /// Returns how it was made.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns what a cell says of itself.
    pub fn cell(&self, cell: CellId) -> CellView {
        let reading = self.roster.members[usize::from(cell.account)].account.pool(cell.pool.into());
        CellView {
            in_flight: reading.quota.in_flight.into(),
            until: reading.quota.until,
            trips: reading.trips,
        }
    }

    /// Returns how many requests a cell takes at once.
    pub fn bound(&self, cell: CellId, now: Millis) -> u16 {
        let member = &self.roster.members[usize::from(cell.account)];
        self.roster.bound(member, cell.pool.into(), now)
    }

    /// Returns how many requests are under way under each cap: of the provider, of its models, of accounts.
    pub fn under_way(&self) -> impl Iterator<Item = u32> {
        let caps = self.roster.caps();
        let of_models = caps.models.iter().map(|(_, cap)| cap.in_flight());
        let of_accounts = self.roster.members.iter().map(|member| member.cap().in_flight());
        [caps.total.in_flight()].into_iter().chain(of_models).chain(of_accounts)
    }

    fn take(&mut self, request: RequestId) -> Option<Box<Journey>> {
        self.journeys.get_mut(request.0 as usize).and_then(Option::take)
    }

    fn wait_queue_of(&self, pin: Pin) -> usize {
        let pools = usize::from(self.setup.pools);
        match pin {
            Pin::Nothing => 0,
            Pin::Pool(pool) => 1 + usize::from(pool),
            Pin::Account(account) => 1 + pools + usize::from(account),
        }
    }

    fn travel(&mut self, id: RequestId, journey: &mut Journey, now: Millis) -> Action {
        if journey.rest == Rest::New && !self.wait_queues[journey.wait_queue].line.is_empty() {
            if !self.stand(id, journey) {
                return Action::Refuse { retry_at: None };
            }
            return self.rest(journey, Rest::Queued, journey.dispatch.deadline());
        }
        self.wake(id, journey, now);
        loop {
            let event = match journey.dispatch.step() {
                Step::Plan => match self.plan(journey, now) {
                    Some(event) => event,
                    None => return pause(journey),
                },
                Step::Withdraw => Event::Withdrawn(self.withdraw(now)),
                Step::Admit(_) if self.setup.interleaved && !journey.has_paused => return pause(journey),
                Step::Admit(candidate) => self.admit(id, journey, candidate, now),
                Step::Authorize { .. } => Event::Authorized,
                Step::Send => {
                    if journey.dispatch.attempts() == 0 {
                        self.budget.deposit(self.setup.retries, now);
                    }
                    return sent(journey);
                }
                Step::Wait { until, .. } => match self.wait(id, journey, until) {
                    Some(action) => return action,
                    None => Event::AtFront,
                },
                Step::Hold { until } => return self.hold(id, journey, until),
                Step::Deliver => {
                    self.leave_line(id, journey, Leaving::GaveUp);
                    return Action::Deliver;
                }
                Step::Refuse(refusal) => {
                    self.leave_line(id, journey, Leaving::GaveUp);
                    return Action::Refuse { retry_at: refusal.until };
                }
            };
            journey.has_paused = false;
            journey.dispatch.handle(event, now);
        }
    }

    /// Plans, or returns nothing where another thread goes on before the home is claimed.
    fn plan(&self, journey: &mut Journey, now: Millis) -> Option<Event> {
        let snapshot = match journey.snapshot.take() {
            Some(snapshot) => snapshot,
            None => {
                self.look_up_sticky(journey, now);
                let route = &self.wait_queues[journey.wait_queue].route;
                let snapshot = Box::new(self.roster.snapshot(route, &self.model, &journey.context, now));
                if self.setup.interleaved && journey.context.sticky.is_none() {
                    journey.snapshot = Some(snapshot);
                    return None;
                }
                snapshot
            }
        };
        Some(self.chosen(journey, &snapshot, now))
    }

    fn chosen(&self, journey: &mut Journey, snapshot: &Snapshot, now: Millis) -> Event {
        let mut planned = plan(snapshot, &self.settings, &journey.context);
        let Ok(chosen) = &mut planned else {
            journey.wait.leave();
            return Event::Planned(planned);
        };
        if let Some(until) = self.held(journey, snapshot, chosen) {
            return Event::Held { until };
        }
        if journey.context.sticky.is_none() && self.claim_sticky(journey, chosen.candidates[0].account, now) {
            return Event::Planned(plan(snapshot, &self.settings, &journey.context));
        }
        Event::Planned(planned)
    }

    fn held(&self, journey: &mut Journey, snapshot: &Snapshot, chosen: &mut Plan) -> Option<Millis> {
        journey.wait.by_choice = false;
        let price = self.settings.affinity.patience;
        let patience = journey.dispatch.patience(price);
        let opens = hold(snapshot, chosen, &journey.context, patience)?;
        let (sticky, stake) = (journey.context.sticky?, journey.stake?);
        let terms = Terms { sticky, stake, opens, patience, price };
        journey.wait.decide(&self.roster, snapshot, chosen, &terms)
    }

    fn look_up_sticky(&self, journey: &mut Journey, now: Millis) {
        if !self.setup.strategy.keeps_sessions() {
            return;
        }
        let rules = &self.settings.affinity;
        let sticky = self.fleet.affinity.sticky(journey.session.0.into(), rules, now);
        journey.sticky = sticky.map(|sticky| sticky.account);
        journey.context.sticky = sticky.and_then(|sticky| self.roster.place_of(sticky.account));
        let warm = sticky.filter(|sticky| sticky.is_warm(rules, now));
        journey.stake = warm.map(|sticky| sticky.stake(PROMPT, rules, now));
    }

    fn claim_sticky(&self, journey: &mut Journey, account: u32, now: Millis) -> bool {
        if !self.setup.strategy.keeps_sessions() {
            return false;
        }
        let own = self.roster.members[account as usize].account.ordinal;
        let rules = &self.settings.affinity;
        let sticky = self.fleet.affinity.claim(journey.session.0.into(), own, rules, now);
        journey.sticky = Some(sticky);
        if sticky == own {
            return false;
        }
        journey.context.sticky = self.roster.place_of(sticky);
        journey.context.sticky.is_some()
    }

    fn withdraw(&mut self, now: Millis) -> bool {
        let paid = self.budget.withdraw(self.setup.retries, now);
        self.races.withheld_retries += u64::from(!paid);
        paid
    }

    fn admit(&mut self, id: RequestId, journey: &mut Journey, candidate: Candidate, now: Millis) -> Event {
        match self.roster.admit(
            &candidate,
            &self.model,
            Operation::Generating,
            journey.dispatch.jitter(),
            now,
        ) {
            Ok(lease) => {
                journey.wait.admitted(lease.target().account.ordinal, now);
                journey.lease = Some(lease);
                self.leave_line(id, journey, Leaving::Served);
                Event::Admitted
            }
            Err(deny) => {
                self.races.lost_admissions += 1;
                self.races.contended_probes += u64::from(deny == Deny::Probing);
                Event::Denied(deny)
            }
        }
    }

    fn confirm(&mut self, journey: &mut Journey, now: Millis) {
        let Some(lease) = &mut journey.lease else { return };
        self.races.stale_successes += u64::from(lease.confirm(now) == Confirmed::Stale);
        if self.setup.strategy.keeps_sessions() {
            let (account, rules) = (lease.target().account.ordinal, &self.settings.affinity);
            let service = Service { left: journey.sticky, account, by_choice: journey.wait.by_choice };
            self.fleet.affinity.served(journey.session.0.into(), service, rules, now);
        }
    }

    fn take_in(&self, journey: &Journey, answer: &Answer, now: Millis) {
        let (Some(reading), Some(lease)) = (answer.reading, &journey.lease) else { return };
        let target = lease.target();
        let pool = self.wait_queues[journey.wait_queue].route.pool(target.pool);
        target.account.take_in(target.pool, vec![words::reading(reading, now)], pool, now);
    }

    fn fail(&mut self, journey: &mut Journey, evidence: &Evidence, now: Millis) {
        let Some(lease) = journey.lease.take() else { return };
        self.races.folded_limits += u64::from(lease.settle(evidence, now) == Settlement::Folded);
    }

    /// Listens to the real bell, without a runtime.
    fn listen(&mut self) {
        let heard = pin!(self.listener.heard());
        let rang = heard.poll(&mut TaskContext::from_waker(Waker::noop())).is_ready();
        self.notifications += u64::from(rang);
    }

    fn woken_beside_the_line(&self) -> Option<RequestId> {
        let has_heard = |id: &&RequestId| {
            self.journeys[id.0 as usize].as_ref().is_some_and(|journey| journey.heard != self.notifications)
        };
        self.holding.iter().find(has_heard).copied()
    }

    /// Says whether the first of a line should look again.
    fn is_woken(&self, front: RequestId, heard_in_line: u64) -> bool {
        match self.journeys[front.0 as usize].as_ref().map(|journey| journey.rest) {
            Some(Rest::Queued | Rest::Standing) => true,
            Some(Rest::Listening) => heard_in_line != self.notifications,
            Some(Rest::New | Rest::Awake | Rest::Paused | Rest::Holding) | None => false,
        }
    }
}

impl Rest {
    fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Standing | Self::Listening | Self::Holding)
    }
}

fn pause(journey: &mut Journey) -> Action {
    journey.rest = Rest::Paused;
    journey.has_paused = true;
    Action::Pause
}

fn sent(journey: &Journey) -> Action {
    let Some(lease) = &journey.lease else { return Action::Refuse { retry_at: None } };
    let target = lease.target();
    let cell = CellId { account: target.account.ordinal as u16, pool: target.pool as u16 };
    Action::Send { cell, probe: lease.is_probe() }
}

impl Router for Ours {
    fn arrives(&mut self, request: RequestId, ask: Ask, now: Millis) {
        let wait_queue = self.wait_queue_of(ask.pin);
        let turn = self.wait_queues[wait_queue].turns;
        self.wait_queues[wait_queue].turns += 1;
        let accounts = self.setup.accounts.into();
        let context = Context { turn, accounts, at_last: true, ..Context::default() };
        let dispatch = Dispatch::new(now, self.setup.max_wait).with_jitter(Jitter::of(0, turn));
        let journey = Journey {
            dispatch,
            wait_queue,
            session: ask.session,
            context,
            sticky: None,
            stake: None,
            wait: Wait::default(),
            heard: 0,
            rest: Rest::New,
            snapshot: None,
            has_paused: false,
            lease: None,
        };
        let place = request.0 as usize;
        if self.journeys.len() <= place {
            self.journeys.resize_with(place + 1, || None);
        }
        self.journeys[place] = Some(Box::new(journey));
    }

    fn step(&mut self, request: RequestId, now: Millis) -> Action {
        let Some(mut journey) = self.take(request) else {
            return Action::Refuse { retry_at: None };
        };
        let action = self.travel(request, &mut journey, now);
        if !matches!(action, Action::Refuse { .. }) {
            self.journeys[request.0 as usize] = Some(journey);
        }
        action
    }

    fn head(&mut self, request: RequestId, _: CellId, answer: &Answer, now: Millis) {
        let Some(mut journey) = self.take(request) else { return };
        self.take_in(&journey, answer, now);
        let kind = if self.setup.says_rate { LimitKind::Rate } else { LimitKind::Unknown };
        let evidence = words::evidence(answer, kind, now);
        if evidence.is_good() {
            self.confirm(&mut journey, now);
        } else {
            self.fail(&mut journey, &evidence, now);
        }
        let outcome = evidence.outcome;
        journey.dispatch.handle(Event::Answered { outcome, renewable: false }, now);
        self.journeys[request.0 as usize] = Some(journey);
    }

    fn stream_ended(&mut self, request: RequestId, _: Millis) {
        self.take(request);
    }

    fn cancelled(&mut self, request: RequestId, _: Millis) {
        if let Some(journey) = self.take(request) {
            self.leave_line(request, &journey, Leaving::GaveUp);
            self.holding.retain(|holding| *holding != request);
            self.waiting -= u32::from(journey.rest.waits());
        }
    }

    fn woken(&mut self, _: Millis) -> Option<RequestId> {
        if self.waiting == 0 {
            return None;
        }
        self.listen();
        let fronts = self.wait_queues.iter().filter_map(|wait_queue| wait_queue.line.front());
        let front = fronts.into_iter().find(|(front, heard)| self.is_woken(*front, *heard));
        let Some((woken, _)) = front else { return self.woken_beside_the_line() };
        let notifications = self.notifications;
        self.wait_queues.iter_mut().for_each(|wait_queue| wait_queue.line.hear(woken, notifications));
        Some(woken)
    }
}
