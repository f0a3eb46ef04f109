//! Accounts: an account has a cell for each cause of closing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use pointsman_core::admission::allowance::Experience;
use pointsman_core::admission::blame::{Gate, Reason};
use pointsman_core::admission::cap::InFlight;
use pointsman_core::admission::cell::{CellState, Limit, LimitSeen, Touch};
use pointsman_core::admission::throttle::Throttle;
use pointsman_core::admission::timetable::Timetable;
use pointsman_core::admission::vitals::{Vitals, VitalsView};
use pointsman_core::ids::{AccountId, ModelId};
use pointsman_core::planning::snapshot::{Obstacles, Standing};
use pointsman_core::quota::outlook::{Outlook, OutlookWord};
use pointsman_core::quota::reading::{Reading, Windows};
use pointsman_core::request::catalog::{Pool, Provider, Scope};
use pointsman_core::time::Millis;

use crate::sync::{Mutex, unpoisoned};

use super::bell::Bell;
use super::breaker::Breaker;
use super::endpoint::EndpointState;
use super::gauge::Gauge;
use super::keyed::Keyed;
use super::quota::{Guess, Quota};

/// The identity of an account: a hash of the credential and the shape of the pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub u64);

/// An account at a provider, with the state shared by every request.
#[derive(Debug)]
pub struct Account {
    pub id: AccountId,
    /// A serial number. Unlike an index, an ordinal is never reused.
    pub ordinal: u32,
    identity: Identity,
    /// The account belongs to a caller's credential. Its state is never stored.
    is_callers: bool,
    needs_sign_in: AtomicBool,
    pub(super) health: Breaker,
    /// Requests in flight over every pool.
    under_way: Arc<InFlight>,
    pub(super) pools: Box<[PoolSlot]>,
    pub(super) bell: Arc<Bell>,
    story: Mutex<Story>,
}

/// The state of a pool of an account.
#[derive(Debug)]
pub(super) struct PoolSlot {
    scope: Scope,
    quota: Quota,
    by_model: Keyed<Quota>,
    pub(super) ways: Box<[WayCells]>,
    pub(super) vitals: Vitals,
    pub(super) tally: Tally,
    pub(super) gauge: Gauge,
    /// The schedule of quota polls.
    pub(super) timetable: Timetable,
    /// Consecutive quota polls without an answer.
    pub(super) failures: AtomicU32,
    /// The throttle: the most requests in flight, halved by 429s without a reset time.
    pub(super) throttle: Throttle,
}

/// A route from an account through a pool and an endpoint to a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    /// The index of the pool at the provider.
    pub(super) pool: usize,
    /// The index of the endpoint in the pool.
    pub(super) way: usize,
    pub(super) endpoint: &'a EndpointState,
    pub(super) model: &'a ModelId,
    /// The most requests in flight for the account in the pool.
    pub(super) bound: u16,
    /// A cap of the provider, the account or the model is full.
    pub(super) full: bool,
}

/// The result of the quick check before a plan's full view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glance {
    /// No cell, cap or sign-in is in the way.
    pub(super) is_plainly_open: bool,
    /// Requests in flight in the pool.
    pub(super) in_flight: u16,
}

/// The circuit breakers of a pool at an endpoint, for the pool and for single models.
#[derive(Debug, Default)]
pub(super) struct WayCells {
    pub(super) cell: Breaker,
    pub(super) models: Keyed<Breaker>,
}

/// Counters for diagnostics. No decision depends on a counter.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) served: AtomicU64,
    pub(super) limited: AtomicU64,
    pub(super) trips: AtomicU64,
}

/// Diagnostics of an account, never needed to admit.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The status of the answer behind `NeedsSignIn`, if there was an answer.
    pub status: Option<u16>,
    /// The URL for the owner's new sign-in or verification.
    pub url: Option<String>,
}

/// The status view of a pool.
#[derive(Clone, Debug)]
pub struct PoolSummary {
    pub quota: CellState,
    /// The windows reported by the upstream.
    pub windows: Windows,
    /// The experience: the learned size of the pool's quota.
    pub learned: Experience,
    pub served: u64,
    pub limited: u64,
    pub trips: u64,
}

impl Account {
    pub(super) fn new(
        id: AccountId,
        ordinal: u32,
        identity: Identity,
        provider: &Provider,
        bell: Arc<Bell>,
    ) -> Self {
        Self {
            id,
            ordinal,
            identity,
            is_callers: false,
            needs_sign_in: AtomicBool::new(false),
            health: Breaker::default(),
            under_way: Arc::default(),
            pools: provider
                .pools
                .iter()
                .map(|pool| PoolSlot::new(pool.scope, pool.endpoints.len()))
                .collect(),
            bell,
            story: Mutex::default(),
        }
    }

    /// Returns a fresh account for a caller's own credential, with equal id, ordinal and pools.
    pub(super) fn sibling(&self) -> Self {
        Self {
            id: self.id.clone(),
            ordinal: self.ordinal,
            identity: self.identity,
            is_callers: true,
            needs_sign_in: AtomicBool::new(false),
            health: Breaker::default(),
            under_way: Arc::default(),
            pools: self.pools.iter().map(|slot| PoolSlot::new(slot.scope, slot.ways.len())).collect(),
            bell: self.bell.clone(),
            story: Mutex::default(),
        }
    }

    /// Returns whether the account belongs to a caller's credential.
    pub fn is_callers(&self) -> bool {
        self.is_callers
    }

    /// Returns the identity.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns whether the account is ready or needs a sign-in.
    pub fn standing(&self) -> Standing {
        if self.needs_sign_in.load(Ordering::Acquire) { Standing::NeedsSignIn } else { Standing::Ready }
    }

    /// Closes the account until the owner signs in. Returns whether the account was ready before.
    pub fn require_sign_in(&self, url: Option<String>) -> bool {
        unpoisoned(self.story.lock()).url = url;
        !self.needs_sign_in.swap(true, Ordering::AcqRel)
    }

    /// Returns the diagnostics.
    pub fn story(&self) -> Story {
        unpoisoned(self.story.lock()).clone()
    }

    /// Keeps the status of the answer behind a sign-in request.
    pub fn note_status(&self, status: Option<u16>) {
        unpoisoned(self.story.lock()).status = status;
    }

    /// Returns the reason of the last cooldown.
    pub fn reason(&self) -> Reason {
        self.health.reason()
    }

    /// Returns the state of the account's own cell: the cooldown.
    pub fn health(&self) -> CellState {
        self.health.state()
    }

    /// Returns the status view of a pool.
    pub fn pool(&self, pool: usize) -> PoolSummary {
        let slot = &self.pools[pool];
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolSummary {
            quota: slot.quota.state(),
            windows: slot.gauge.windows(),
            learned: slot.quota.experience(),
            served: count(&slot.tally.served),
            limited: count(&slot.tally.limited),
            trips: count(&slot.tally.trips),
        }
    }

    /// Returns the outlook on the remaining quota of a pool for a model.
    #[inline]
    pub fn outlook(&self, pool: usize, model: &ModelId, now: Millis) -> OutlookWord {
        self.pools[pool].gauge.outlook(model, now)
    }

    /// Returns the reset time of a model's spent quota, by the upstream's report. `named` is the pool's
    /// name for the model. After consecutive trips the report is not believed and the result is `None`.
    pub fn spent_until(&self, pool: usize, model: &ModelId, named: &str, now: Millis) -> Option<Millis> {
        let slot = &self.pools[pool];
        if slot.look_at(model, Quota::state).streak > 0 {
            None
        } else {
            slot.gauge.windows().spent_until(named, now)
        }
    }

    /// Takes in the upstream's readings of a pool. `described` is the pool's configuration.
    pub fn take_in(&self, pool: usize, readings: Vec<Reading>, described: &Pool, now: Millis) {
        self.pools[pool].gauge.take_in(readings, described, now);
    }

    /// Returns the most requests in flight in a pool: `most` by configuration, or less by the throttle.
    #[inline]
    pub fn bound(&self, pool: usize, most: u16, now: Millis) -> u16 {
        self.pools[pool].throttle.bound(most, now)
    }

    /// Returns the count of requests in flight over every pool.
    pub fn under_way(&self) -> &Arc<InFlight> {
        &self.under_way
    }

    /// Returns the last binding reading of a pool until the window resets. Without a model, only windows
    /// for every model count.
    #[inline]
    pub(super) fn binding_outlook(&self, pool: usize, model: Option<&ModelId>, now: Millis) -> Outlook {
        self.pools[pool].gauge.binding(model, now)
    }

    /// Returns the recent health stats of a pool.
    #[inline]
    pub fn vitals(&self, pool: usize) -> VitalsView {
        self.pools[pool].vitals.view()
    }

    /// Returns the limit in force of a pool, or of `model` in a pool with limits per model.
    pub fn limit(&self, pool: usize, model: &ModelId, now: Millis) -> Option<LimitSeen> {
        self.pools[pool].look_at(model, Quota::state).limit(now)
    }

    /// Restores a stored limit of the account, or of a model in a pool with limits per model.
    pub fn recall(&self, pool: usize, model: Option<&ModelId>, limit: Limit, now: Millis) {
        self.pools[pool].recall(model, limit, now);
    }

    /// Runs the quick check of a pool, for plans over very many accounts.
    ///
    /// The quick check reads less than [`Account::obstacles`]. A pool with cells per model always fails the
    /// quick check and gets the full view.
    #[inline]
    pub(super) fn glance(&self, to: &Way<'_>, now: Millis) -> Glance {
        let slot = &self.pools[to.pool];
        let quota = slot.look_at(to.model, Quota::state);
        // A pool with cells per model is never plainly open here, so that one look at one cell is enough.
        let is_plainly_open = slot.scope == Scope::Pool
            && quota.denial(Touch::Lease { bound: to.bound }, now).is_none()
            && self.is_plainly_passable(slot, to, now);
        Glance { is_plainly_open, in_flight: quota.in_flight }
    }

    #[inline]
    fn is_plainly_passable(&self, slot: &PoolSlot, to: &Way<'_>, now: Millis) -> bool {
        let own = &slot.ways[to.way];
        !to.full
            && slot.quota.learned(now).is_none()
            && self.health.denial(Touch::Pass, now).is_none()
            && own.cell.denial(Touch::Pass, now).is_none()
            && own.models.is_empty()
            && to.endpoint.cell.denial(Touch::Pass, now).is_none()
            && to.endpoint.models.is_empty()
            && self.standing() == Standing::Ready
    }

    /// Returns every obstacle on the route to a model in a pool at an endpoint.
    pub(super) fn obstacles(&self, to: &Way<'_>, now: Millis) -> Obstacles {
        let slot = &self.pools[to.pool];
        let own = &slot.ways[to.way];
        let mut gates = [None; Gate::COUNT];
        gates[Gate::Account.index()] = self.health.denied(now);
        gates[Gate::Way.index()] = own.cell.denied(now);
        gates[Gate::WayModel.index()] = own.models.denied(to.model, now);
        gates[Gate::Endpoint.index()] = to.endpoint.cell.denied(now);
        gates[Gate::EndpointModel.index()] = to.endpoint.models.denied(to.model, now);
        let look = |quota: &Quota| (quota.denial(to.bound, now), quota.learned(now));
        let (quota, learned) = slot.look_at(to.model, look);
        Obstacles { standing: self.standing(), full: to.full, quota, learned, gates }
    }

    /// Returns the probe times of a pool closed by an estimated limit.
    pub(super) fn guess(&self, to: &Way<'_>, recheck: Duration, now: Millis) -> Option<Guess> {
        self.pools[to.pool].look_at(to.model, |quota| quota.guess(to.bound, recheck, now))
    }

    /// Reopens the account after a change of credential.
    pub fn reopen(&self) {
        self.needs_sign_in.store(false, Ordering::Release);
        self.health.reset();
        self.bell.ring();
    }

    /// Reopens every cell of the account by order of the operator.
    pub fn reset(&self) {
        self.needs_sign_in.store(false, Ordering::Release);
        self.health.reset();
        for slot in &self.pools {
            slot.quota.reset();
            slot.vitals.reset();
            slot.ways.iter().for_each(|way| way.cell.reset());
        }
        self.bell.ring();
    }
}

impl PoolSlot {
    fn new(scope: Scope, endpoints: usize) -> Self {
        Self {
            scope,
            quota: Quota::default(),
            by_model: Keyed::default(),
            ways: (0..endpoints).map(|_| WayCells::default()).collect(),
            vitals: Vitals::default(),
            tally: Tally::default(),
            gauge: Gauge::default(),
            timetable: Timetable::default(),
            failures: AtomicU32::new(0),
            throttle: Throttle::default(),
        }
    }

    /// Reads the quota of `model`, or returns the default if the model's quota was never needed.
    fn look_at<T: Default>(&self, model: &ModelId, look: impl FnOnce(&Quota) -> T) -> T {
        match self.scope {
            Scope::Pool => look(&self.quota),
            Scope::Model => self.by_model.find(model).map_or_else(T::default, |quota| look(&quota)),
        }
    }

    /// Returns the limits in force, with the model of each limit in a pool with limits per model.
    pub(super) fn limits(&self, now: Millis) -> Vec<(Option<ModelId>, LimitSeen)> {
        match self.scope {
            Scope::Pool => self.quota.state().limit(now).map(|limit| (None, limit)).into_iter().collect(),
            Scope::Model => {
                let cells = self.by_model.all().into_iter();
                cells.filter_map(|(model, cell)| Some((Some(model), cell.state().limit(now)?))).collect()
            }
        }
    }

    fn recall(&self, model: Option<&ModelId>, limit: Limit, now: Millis) {
        match (self.scope, model) {
            (Scope::Pool, None) => drop(self.quota.recall(limit, now)),
            (Scope::Model, Some(model)) => drop(self.by_model.make(model).recall(limit, now)),
            // By the configuration in force, limits are of something else.
            (Scope::Pool, Some(_)) | (Scope::Model, None) => {}
        }
    }

    /// Moves the end of a limit; see [`Cell::amend`].
    pub(super) fn amend(&self, model: Option<&ModelId>, seen: LimitSeen, end: Millis, now: Millis) -> bool {
        match model {
            None => self.quota.amend(seen, end, now),
            Some(model) => self.by_model.find(model).is_some_and(|cell| cell.amend(seen, end, now)),
        }
    }

    /// Halves the throttle. A pool with cells per model is left alone, since no single model speaks for the
    /// pool.
    pub(super) fn halve(&self, now: Millis) {
        if self.scope == Scope::Pool {
            // The one that met the event has been given back already.
            self.throttle.halve(self.quota.state().in_flight.saturating_add(1), now);
        }
    }

    /// Runs `act` on the quota of `model`, created on first use.
    pub(super) fn with_quota<T>(&self, model: &ModelId, act: impl FnOnce(&Quota) -> T) -> T {
        match self.scope {
            Scope::Pool => act(&self.quota),
            Scope::Model => act(&self.by_model.make(model)),
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::time::Duration;

    use pointsman_core::admission::cell::Settled;

    use pointsman_core::admission::cell::Cell;

    use crate::fleet::quota::Entry;
    use crate::fleet::testing::provider;

    use super::*;

    const NOW: Millis = Millis(1_000);

    /// Closes a cell and checks both the quick check and the full view before and after the limit's end.
    fn check(close: impl FnOnce(&Account, &EndpointState, &ModelId), ends: bool) {
        let provider = provider();
        let account = Account::new(AccountId::new("acme:a"), 0, Identity(0), &provider, Arc::default());
        let endpoint = EndpointState::new(&provider.pools[0].endpoints[0]);
        let model = ModelId::new("m");
        let to = Way { pool: 0, way: 0, endpoint: &endpoint, model: &model, bound: 4, full: false };
        let full = |now| account.obstacles(&to, now).closed().is_none();
        let quick = |to: &Way<'_>, now| account.glance(to, now).is_plainly_open;
        assert!(quick(&to, NOW) && full(NOW));
        let full_up = Way { full: true, ..to };
        assert!(!quick(&full_up, NOW));
        assert!(account.obstacles(&full_up, NOW).closed().is_some());
        close(&account, &endpoint, &model);
        assert!(!quick(&to, NOW) && !full(NOW));
        let later = NOW.after(Duration::from_secs(60));
        assert_eq!(full(later), ends);
        assert!(!quick(&to, later) || ends, "it never says more than the full look");
    }

    #[test]
    fn the_quick_look_sees_everything_that_the_full_one_sees() {
        let limit = Limit::Known { until: NOW.after(Duration::from_secs(30)) };
        let learn = |cell: &Cell| assert!(matches!(cell.learn(limit, NOW), Settled::Tripped { .. }));
        check(
            |account, _, _| {
                assert!(matches!(account.pools[0].quota.recall(limit, NOW), Settled::Tripped { .. }))
            },
            true,
        );
        check(|account, _, _| learn(&account.health), true);
        check(|account, _, _| learn(&account.pools[0].ways[0].cell), true);
        check(|account, _, model| learn(&account.pools[0].ways[0].models.make(model)), true);
        check(|_, endpoint, _| learn(&endpoint.cell), true);
        check(|_, endpoint, model| learn(&endpoint.models.make(model)), true);
        check(|account, _, _| assert!(account.require_sign_in(None)), false);
        let fill = |quota: &Quota| while quota.admit(4, Entry::Usual, NOW).is_ok() {};
        check(|account, _, _| fill(&account.pools[0].quota), false);
    }
}
