//! Leases: the right to a single attempt.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pointsman_core::admission::blame::{Blame, Gate, Reason, accuses, blame};
use pointsman_core::admission::cell::{Cell, Confirmed, Deny, Limit, Settled, Stamp, Touch};
use pointsman_core::admission::throttle::is_crowding;
use pointsman_core::admission::vitals::{Rates, Sign};
use pointsman_core::ids::ModelId;
use pointsman_core::response::outcome::{NetworkFault, Outcome, SignIn};
use pointsman_core::time::Millis;

use super::account::{Account, PoolSlot};
use super::breaker::Breaker;
use super::caps::Places;
use super::endpoint::EndpointState;
use super::quota::{Entry, Grant, Quota, Toll};

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
}

/// A lease: the right to a single attempt, counted in the pool's cell until settled or dropped.
///
/// The lease holds the account rather than the id, so a replaced account is not touched. For a good answer
/// the lease moves into the body's stream, and the drop there gives the permit back.
#[derive(Debug)]
#[must_use = "a lease that is dropped gives its place back"]
pub struct Lease {
    target: Target,
    places: Places,
    quota: Option<Grant>,
    gates: [Option<Stamp>; Gate::COUNT],
    probe: bool,
    /// The rates of change of the pool's health stats.
    rates: Rates,
}

/// The change a failed attempt made to the shared state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// No change.
    Nothing,
    /// A limit began.
    PoolLimited { until: Millis },
    /// The 429 belongs to the limit already known.
    Folded,
    /// A circuit breaker has tripped.
    Closed { gate: Gate, reason: Reason, until: Millis },
    /// The account needs a sign-in by the owner.
    SignIn { url: Option<String> },
}

impl Target {
    fn slot(&self) -> &PoolSlot {
        &self.account.pools[self.pool]
    }

    /// Runs `act` on a circuit breaker's cell. Returns `None` for a model's cell never needed so far.
    fn with_gate<T>(&self, gate: Gate, act: impl FnOnce(&Cell) -> T) -> Option<T> {
        let way = &self.slot().ways[self.way];
        match gate {
            Gate::Account => Some(act(&self.account.health)),
            Gate::Way => Some(act(&way.cell)),
            Gate::WayModel => way.models.find(&self.model).map(|cell| act(&cell)),
            Gate::Endpoint => Some(act(&self.endpoint.cell)),
            Gate::EndpointModel => self.endpoint.models.find(&self.model).map(|cell| act(&cell)),
        }
    }

    /// Trips a circuit breaker. A model's breaker is created on first use.
    fn close_gate(&self, gate: Gate, stamp: Stamp, (limit, reason): (Limit, Reason), now: Millis) -> Settled {
        let settle = |breaker: &Breaker| breaker.trip(stamp, limit, reason, now);
        match gate {
            Gate::WayModel => settle(&self.slot().ways[self.way].models.make(&self.model)),
            Gate::EndpointModel => settle(&self.endpoint.models.make(&self.model)),
            Gate::Account => settle(&self.account.health),
            Gate::Way => settle(&self.slot().ways[self.way].cell),
            Gate::Endpoint => settle(&self.endpoint.cell),
        }
    }
}

impl Lease {
    /// Takes a permit from every cell on the route, the pool's last, because only the pool's cell counts
    /// requests. `places` are the request's slots under caps, taken before.
    ///
    /// # Errors
    /// [`Deny`] of the first denying cell. Permits taken before are given back.
    pub fn admit(
        target: Target,
        places: Places,
        bound: u16,
        entry: Entry<'_>,
        now: Millis,
    ) -> Result<Self, Deny> {
        let gates = [None; Gate::COUNT];
        let rates = Rates::default();
        let mut lease = Self { target, places, quota: None, gates, probe: false, rates };
        // Permits taken so far sit in the lease: an early return drops the lease, and the drop gives them
        // back.
        for gate in Gate::ALL {
            if let Some(stamp) = lease.target.with_gate(gate, |cell| cell.admit(Touch::Pass, now)) {
                lease.gates[gate.index()] = Some(stamp?);
            }
        }
        // The pool's cell comes last, because only the pool's cell counts the request.
        let admit = |quota: &Quota| quota.admit(bound, entry, now);
        let grant = lease.target.slot().with_quota(&lease.target.model, admit)?;
        lease.probe = grant.is_trial() || lease.gates.iter().flatten().any(|stamp| stamp.is_probe());
        lease.quota = Some(grant);
        Ok(lease)
    }

    /// Records the admission, and later the result, in the pool's health stats by `rates`.
    pub fn rated(mut self, rates: Rates, now: Millis) -> Self {
        self.target.slot().vitals.take(&rates, now);
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

    /// Returns whether the attempt is an early probe, before the end of an estimated limit.
    pub fn is_knock(&self) -> bool {
        self.quota.as_ref().is_some_and(Grant::is_knock)
    }

    /// Confirms a good response head. The lease stays in force until dropped.
    pub fn confirm(&mut self, now: Millis) -> Confirmed {
        self.pass_gates();
        self.mark(Sign::Good, now);
        let target = &self.target;
        target.slot().tally.served.fetch_add(1, Ordering::Relaxed);
        let Some(grant) = &mut self.quota else { return Confirmed::Open };
        let (confirmed, more) = target.slot().with_quota(&target.model, |quota| quota.confirm(grant));
        let lets_one_more_go = confirmed != Confirmed::Stale && target.slot().throttle.grow();
        if more || lets_one_more_go {
            target.account.bell.ring();
        }
        confirmed
    }

    /// Settles a failure once, in the cells to blame, and gives every permit back.
    pub fn settle(mut self, outcome: &Outcome, now: Millis) -> Settlement {
        let endpoint = &self.target.endpoint;
        // A network fault convicts the endpoint only after accusations from more than one account.
        let convicted = accuses(outcome) && endpoint.suspicion.accuse(self.target.account.ordinal, now);
        match blame(outcome, convicted) {
            Blame::Nobody | Blame::Request => {
                // An answer arrived, so every breaker on the route closes again; only the quota may be at
                // fault.
                self.pass_gates();
                Settlement::Nothing
            }
            Blame::Pool(limit) => {
                self.pass_gates();
                let settlement = self.limit_pool(limit, now);
                // A 429 of crowding: fewer requests at once would have passed.
                if is_crowding(outcome) && matches!(settlement, Settlement::PoolLimited { .. }) {
                    self.target.slot().halve(now);
                }
                settlement
            }
            Blame::Gate(gate, limit, reason) => {
                self.give_back(toll(outcome));
                self.close(gate, limit, reason, now)
            }
            Blame::SignIn => {
                self.give_back(Toll::None);
                self.sign_in(outcome)
            }
        }
    }

    fn limit_pool(&mut self, limit: Limit, now: Millis) -> Settlement {
        let (slot, model) = (self.target.slot(), &self.target.model);
        slot.tally.limited.fetch_add(1, Ordering::Relaxed);
        let Some(grant) = self.quota.take() else { return Settlement::Nothing };
        // Only the first 429 of an event trips the limit; later 429s of the event are folded.
        match slot.with_quota(model, |quota| quota.limit(grant, limit, now)) {
            Settled::Tripped { until } => {
                slot.tally.trips.fetch_add(1, Ordering::Relaxed);
                self.mark(Sign::Limited, now);
                Settlement::PoolLimited { until }
            }
            Settled::Folded => Settlement::Folded,
        }
    }

    fn close(&mut self, gate: Gate, limit: Limit, reason: Reason, now: Millis) -> Settlement {
        let stamp = self.gates[gate.index()].take().unwrap_or_default();
        match self.target.close_gate(gate, stamp, (limit, reason), now) {
            Settled::Tripped { until } => {
                // The fault of a shared endpoint says nothing about the health of this pool.
                if !gate.is_shared() {
                    self.mark(Sign::Failed, now);
                }
                Settlement::Closed { gate, reason, until }
            }
            Settled::Folded => Settlement::Nothing,
        }
    }

    fn mark(&self, sign: Sign, now: Millis) {
        self.target.slot().vitals.mark(sign, &self.rates, now);
    }

    fn sign_in(&self, outcome: &Outcome) -> Settlement {
        let url =
            if let Outcome::NeedsSignIn(SignIn::Verification { url }) = outcome { url.clone() } else { None };
        if self.target.account.require_sign_in(url.clone()) {
            Settlement::SignIn { url }
        } else {
            Settlement::Nothing
        }
    }

    fn give_back(&mut self, toll: Toll) {
        if let Some(grant) = self.quota.take() {
            self.target.slot().with_quota(&self.target.model, |quota| quota.release(grant, toll));
        }
    }

    /// Confirms every breaker on the route: an answer arrived, so the route to the pool is good.
    fn pass_gates(&mut self) {
        let mut opened = false;
        for gate in Gate::ALL {
            let Some(stamp) = self.gates[gate.index()].take() else { continue };
            let confirmed = self.target.with_gate(gate, |cell| cell.confirm(stamp).1);
            opened |= matches!(confirmed, Some(Confirmed::Over | Confirmed::Wider));
        }
        self.target.endpoint.suspicion.acquit();
        // A breaker closed or its ramp widened, so waiting requests may go.
        if opened {
            self.target.account.bell.ring();
        }
    }
}

/// Returns the charge of a failure. Without an answer, the attempt counts as charged.
fn toll(outcome: &Outcome) -> Toll {
    let is_silent = matches!(
        outcome,
        Outcome::Unreachable(NetworkFault::Timeout | NetworkFault::Reset | NetworkFault::Garbage)
    );
    if is_silent { Toll::Counted } else { Toll::None }
}

impl Drop for Lease {
    fn drop(&mut self) {
        for gate in Gate::ALL {
            if let Some(stamp) = self.gates[gate.index()].take() {
                self.target.with_gate(gate, |cell| cell.release(stamp));
            }
        }
        self.give_back(Toll::Counted);
        // Before the bell: who hears it must find all that was given back.
        self.places.give_back();
        self.target.account.bell.ring();
    }
}
