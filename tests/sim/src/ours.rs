//! Our own router: the real core and the real fleet, in virtual time.
//!
//! The machine of a request is the real one, so every decision is. What `plugin-impl/src/runtime/driver.rs` does
//! for a step is done here without a network: where the driver awaits, this returns an [`Action`] and is asked
//! again. All that the simulator knows of the core is in here.

mod line;
mod providers;
mod setup;
mod steps;
mod waiting;
mod words;

use std::ops::Range;

use pointsman_core::admission::cell::Confirmed;
use pointsman_core::admission::fair_queue::Leaving;
use pointsman_core::dispatch::{Dispatch, Event, Hops, Terms};
use pointsman_core::ids::ModelId;
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::plan::{Plan, Refusal, plan};
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::planning::strategy::Context;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::LimitKind;
use pointsman_core::time::Millis;
use pointsman_plugin::fleet::affinity::{Agent, StickyAccount};
use pointsman_plugin::fleet::{Fleet, Lease, Member, Settlement};

use crate::router::{Action, Ask, Pin, RequestId, Router, Session};
use crate::upstream::{Answer, CellId};

use self::line::Line;
use self::providers::{Hop, Provider};
pub use self::setup::{Setup, Strategy};

/// All prompts are of this length, in bytes.
const PROMPT: u64 = 100_000;

/// The real core, with its fleet.
#[derive(Debug)]
pub struct Ours {
    setup: Setup,
    settings: Settings,
    fleet: Fleet,
    /// The primary first, then those of its failover chain.
    providers: Vec<Provider>,
    /// One for each pin, with the line of those who wait for it.
    wait_queues: Vec<WaitQueue>,
    model: ModelId,
    /// By number. A request is taken out while something happens to it.
    journeys: Vec<Option<Box<Journey>>>,
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
    /// The hops of those who wait here; only who pins nothing has more than one.
    hops: Vec<Hop>,
    turns: u64,
    line: Line,
}

#[derive(Debug)]
struct Journey {
    dispatch: Dispatch,
    wait_queue: usize,
    session: Session,
    context: Context,
    /// How it stands to the account that its session lives on.
    sticky: StickyAccount,
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
    /// It is on its way.
    Awake,
    /// It has planned, and another thread goes on.
    Paused,
    /// It stands in line.
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
        let (providers, lanes) = setup.fleet(&fleet);
        let wait_queues = lanes.into_iter().map(|hops| WaitQueue { hops, turns: 0, line: Line::default() });
        Self {
            settings: setup.settings(),
            setup,
            providers,
            wait_queues: wait_queues.collect(),
            model: setup::model(),
            journeys: Vec::new(),
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

    fn member(&self, account: u16) -> (&Provider, &Member) {
        let found = self.providers.iter().find_map(|provider| Some((provider, provider.member(account)?)));
        found.unwrap_or_else(|| panic!("there is no account {account}"))
    }

    /// Returns what a cell says of itself.
    pub fn cell(&self, cell: CellId) -> CellView {
        let reading = self.member(cell.account).1.account.pool(cell.pool.into());
        CellView {
            in_flight: reading.quota.in_flight.into(),
            until: reading.quota.until,
            trips: reading.trips,
        }
    }

    /// Returns how many requests a cell takes at once.
    pub fn bound(&self, cell: CellId, now: Millis) -> u16 {
        let (provider, member) = self.member(cell.account);
        provider.roster.bound(member, cell.pool.into(), now)
    }

    /// Returns how many requests are under way under each cap of each provider: of the provider, of its models,
    /// and of its accounts, which are numbered over all providers.
    pub fn under_way(&self) -> impl Iterator<Item = (Range<u16>, Vec<u32>)> {
        self.providers.iter().map(|provider| {
            let caps = provider.roster.caps();
            let of_models = caps.models.iter().map(|(_, cap)| cap.in_flight());
            let of_accounts = provider.roster.members.iter().map(|member| member.cap().in_flight());
            let under_way = [caps.total.in_flight()].into_iter().chain(of_models).chain(of_accounts);
            (provider.accounts.clone(), under_way.collect())
        })
    }

    /// Plans for a new request without a pin at a hop, as nobody's thread sees it.
    ///
    /// # Errors
    /// Why the hop is closed.
    pub fn plan_at(&self, hop: usize, now: Millis) -> Result<Plan, Refusal> {
        let Hop { provider, route } = &self.wait_queues[0].hops[hop];
        let roster = &self.providers[*provider].roster;
        let context = Context { accounts: roster.members.len() as u32, ..Context::default() };
        plan(&roster.snapshot(route, &self.model, &context, now), &self.settings, &context)
    }

    /// Says whether the line of a pin is full.
    pub fn is_crowded(&self, pin: Pin) -> bool {
        self.wait_queues[self.wait_queue_of(pin)].line.len() >= self.setup.max_waiting
    }

    /// Says whether a request waits for its session's own account.
    pub fn waits_beside_the_line(&self, request: RequestId) -> bool {
        self.holding.contains(&request)
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

    /// Returns the hop that a request is at.
    fn hop(&self, journey: &Journey) -> &Hop {
        &self.wait_queues[journey.wait_queue].hops[journey.dispatch.hop()]
    }

    fn provider(&self, journey: &Journey) -> &Provider {
        &self.providers[self.hop(journey).provider]
    }

    /// Returns the agent of a request where it is; its session has an account at each provider.
    fn agent(&self, journey: &Journey, now: Millis) -> Agent<'_> {
        let provider = self.hop(journey).provider;
        let key = u64::from(journey.session.0) | (provider as u64) << 32;
        Agent {
            affinity: &self.fleet.affinity,
            roster: &self.providers[provider].roster,
            settings: &self.settings,
            key: Some(key).filter(|_| self.setup.strategy.keeps_sessions()),
            now,
        }
    }

    /// Returns how often the bells were heard that concern a line.
    fn rung(&self, wait_queue: usize) -> u64 {
        self.wait_queues[wait_queue].hops.iter().map(|hop| self.providers[hop.provider].rung).sum()
    }

    fn confirm(&mut self, journey: &mut Journey, now: Millis) {
        let Some(lease) = &mut journey.lease else { return };
        self.races.stale_successes += u64::from(lease.confirm(now) == Confirmed::Stale);
        let account = lease.target().account.ordinal;
        journey.sticky.served(&self.agent(journey, now), account, journey.dispatch.moves_by_choice());
    }

    fn take_in(&self, journey: &Journey, answer: &Answer, now: Millis) {
        let (Some(reading), Some(lease)) = (answer.reading, &journey.lease) else { return };
        let target = lease.target();
        let pool = self.hop(journey).route.pool(target.pool);
        target.account.take_in(target.pool, vec![words::reading(reading, now)], pool, now);
    }

    fn fail(&mut self, journey: &mut Journey, evidence: &Evidence, now: Millis) {
        let Some(lease) = journey.lease.take() else { return };
        self.races.folded_limits += u64::from(lease.settle(evidence, now) == Settlement::Folded);
    }

    fn woken_beside_the_line(&self) -> Option<RequestId> {
        let has_heard = |id: &&RequestId| {
            let journey = self.journeys[id.0 as usize].as_deref();
            journey.is_some_and(|journey| journey.heard != self.provider(journey).rung)
        };
        self.holding.iter().find(has_heard).copied()
    }

    /// Says whether the first of a line should look again.
    fn is_woken(&self, front: RequestId, heard_in_line: u64) -> bool {
        let Some(journey) = &self.journeys[front.0 as usize] else { return false };
        match journey.rest {
            Rest::Standing => true,
            Rest::Listening => heard_in_line != self.rung(journey.wait_queue),
            Rest::Awake | Rest::Paused | Rest::Holding => false,
        }
    }
}

impl Rest {
    fn waits(self) -> bool {
        matches!(self, Self::Standing | Self::Listening | Self::Holding)
    }
}

impl Router for Ours {
    fn arrives(&mut self, request: RequestId, ask: Ask, now: Millis) {
        let wait_queue = self.wait_queue_of(ask.pin);
        let lane = &mut self.wait_queues[wait_queue];
        let turn = lane.turns;
        lane.turns += 1;
        let others = lane.hops[1..].iter().map(|hop| hop.provider);
        let terms = Terms {
            max_wait: self.setup.max_wait,
            patience: self.settings.affinity.patience,
            jitter: Jitter::of(0, turn),
            hops: Hops::new(0, others, self.setup.accounts.into()),
        };
        let journey = Journey {
            dispatch: Dispatch::new(now, terms),
            wait_queue,
            session: ask.session,
            context: Context { turn, ..Context::default() },
            sticky: StickyAccount::default(),
            heard: 0,
            rest: Rest::Awake,
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
        self.providers.iter_mut().for_each(Provider::listen);
        let fronts = self.wait_queues.iter().filter_map(|wait_queue| wait_queue.line.front());
        let front = fronts.into_iter().find(|(front, heard)| self.is_woken(*front, *heard));
        let Some((woken, _)) = front else { return self.woken_beside_the_line() };
        for lane in 0..self.wait_queues.len() {
            let rung = self.rung(lane);
            self.wait_queues[lane].line.hear(woken, rung);
        }
        Some(woken)
    }
}
