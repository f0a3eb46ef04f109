//! An account: one cell for each thing that can close it.

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

/// What makes an account the one it is: its credential and the shape of its pools, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(pub u64);

/// An identity at a provider, with the state that all requests share.
#[derive(Debug)]
pub struct Account {
    pub id: AccountId,
    /// Unlike an index it is never used again.
    pub ordinal: u32,
    identity: Identity,
    /// It has the credential of a caller, so nothing of it outlives the process.
    is_callers: bool,
    needs_sign_in: AtomicBool,
    pub(super) health: Breaker,
    /// Requests in all pools together.
    under_way: Arc<InFlight>,
    pub(super) pools: Box<[PoolSlot]>,
    pub(super) bell: Arc<Bell>,
    story: Mutex<Story>,
}

/// A pool of an account.
#[derive(Debug)]
pub(super) struct PoolSlot {
    scope: Scope,
    quota: Quota,
    by_model: Keyed<Quota>,
    pub(super) ways: Box<[WayCells]>,
    pub(super) vitals: Vitals,
    pub(super) tally: Tally,
    pub(super) gauge: Gauge,
    /// When its quota endpoint may be asked.
    pub(super) timetable: Timetable,
    /// Questions in a row that were not answered.
    pub(super) failures: AtomicU32,
    /// How many may be under way, as 429s without an end have taught.
    pub(super) throttle: Throttle,
}

/// The way to a model in a pool at an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    /// The index of the pool at its provider.
    pub(super) pool: usize,
    /// The index of the endpoint at its pool.
    pub(super) way: usize,
    pub(super) endpoint: &'a EndpointState,
    pub(super) model: &'a ModelId,
    /// How many requests the account may have in the pool.
    pub(super) bound: u16,
    /// A cap of the provider, the account or the model has no place left.
    pub(super) full: bool,
}

/// What a plan sees at first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glance {
    /// Nothing at all stands in the way.
    pub(super) is_plainly_open: bool,
    /// Requests under way in the pool.
    pub(super) in_flight: u16,
}

/// What is known of a pool of an account at one endpoint.
#[derive(Debug, Default)]
pub(super) struct WayCells {
    pub(super) cell: Breaker,
    pub(super) models: Keyed<Breaker>,
}

/// What is counted for people. Nothing is decided by it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) served: AtomicU64,
    pub(super) limited: AtomicU64,
    pub(super) trips: AtomicU64,
}

/// Colder facts, never needed to admit.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The status of the answer for which its owner is needed, where there was one.
    pub status: Option<u16>,
    /// Where its owner can mend it.
    pub url: Option<String>,
}

/// What a status shows of a pool.
#[derive(Clone, Debug)]
pub struct PoolSummary {
    pub quota: CellState,
    /// What its upstream reported of its windows.
    pub windows: Windows,
    /// What experience tells of how much the pool lets in.
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

    /// Returns the account that a caller has by a credential of its own, in the place of this one.
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

    /// Says whether it has the credential of a caller.
    pub fn is_callers(&self) -> bool {
        self.is_callers
    }

    /// Returns what makes it the account it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns whether it can be used at all.
    pub fn standing(&self) -> Standing {
        if self.needs_sign_in.load(Ordering::Acquire) { Standing::NeedsSignIn } else { Standing::Ready }
    }

    /// Leaves it alone until its owner signs in. Returns whether that is news.
    pub fn require_sign_in(&self, url: Option<String>) -> bool {
        unpoisoned(self.story.lock()).url = url;
        !self.needs_sign_in.swap(true, Ordering::AcqRel)
    }

    /// Returns the colder facts.
    pub fn story(&self) -> Story {
        unpoisoned(self.story.lock()).clone()
    }

    /// Keeps the status of the answer for which its owner is needed.
    pub fn note_status(&self, status: Option<u16>) {
        unpoisoned(self.story.lock()).status = status;
    }

    /// Returns why it was last left alone.
    pub fn reason(&self) -> Reason {
        self.health.reason()
    }

    /// Returns the state of the account's own cell: its cooldown.
    pub fn health(&self) -> CellState {
        self.health.state()
    }

    /// Returns what a status shows of a pool.
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

    /// Returns what is known of the remaining quota of a pool.
    #[inline]
    pub fn outlook(&self, pool: usize, model: &ModelId, now: Millis) -> OutlookWord {
        self.pools[pool].gauge.outlook(model, now)
    }

    /// Returns until when a model can have nothing of a pool, by what its upstream reported. `named` is what the
    /// pool calls the model. After a limit that was followed by another, no report is believed.
    pub fn spent_until(&self, pool: usize, model: &ModelId, named: &str, now: Millis) -> Option<Millis> {
        let slot = &self.pools[pool];
        if slot.look_at(model, Quota::state).streak > 0 {
            None
        } else {
            slot.gauge.windows().spent_until(named, now)
        }
    }

    /// Takes in what an upstream reported of a pool, which `described` describes.
    pub fn take_in(&self, pool: usize, readings: Vec<Reading>, described: &Pool, now: Millis) {
        self.pools[pool].gauge.take_in(readings, described, now);
    }

    /// Returns how many requests may be under way in a pool, of `most` that the configuration allows.
    #[inline]
    pub fn bound(&self, pool: usize, most: u16, now: Millis) -> u16 {
        self.pools[pool].throttle.bound(most, now)
    }

    /// Returns the count of its requests in all pools together.
    pub fn under_way(&self) -> &Arc<InFlight> {
        &self.under_way
    }

    /// Returns what was read last of a pool, until its window resets; without a model, what holds for all.
    #[inline]
    pub(super) fn binding_outlook(&self, pool: usize, model: Option<&ModelId>, now: Millis) -> Outlook {
        self.pools[pool].gauge.binding(model, now)
    }

    /// Returns what a pool has shown of itself lately.
    #[inline]
    pub fn vitals(&self, pool: usize) -> VitalsView {
        self.pools[pool].vitals.view()
    }

    /// Returns the limit in force of a pool, which is of `model` where models have limits of their own.
    pub fn limit(&self, pool: usize, model: &ModelId, now: Millis) -> Option<LimitSeen> {
        self.pools[pool].look_at(model, Quota::state).limit(now)
    }

    /// Takes in a limit of an earlier life of the account, and of a model where it was of one.
    pub fn recall(&self, pool: usize, model: Option<&ModelId>, limit: Limit, now: Millis) {
        self.pools[pool].recall(model, limit, now);
    }

    /// Looks at a pool for a plan, which looks at very many.
    ///
    /// It asks less than [`Account::obstacles`] does: where models have cells of their own, what stands in the
    /// way is left to the full look.
    #[inline]
    pub(super) fn glance(&self, to: &Way<'_>, now: Millis) -> Glance {
        let slot = &self.pools[to.pool];
        let quota = slot.look_at(to.model, Quota::state);
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

    /// Says what stands in the way to a model in a pool at an endpoint.
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

    /// Says from when on a pool may be tried that a guess closes.
    pub(super) fn guess(&self, to: &Way<'_>, recheck: Duration, now: Millis) -> Option<Guess> {
        self.pools[to.pool].look_at(to.model, |quota| quota.guess(to.bound, recheck, now))
    }

    /// Opens what a credential had closed, because the account has another one.
    pub fn reopen(&self) {
        self.needs_sign_in.store(false, Ordering::Release);
        self.health.reset();
        self.bell.ring();
    }

    /// Opens everything of the account by order of the operator.
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

    /// Looks at the quota of `model`. Where it was never needed, there is nothing to be seen.
    fn look_at<T: Default>(&self, model: &ModelId, look: impl FnOnce(&Quota) -> T) -> T {
        match self.scope {
            Scope::Pool => look(&self.quota),
            Scope::Model => self.by_model.find(model).map_or_else(T::default, |quota| look(&quota)),
        }
    }

    /// Returns the limits in force, with the models they are of where models have limits of their own.
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

    /// Halves what may be under way. Where models have cells of their own, none of them speaks for the pool.
    pub(super) fn halve(&self, now: Millis) {
        if self.scope == Scope::Pool {
            // The one that met the event has been given back already.
            self.throttle.halve(self.quota.state().in_flight.saturating_add(1), now);
        }
    }

    /// Runs `act` on the quota of `model`.
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

    /// Closes one thing and checks that both looks see it, until the limit has ended.
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
