//! Leases: the right to a single attempt.

mod suspect;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pointsman_core::admission::blame::{Blame, BreakerScope, Reason, accuses, blame};
use pointsman_core::admission::cell::{Cell, CellPermit, Confirmed, Deny, Limit, Settled, Touch};
use pointsman_core::admission::health_stats::{Rates, Sign};
use pointsman_core::admission::suspicion::{Accuser, Suspected};
use pointsman_core::formats::operation::Operation;
use pointsman_core::ids::ModelId;
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::request::catalog::{MAX_IN_FLIGHT, Scope};
use pointsman_core::response::evidence::{Evidence, Extent, Inquiry, is_crowding};
use pointsman_core::response::outcome::{LimitKind, NetworkFault, Outcome};
use pointsman_core::time::Millis;
use smallvec::SmallVec;

use super::account::Account;
use super::breaker::Breaker;
use super::caps::Slots;
use super::endpoint::EndpointState;
use super::pool::{Passed, PoolCells, PoolSlot};
use super::quota::{AdmissionKind, AdmissionPermit, Charge};

pub use self::suspect::Suspect;

/// The target of an attempt: account, pool, endpoint and model.
#[derive(Clone, Debug)]
pub struct Target {
    pub account: Arc<Account>,
    pub endpoint: Arc<EndpointState>,
    /// The index of the pool at the provider.
    pub pool: usize,
    /// The index of the endpoint in the pool.
    pub way: usize,
    pub model: ModelId,
    pub operation: Operation,
}

/// A lease: the right to a single attempt, counted in the pool's cell until settled or dropped.
///
/// The lease holds the account rather than the id, so a replaced account is not touched. For a good answer
/// the lease moves into the body's stream, and the drop there gives the permit back.
#[derive(Debug)]
#[must_use = "a lease that is dropped gives its place back"]
pub struct Lease {
    target: Target,
    places: Slots,
    /// The permits of the quotas on the route. The first quota counts the request.
    admission_permits: SmallVec<[(Passed, AdmissionPermit); 1]>,
    breakers: Gates,
    probe: bool,
    /// The rates of change of the pool's health stats.
    rates: Rates,
}

/// The change a failed attempt made to the shared state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// No change.
    Nothing,
    /// A limit began: of some models, or of the pool.
    Limited { models: Option<ModelSet>, until: Millis, kind: LimitKind },
    /// The 429 belongs to the limit already known.
    Folded,
    /// A circuit breaker has tripped.
    Closed { breaker: BreakerScope, reason: Reason, until: Millis },
    /// The account needs a sign-in by the owner.
    SignIn { url: Option<String> },
}

/// The result of a failed attempt's examination.
#[derive(Debug)]
pub enum Examined {
    /// The failure is settled in the cells.
    Settled(Settlement),
    /// The answer is in doubt. `None` for a request too large for the account: no account is suspected.
    Doubted(Option<Suspect>),
}

impl Target {
    fn slot(&self) -> &PoolSlot {
        &self.account.pools[self.pool]
    }

    fn cells(&self) -> &PoolCells {
        self.slot().cells(self.operation)
    }

    /// Runs `act` on a circuit breaker's cell. Returns `None` for a model's cell never needed so far.
    fn with_breaker<T>(&self, breaker: BreakerScope, act: impl FnOnce(&Cell) -> T) -> Option<T> {
        let (way, shared) = (&self.cells().ways[self.way], self.endpoint.cells(self.operation));
        match breaker {
            BreakerScope::Account => Some(act(self.account.health_for(self.operation))),
            BreakerScope::Way => Some(act(&way.cell)),
            BreakerScope::WayModel => way.models.find(&self.model).map(|cell| act(&cell)),
            BreakerScope::Endpoint => Some(act(&shared.cell)),
            BreakerScope::EndpointModel => shared.models.find(&self.model).map(|cell| act(&cell)),
        }
    }

    /// Trips a circuit breaker. A model's breaker is created on first use.
    fn close_breaker(
        &self,
        breaker: BreakerScope,
        cell_permit: CellPermit,
        (limit, reason): (Limit, Reason),
        now: Millis,
    ) -> Settled {
        let settle = |breaker: &Breaker| breaker.trip(cell_permit, limit, reason, now);
        let (way, shared) = (&self.cells().ways[self.way], self.endpoint.cells(self.operation));
        match breaker {
            BreakerScope::WayModel => settle(&way.models.make(&self.model)),
            BreakerScope::EndpointModel => settle(&shared.models.make(&self.model)),
            BreakerScope::Account => settle(self.account.health_for(self.operation)),
            BreakerScope::Way => settle(&way.cell),
            BreakerScope::Endpoint => settle(&shared.cell),
        }
    }

    /// Confirms every breaker on the route after a good answer, or after an answer without a complaint
    /// about the route. Returns whether a breaker opened further.
    fn pass(&self, breakers: &mut Gates) -> bool {
        let mut opened = false;
        for breaker in BreakerScope::ALL {
            let Some(cell_permit) = breakers[breaker.index()].take() else { continue };
            let confirmed = self.with_breaker(breaker, |cell| cell.confirm(cell_permit).1);
            opened |= matches!(confirmed, Some(Confirmed::Over | Confirmed::Wider));
        }
        self.endpoint.cells(self.operation).suspicion.acquit();
        opened
    }

    /// Gives permits back without a verdict.
    fn release(&self, breakers: &mut Gates) {
        for breaker in BreakerScope::ALL {
            if let Some(cell_permit) = breakers[breaker.index()].take() {
                self.with_breaker(breaker, |cell| cell.release(cell_permit));
            }
        }
    }
}

/// The permits of an attempt, by circuit breaker.
type Gates = [Option<CellPermit>; BreakerScope::COUNT];

impl Lease {
    /// Takes a permit from every cell on the route, the pool's last, because only the pool's cell counts
    /// requests. `places` are the request's slots under caps, taken before.
    ///
    /// # Errors
    /// [`Deny`] of the first denying cell. Permits taken before are given back.
    pub fn admit(
        target: Target,
        places: Slots,
        bound: u16,
        entry: AdmissionKind<'_>,
        now: Millis,
    ) -> Result<Self, Deny> {
        let breakers = [None; BreakerScope::COUNT];
        let (rates, admission_permits) = (Rates::default(), SmallVec::new());
        let mut lease = Self { target, places, admission_permits, breakers, probe: false, rates };
        // Permits taken so far sit in the lease: an early return drops the lease, and the drop gives them
        // back.
        for breaker in BreakerScope::ALL {
            if let Some(cell_permit) = lease.target.with_breaker(breaker, |cell| cell.admit(Touch::Pass, now))
            {
                lease.breakers[breaker.index()] = Some(cell_permit?);
            }
        }
        // The first quota counts the request, so the bound applies only there.
        let mut bound = bound;
        for passed in lease.target.cells().passed(&lease.target.model) {
            let admission_permit = lease.target.cells().quota(&passed).admit(bound, entry, now)?;
            lease.probe |= admission_permit.is_probe();
            lease.admission_permits.push((passed, admission_permit));
            bound = MAX_IN_FLIGHT;
        }
        lease.space_early_probes(entry, now)?;
        lease.probe |= lease.breakers.iter().flatten().any(|cell_permit| cell_permit.is_probe());
        Ok(lease)
    }

    /// Takes from the provider's probe spacing, if the lease is an early probe. The spacing comes last, so
    /// that a denied request takes nothing.
    fn space_early_probes(&self, entry: AdmissionKind<'_>, now: Millis) -> Result<(), Deny> {
        let AdmissionKind::Probe(_, terms) = entry else { return Ok(()) };
        if !self.is_early_probe() {
            return Ok(());
        }
        let closed = |until| Deny::Limited { until, known: false };
        terms.spacing.take(terms.apart, now).map_err(closed)?;
        for (passed, _) in
            self.admission_permits.iter().filter(|(_, admission_permit)| admission_permit.is_early_probe())
        {
            self.target.cells().quota(passed).probed(&terms, now);
        }
        Ok(())
    }

    /// Records the admission, and later the result, in the pool's health stats by `rates`.
    pub fn rated(mut self, rates: Rates, now: Millis) -> Self {
        self.target.slot().health_stats.take(&rates, now);
        self.rates = rates;
        self
    }

    /// Returns the target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns whether the attempt is a probe.
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    /// Returns whether the attempt is an early probe, before a limit's end.
    pub fn is_early_probe(&self) -> bool {
        self.admission_permits.iter().any(|(_, admission_permit)| admission_permit.is_early_probe())
    }

    /// Confirms a good response head. The lease stays in force until dropped.
    pub fn confirm(&mut self, now: Millis) -> Confirmed {
        self.pass_breakers();
        self.mark(Sign::Good, now);
        let target = &self.target;
        target.slot().tally.served.fetch_add(1, Ordering::Relaxed);
        let (mut confirmed, mut more) = (None, false);
        // Each quota on the route learns of the answer; the most important change is reported.
        for (passed, admission_permit) in &mut self.admission_permits {
            let (one, opens) = target.cells().quota(passed).confirm(admission_permit);
            confirmed = Some(confirmed.map_or(one, |before| says_more(before, one)));
            more |= opens;
        }
        let Some(confirmed) = confirmed else { return Confirmed::Open };
        // A stale answer says nothing about the present, and side operations do not fill the throttle.
        let grows = confirmed != Confirmed::Stale && target.operation == Operation::Generating;
        let lets_one_more_go = grows && target.slot().throttle.grow();
        if more || lets_one_more_go {
            target.account.notifier.notify();
        }
        confirmed
    }

    /// Settles a failure once, in the cells to blame, and gives every permit back. An answer in doubt is
    /// taken at face value.
    pub fn settle(self, evidence: &Evidence, now: Millis) -> Settlement {
        let convicted = accuses(&evidence.outcome) && self.accuse(None, now) == Suspected::Endpoint;
        self.fold(evidence, convicted, now)
    }

    /// Folds in an error or a cut behind the beginning of an answer, which had confirmed the way already.
    pub fn broke(mut self, evidence: &Evidence, now: Millis) -> Settlement {
        for breaker in BreakerScope::ALL {
            let admitted = self.target.with_breaker(breaker, |cell| cell.admit(Touch::Pass, now));
            self.breakers[breaker.index()] = admitted.and_then(Result::ok);
        }
        self.settle(evidence, now)
    }

    /// Settles a failure of a request, unless the fault is in doubt.
    pub fn examine(mut self, evidence: &Evidence, request: u64, now: Millis) -> Examined {
        let suspected =
            if accuses(&evidence.outcome) { self.accuse(Some(request), now) } else { Suspected::Fresh };
        match evidence.inquiry() {
            Inquiry::None => {}
            Inquiry::Elsewhere => {
                self.pass_breakers();
                return Examined::Doubted(None);
            }
            // Enough accusers: the endpoint is at fault, and no witness is needed.
            Inquiry::Witness if suspected == Suspected::Endpoint => {}
            // The quota permit goes back at once; the breakers' permits wait for the verdict.
            Inquiry::Witness => {
                self.give_back(Charge::None);
                let repeated = suspected == Suspected::Account;
                let (target, rates) = (self.target.clone(), self.rates);
                let breakers = std::mem::take(&mut self.breakers);
                return Examined::Doubted(Some(Suspect { target, breakers, rates, repeated }));
            }
        }
        Examined::Settled(self.fold(evidence, suspected == Suspected::Endpoint, now))
    }

    /// Gives everything back uncharged, as nothing was sent, and leaves the breakers as they are.
    pub fn unsent(mut self) {
        self.give_back(Charge::None);
    }

    fn accuse(&self, request: Option<u64>, now: Millis) -> Suspected {
        let accuser = Accuser { account: self.target.account.ordinal, request };
        self.target.endpoint.cells(self.target.operation).suspicion.accuse(accuser, now)
    }

    fn fold(mut self, evidence: &Evidence, convicted: bool, now: Millis) -> Settlement {
        match blame(evidence, convicted) {
            Blame::Nobody | Blame::Request | Blame::Nothing => {
                self.pass_breakers();
                Settlement::Nothing
            }
            // An answer arrived, so every breaker on the route closes again; only a quota is at fault.
            Blame::Limit(limit, extent) => {
                self.pass_breakers();
                let settlement = self.limit((limit, kind(&evidence.outcome)), &extent, now);
                // A 429 of crowding: fewer requests at once would have passed.
                let is_new = matches!(settlement, Settlement::Limited { .. });
                if is_new && is_crowding(evidence) && matches!(extent, Extent::Usual | Extent::Pool) {
                    self.target.slot().halve(self.target.operation, now);
                }
                settlement
            }
            Blame::BreakerScope(breaker, limit, reason) => {
                self.give_back(charge(&evidence.outcome));
                self.suspect().close(breaker, limit, reason, now)
            }
            Blame::SignIn => {
                self.give_back(Charge::None);
                self.suspect().sign_in(evidence, now)
            }
        }
    }

    /// Takes the permits of the breakers, for tripping a breaker.
    fn suspect(&mut self) -> Suspect {
        let breakers = std::mem::take(&mut self.breakers);
        Suspect { target: self.target.clone(), breakers, rates: self.rates, repeated: false }
    }

    fn limit(&mut self, (limit, kind): (Limit, LimitKind), extent: &Extent, now: Millis) -> Settlement {
        self.target.slot().tally.limited.fetch_add(1, Ordering::Relaxed);
        let Some((passed, admission_permit)) = self.limited(extent) else { return Settlement::Nothing };
        let quota = self.target.cells().quota(&passed);
        let settled = quota.limit(admission_permit, limit, now);
        if matches!(settled, Settled::Tripped { .. }) {
            quota.note_kind(kind);
        }
        // What else it passed has cost nothing.
        self.give_back(Charge::None);
        match settled {
            // Only the first 429 of an event trips the limit; later 429s of the event are folded.
            Settled::Tripped { until } => {
                self.target.slot().tally.trips.fetch_add(1, Ordering::Relaxed);
                self.mark(Sign::Limited, now);
                Settlement::Limited { models: passed.models().cloned(), until, kind }
            }
            Settled::Folded => Settlement::Folded,
        }
    }

    /// Takes the limited quota, with the lease's permit.
    fn limited(&mut self, extent: &Extent) -> Option<(Passed, AdmissionPermit)> {
        let wanted = match extent {
            Extent::Models(models) => Some(self.target.cells().of_models(models)),
            Extent::Pool | Extent::Account => Some(Passed::Pool),
            Extent::Usual | Extent::Nothing if self.target.cells().scope == Scope::Auto => {
                Some(self.target.cells().of_models(&ModelSet::One(self.target.model.clone())))
            }
            Extent::Usual | Extent::Nothing => None,
        };
        let is_wanted = |passed: &Passed| wanted.as_ref().is_none_or(|own| own.models() == passed.models());
        let held = self.admission_permits.iter().position(|(passed, _)| is_wanted(passed));
        held.map(|held| self.admission_permits.remove(held))
            .or_else(|| Some((wanted?, AdmissionPermit::default())))
    }

    fn mark(&self, sign: Sign, now: Millis) {
        self.target.slot().health_stats.mark(sign, &self.rates, now);
    }

    fn give_back(&mut self, charge: Charge) {
        for (passed, admission_permit) in self.admission_permits.drain(..) {
            self.target.cells().quota(&passed).release(admission_permit, charge);
        }
    }

    /// Confirms every breaker on the route: an answer arrived, so the route to the pool is good.
    fn pass_breakers(&mut self) {
        if self.target.pass(&mut self.breakers) {
            self.target.account.notifier.notify();
        }
    }
}

/// Returns the more important of two confirmations: a limit's end first, then a wider ramp.
fn says_more(one: Confirmed, other: Confirmed) -> Confirmed {
    let weight = |confirmed: Confirmed| match confirmed {
        Confirmed::Over => 3,
        Confirmed::Wider => 2,
        Confirmed::Stale => 1,
        Confirmed::Open => 0,
    };
    std::cmp::max_by_key(one, other, |confirmed| weight(*confirmed))
}

/// Returns the kind of a limit.
fn kind(outcome: &Outcome) -> LimitKind {
    if let Outcome::Limited(kind) = outcome { *kind } else { LimitKind::Unknown }
}

/// Returns the charge of a failure besides a limit. Without an answer, the attempt counts as charged.
fn charge(outcome: &Outcome) -> Charge {
    let is_silent = matches!(
        outcome,
        Outcome::Unreachable(NetworkFault::Timeout | NetworkFault::Reset | NetworkFault::Garbage)
    );
    if is_silent { Charge::Counted } else { Charge::None }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.target.release(&mut self.breakers);
        self.give_back(Charge::Counted);
        // Before the bell: who hears it must find all that was given back.
        self.places.give_back();
        self.target.account.notifier.notify();
    }
}
