//! The invariants: what must hold after every step of every run of our router.

use std::time::Duration;

use pointsman_core::admission::budget::Terms;
use pointsman_core::time::Millis;

use crate::hops::{HopChecks, HopsSeen};
use crate::ours::{CellView, Ours, Races, Setup};
use crate::reference::{Predicted, Reference};
use crate::router::{Pin, RequestId, Session};
use crate::story::Story;
use crate::upstream::{CellId, Verdict};
use crate::watch::{Happening, Stage, Violation, Watch, What};

/// By how much a refusal may be late because its thread lost the processor.
const PAUSES: Duration = Duration::from_secs(1);

/// The most attempts that one request makes.
const MOST_ATTEMPTS: u32 = 64;

/// Checks everything that happens, and remembers it for the story.
#[derive(Debug)]
pub struct Checks {
    setup: Setup,
    reference: Reference,
    pub story: Story,
    pub seen: Seen,
    requests: Vec<Facts>,
    sessions: Vec<Beginning>,
    /// Some failure that was not quota: what gates know from then on is not told here.
    troubled: bool,
    retries: Retries,
    hops: HopChecks,
    /// What each cell took at once when it was last asked, and how many trips there had been.
    bounds: Vec<Option<(u16, u64)>>,
}

/// How often something worth proving happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub requests: u64,
    pub trips: u64,
    pub stale_successes: u64,
    pub folded_limits: u64,
    pub probes: u64,
    pub cancelled_while_waiting: u64,
    pub cancelled_probes: u64,
    pub starts_together: u64,
    pub refused: u64,
    pub full_caps: u64,
    pub retries: u64,
    pub halvings: u64,
    /// Requests that filled a bound which the upstream has taught.
    pub throttled: u64,
    /// Requests that were sent before the end of a guess, and those that ended it.
    pub early_probes: u64,
    pub lifted: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    arrived: Millis,
    attempts: u32,
    waited: bool,
    delivered: bool,
    over: bool,
    probing: bool,
    /// Its last attempt met trouble at this provider, and it has not waited since.
    burdened: Option<usize>,
}

/// How a session began: those who start with its first request share its first account.
#[derive(Clone, Copy, Debug, Default)]
struct Beginning {
    arrived: Option<Millis>,
    lost_admissions: u64,
    cell: Option<CellId>,
}

/// When requests were sent for the first time, and when they were tried again at once after a failure.
#[derive(Clone, Debug, Default)]
struct Retries {
    firsts: Vec<Millis>,
    retries: Vec<Millis>,
}

impl Retries {
    /// In ten seconds there are no more retries than the floor when they begin, what refills it, and the
    /// share of all requests whose payment has not faded to nothing.
    fn check(&self, terms: Terms, now: Millis) -> Checked {
        let within = |all: &[Millis], seconds| {
            all.iter().rev().take_while(|at| now.since(**at) <= Duration::from_secs(seconds)).count() as u64
        };
        let (retries, requests) = (within(&self.retries, 10), within(&self.firsts, 200));
        let allowed = u64::from(terms.floor) * 2_100 + u64::from(terms.share) * requests;
        if retries * 1_000 <= allowed {
            return Ok(());
        }
        let detail = format!("{retries} in ten seconds, and {requests} requests pay for them: {terms:?}");
        Err(Violation::new("the retry budget is not overdrawn", detail))
    }
}

impl Checks {
    /// Checks a router of this setup.
    pub fn new(setup: Setup) -> Self {
        let accounts = setup.accounts + setup.chain.iter().sum::<u16>();
        Self {
            setup,
            reference: Reference::of(setup.providers(), setup.pools),
            story: Story::default(),
            seen: Seen::default(),
            requests: Vec::new(),
            sessions: Vec::new(),
            troubled: false,
            retries: Retries::default(),
            hops: HopChecks::new(setup),
            bounds: vec![None; usize::from(accounts) * usize::from(setup.pools)],
        }
    }

    /// Returns what happened between the hops of requests.
    pub fn hops(&self) -> HopsSeen {
        self.hops.seen
    }

    fn facts(&mut self, request: RequestId) -> &mut Facts {
        let place = request.0 as usize;
        if self.requests.len() <= place {
            self.requests.resize(place + 1, Facts::default());
        }
        &mut self.requests[place]
    }

    fn beginning(&mut self, session: Session) -> &mut Beginning {
        let place = session.0 as usize;
        if self.sessions.len() <= place {
            self.sessions.resize(place + 1, Beginning::default());
        }
        &mut self.sessions[place]
    }

    fn check(&mut self, happening: &Happening, races: Races, view: impl Fn(CellId) -> CellView) -> Checked {
        let Happening { now, request, ask, what, .. } = *happening;
        self.is_not_over(request)?;
        match what {
            What::Arrived => self.arrived(happening, races),
            What::Sent { cell, probe } => {
                self.is_within_pin(request, ask.pin, cell)?;
                self.is_within_attempts(request, probe)?;
                let open = self.is_open_to(self.beginning_of(ask.session), now);
                self.seen.early_probes += u64::from(self.reference.sent(request, cell, now)?);
                self.is_within_bound(request, cell)?;
                self.is_within_caps(request, cell)?;
                self.is_within_budget(request, cell, now)?;
                self.stays_together(happening, cell, open, races)
            }
            What::Waits { until } => self.waits(request, until),
            What::Answered { cell, answer } => {
                let trouble = !matches!(answer.verdict, Verdict::Good | Verdict::Limited(_));
                let provider = self.setup.provider_of(cell.account).0;
                let facts = self.facts(request);
                facts.probing = false;
                facts.burdened = Some(provider).filter(|_| trouble);
                self.troubled |= trouble;
                let learned = self.reference.answered(request, &answer, view(cell), now)?;
                self.count(learned);
                Ok(())
            }
            What::Delivered { good } => self.delivered(request, good),
            What::StreamEnded => self.over(request),
            What::Refused { .. } => {
                self.seen.refused += 1;
                self.is_in_time(happening)?;
                self.over(request)
            }
            What::Cancelled { was } => {
                self.seen.cancelled_while_waiting += u64::from(was == Stage::Waiting);
                self.seen.cancelled_probes += u64::from(self.facts(request).probing);
                self.over(request)
            }
        }
    }

    fn is_not_over(&mut self, request: RequestId) -> Checked {
        if self.facts(request).over {
            return Err(Violation::new("each request ends once", "it has ended already").of(request));
        }
        Ok(())
    }

    fn arrived(&mut self, happening: &Happening, races: Races) -> Checked {
        self.seen.requests += 1;
        self.facts(happening.request).arrived = happening.now;
        let beginning = self.beginning(happening.ask.session);
        if beginning.arrived.is_none() {
            *beginning = Beginning {
                arrived: Some(happening.now),
                lost_admissions: races.lost_admissions,
                cell: None,
            };
        }
        Ok(())
    }

    fn is_within_pin(&self, request: RequestId, pin: Pin, cell: CellId) -> Checked {
        let falls_back = self.setup.fallback || matches!(pin, Pin::Pool(_)) || cell.pool == 0;
        if pin.allows(cell) && falls_back {
            return Ok(());
        }
        let detail = format!("it may use {pin:?}, fallback {}", self.setup.fallback);
        Err(Violation::new("a pin holds, and no other pool is used unasked", detail).of(request).at(cell))
    }

    fn is_within_attempts(&mut self, request: RequestId, probe: bool) -> Checked {
        self.seen.probes += u64::from(probe);
        let facts = self.facts(request);
        facts.attempts += 1;
        facts.probing = probe;
        if facts.attempts > MOST_ATTEMPTS {
            let detail = format!("this is number {}", facts.attempts);
            return Err(Violation::new("attempts are bounded", detail).of(request));
        }
        Ok(())
    }

    fn is_within_bound(&self, request: RequestId, cell: CellId) -> Checked {
        let (in_flight, bound) = (self.reference.in_flight(cell), self.setup.max_in_flight);
        if in_flight > bound.into() {
            let detail = format!("{in_flight} of {bound} are in flight");
            return Err(Violation::new("no bound on leases is exceeded", detail).of(request).at(cell));
        }
        Ok(())
    }

    fn is_within_caps(&mut self, request: RequestId, cell: CellId) -> Checked {
        let counts = [
            (self.reference.under_way(self.setup.provider_of(cell.account).1), self.setup.total),
            (self.reference.under_way(cell.account..cell.account + 1), self.setup.account),
        ];
        for (count, cap) in counts {
            let Some(cap) = cap.map(u32::from) else { continue };
            self.seen.full_caps += u64::from(count == cap);
            if count > cap {
                let detail = format!("{count} of {cap} are under way");
                return Err(Violation::new("no cap is exceeded", detail).of(request).at(cell));
            }
        }
        Ok(())
    }

    fn is_within_budget(&mut self, request: RequestId, cell: CellId, now: Millis) -> Checked {
        let (terms, provider) = (self.setup.retries, self.setup.provider_of(cell.account).0);
        let terms = Terms { floor: terms.floor * (1 + self.setup.chain.len() as u16), ..terms };
        let facts = self.facts(request);
        if facts.attempts == 1 {
            self.retries.firsts.push(now);
        } else if facts.burdened.take() == Some(provider) {
            self.seen.retries += 1;
            self.retries.retries.push(now);
            self.retries.check(terms, now).map_err(|violation| violation.of(request))?;
        }
        Ok(())
    }

    fn place(&self, cell: CellId) -> usize {
        usize::from(cell.account) * usize::from(self.setup.pools) + usize::from(cell.pool)
    }

    fn bound_of(&self, cell: CellId) -> (u16, u64) {
        self.bounds[self.place(cell)].unwrap_or((self.setup.max_in_flight, 0))
    }

    /// The router says how many a cell takes, and the reference how many there are. A bound that an upstream
    /// has taught is half of what was under way, and one more for each round of good answers.
    fn is_within_what_was_learned(&mut self, happening: &Happening, router: &Ours) -> Checked {
        let (cell, limited) = if let What::Sent { cell, .. } = happening.what {
            (cell, false)
        } else if let What::Answered { cell, answer } = happening.what {
            (cell, answer.verdict == Verdict::Limited(None))
        } else {
            return Ok(());
        };
        let (bound, in_flight) = (router.bound(cell, happening.now), self.reference.in_flight(cell));
        let (was, trips) = self.bound_of(cell);
        let place = self.place(cell);
        self.bounds[place] = Some((bound, self.seen.trips));
        let is_event = limited && self.setup.says_rate && trips != self.seen.trips;
        self.seen.halvings += u64::from(bound < was);
        self.seen.throttled +=
            u64::from(!limited && bound < self.setup.max_in_flight && in_flight == u32::from(bound));
        let wrong = |what: &str| {
            let detail = format!("{what}: {in_flight} under way, the bound is {bound} and was {was}");
            Err(Violation::new("a learned bound is kept", detail).of(happening.request).at(cell))
        };
        if bound == 0 || bound > self.setup.max_in_flight {
            return wrong("it is out of range");
        }
        if matches!(happening.what, What::Sent { .. }) && in_flight > bound.into() {
            return wrong("more were sent");
        }
        if bound < was && !is_event {
            return wrong("it was halved without an event");
        }
        Ok(())
    }

    fn has_room(&self, cell: CellId) -> bool {
        let below = |count: u32, cap: Option<u16>| cap.is_none_or(|cap| count < cap.into());
        below(self.reference.under_way(self.setup.provider_of(cell.account).1), self.setup.total)
            && below(self.reference.under_way(cell.account..cell.account + 1), self.setup.account)
            && self.reference.in_flight(cell) < self.bound_of(cell).0.into()
    }

    fn beginning_of(&self, session: Session) -> Option<CellId> {
        self.sessions.get(session.0 as usize).and_then(|beginning| beginning.cell)
    }

    fn is_open_to(&self, cell: Option<CellId>, now: Millis) -> bool {
        cell.is_some_and(|cell| self.reference.is_plainly_open(cell, now) && self.has_room(cell))
    }

    /// The first requests of a session that start in one instant share an account, while that is open.
    fn stays_together(&mut self, happening: &Happening, cell: CellId, open: bool, races: Races) -> Checked {
        let facts = *self.facts(happening.request);
        // Sessions have an account at each provider of a chain, so they are watched where there is none.
        let checked = self.setup.keeps_sessions() && !self.troubled && self.setup.chain.is_empty();
        let beginning = self.beginning(happening.ask.session);
        let undisturbed = beginning.lost_admissions == races.lost_admissions;
        if facts.attempts > 1 || facts.waited || beginning.arrived != Some(facts.arrived) {
            return Ok(());
        }
        let Some(first) = beginning.cell else {
            beginning.cell = Some(cell);
            return Ok(());
        };
        if !(checked && undisturbed && open) {
            return Ok(());
        }
        self.seen.starts_together += 1;
        if first.account == cell.account {
            return Ok(());
        }
        let detail = format!("the other is at account {}, which is open", first.account);
        Err(Violation::new("what starts together stays together", detail).of(happening.request).at(cell))
    }

    fn waits(&mut self, request: RequestId, until: Option<Millis>) -> Checked {
        let deadline = self.deadline(request);
        let facts = self.facts(request);
        facts.waited = true;
        facts.burdened = None;
        match until {
            Some(until) if until <= deadline => Ok(()),
            _ => {
                let detail = format!("until {until:?}, and its deadline is {}", deadline.0);
                Err(Violation::new("waits are bounded", detail).of(request))
            }
        }
    }

    /// Attempts that fail can last beyond the deadline; a wait cannot.
    fn is_in_time(&mut self, happening: &Happening) -> Checked {
        let facts = *self.facts(happening.request);
        let late = happening.now.since(self.deadline(happening.request));
        if late > PAUSES && facts.attempts == 0 {
            let detail = format!("it is refused {late:?} after its deadline");
            return Err(Violation::new("waits are bounded", detail).of(happening.request));
        }
        Ok(())
    }

    fn deadline(&mut self, request: RequestId) -> Millis {
        let max_wait = self.setup.max_wait;
        self.facts(request).arrived.after(max_wait)
    }

    fn delivered(&mut self, request: RequestId, good: bool) -> Checked {
        let facts = self.facts(request);
        if std::mem::replace(&mut facts.delivered, true) {
            return Err(Violation::new("nothing is delivered twice", "it was delivered before").of(request));
        }
        if good { Ok(()) } else { self.over(request) }
    }

    fn over(&mut self, request: RequestId) -> Checked {
        self.facts(request).over = true;
        self.reference.over(request);
        Ok(())
    }

    fn count(&mut self, learned: Predicted) {
        match learned {
            Predicted::Nothing => {}
            Predicted::Trip => self.seen.trips += 1,
            Predicted::Folded => self.seen.folded_limits += 1,
            Predicted::Stale => self.seen.stale_successes += 1,
            Predicted::Lifted => self.seen.lifted += 1,
        }
    }

    fn compare(&self, router: &Ours, now: Millis) -> Checked {
        self.reference.compare(now, |cell| router.cell(cell))?;
        let differs = |(accounts, under_way)| self.reference.compare_caps(accounts, under_way);
        router.under_way().try_for_each(differs)
    }
}

type Checked = Result<(), Violation>;

impl Watch<Ours> for Checks {
    fn note(&mut self, happening: &Happening, router: &Ours) -> Checked {
        self.story.tell(happening);
        self.check(happening, router.races, |cell| router.cell(cell))?;
        self.is_within_what_was_learned(happening, router)?;
        self.hops.note(happening, router)?;
        self.compare(router, happening.now).map_err(|violation| violation.of(happening.request))
    }

    fn rest(&mut self, router: &Ours, now: Millis) -> Checked {
        let busy = self.reference.cells().find(|cell| router.cell(*cell).in_flight > 0);
        if let Some(cell) = busy {
            return Err(Violation::new("nobody is in flight at rest", "some are").at(cell));
        }
        self.compare(router, now)
    }
}
