//! Leases: the right to one attempt.

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

/// Where an attempt goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub account: Arc<Account>,
    pub endpoint: Arc<EndpointState>,
    /// The index of the pool at its provider.
    pub pool: usize,
    /// The index of the endpoint at its pool.
    pub way: usize,
    pub model: ModelId,
}

/// The right to one attempt, counted in the cell of its pool until it is settled or dropped.
///
/// It holds the account, not its id: an account that was replaced meanwhile is not touched. For a good
/// answer it moves into the stream of the body, and its drop there gives the place back.
#[derive(Debug)]
#[must_use = "a lease that is dropped gives its place back"]
pub struct Lease {
    target: Target,
    places: Places,
    quota: Option<Grant>,
    gates: [Option<Stamp>; Gate::COUNT],
    probe: bool,
    /// By what the pool's vitals change.
    rates: Rates,
}

/// What a failed attempt changed for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing that was not known.
    Nothing,
    /// A limit began.
    PoolLimited { until: Millis },
    /// The 429 was of the same event as the limit that is known.
    Folded,
    /// Something is left alone from now on.
    Closed { gate: Gate, reason: Reason, until: Millis },
    /// The account needs its owner.
    SignIn { url: Option<String> },
}

impl Target {
    fn slot(&self) -> &PoolSlot {
        &self.account.pools[self.pool]
    }

    /// Runs `act` on a gate's cell, or returns nothing where a model's cell was never needed.
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

    /// Closes a gate; a model's cell is made where there is none.
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
    /// Asks every cell on the way, the pool's last, because only that one is counted. `places` are those
    /// under caps that the request has taken already.
    ///
    /// # Errors
    /// [`Deny`] of the first cell that denies; what the others had given is given back.
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
        for gate in Gate::ALL {
            if let Some(stamp) = lease.target.with_gate(gate, |cell| cell.admit(Touch::Pass, now)) {
                lease.gates[gate.index()] = Some(stamp?);
            }
        }
        let admit = |quota: &Quota| quota.admit(bound, entry, now);
        let grant = lease.target.slot().with_quota(&lease.target.model, admit)?;
        lease.probe = grant.is_trial() || lease.gates.iter().flatten().any(|stamp| stamp.is_probe());
        lease.quota = Some(grant);
        Ok(lease)
    }

    /// Tells the pool's vitals of the admission, and of what comes of it by these rates.
    pub fn rated(mut self, rates: Rates, now: Millis) -> Self {
        self.target.slot().vitals.take(&rates, now);
        self.rates = rates;
        self
    }

    /// Returns where it leads.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Says whether it tries whether something is over.
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    /// Says whether it was let in before the end of a limit that is a guess.
    pub fn is_knock(&self) -> bool {
        self.quota.as_ref().is_some_and(Grant::is_knock)
    }

    /// Takes note of a good head. The lease goes on until it is dropped.
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

    /// Folds a failure into the cells that it concerns, once, and gives all places back.
    pub fn settle(mut self, outcome: &Outcome, now: Millis) -> Settlement {
        let endpoint = &self.target.endpoint;
        let convicted = accuses(outcome) && endpoint.suspicion.accuse(self.target.account.ordinal, now);
        match blame(outcome, convicted) {
            Blame::Nobody | Blame::Request => {
                self.pass_gates();
                Settlement::Nothing
            }
            Blame::Pool(limit) => {
                self.pass_gates();
                let settlement = self.limit_pool(limit, now);
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

    /// An answer came: the way to the pool is good.
    fn pass_gates(&mut self) {
        let mut opened = false;
        for gate in Gate::ALL {
            let Some(stamp) = self.gates[gate.index()].take() else { continue };
            let confirmed = self.target.with_gate(gate, |cell| cell.confirm(stamp).1);
            opened |= matches!(confirmed, Some(Confirmed::Over | Confirmed::Wider));
        }
        self.target.endpoint.suspicion.acquit();
        if opened {
            self.target.account.bell.ring();
        }
    }
}

/// Says what a failure that is not quota has cost. Who did not hear an answer cannot know.
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
