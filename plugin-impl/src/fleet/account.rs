//! Accounts: an account has a cell for each cause of closing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pointsman_core::admission::allowance::Experience;
use pointsman_core::admission::blame::{BreakerScope, Reason};
use pointsman_core::admission::cap::InFlight;
use pointsman_core::admission::cell::{CellState, Limit, LimitSeen, Touch};
use pointsman_core::admission::health_stats::HealthView;
use pointsman_core::formats::operation::Operation;
use pointsman_core::ids::{AccountId, ModelId};
use pointsman_core::planning::snapshot::{Obstacles, Standing};
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::quota::outlook::{Outlook, OutlookWord};
use pointsman_core::quota::reading::{Reading, Windows};
use pointsman_core::request::catalog::{Pool, Provider, Scope};
use pointsman_core::response::outcome::LimitKind;
use pointsman_core::state::AccountRecord;
use pointsman_core::time::Millis;

use crate::sync::{Mutex, unpoisoned};

use super::affinity::waiters;
use super::breaker::Breaker;
use super::endpoint::EndpointState;
use super::inquiry::{Moved, as_named};
use super::notifier::Notifier;
use super::orders::Orders;
use super::pool::PoolSlot;
use super::quota::{EarlyTimes, Quota};

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
    orders: Orders,
    /// For each operation.
    health: [Breaker; Operation::COUNT],
    /// Requests in flight over every pool.
    under_way: Arc<InFlight>,
    pub(super) pools: Box<[PoolSlot]>,
    pub(super) notifier: Arc<Notifier>,
    /// Requests whose session lives here, and that wait for it to open.
    pub(super) waiters: waiters::Shared,
    diagnostics: Mutex<Diagnostics>,
}

/// The way to a model in a pool at an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    /// The index of the pool at the provider.
    pub(super) pool: usize,
    /// The index of the endpoint in the pool.
    pub(super) way: usize,
    pub(super) endpoint: &'a EndpointState,
    pub(super) model: &'a ModelId,
    pub(super) operation: Operation,
    /// How many requests the account may have in the pool.
    pub(super) bound: u16,
    /// A cap of the provider, the account or the model is full.
    pub(super) full: bool,
}

/// The result of the quick check before a plan's full view.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuickCheck {
    /// No cell, cap or sign-in is in the way.
    pub(super) is_plainly_open: bool,
    /// Requests in flight in the pool.
    pub(super) in_flight: u16,
}

/// Colder facts, never needed to admit.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
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
        notifier: Arc<Notifier>,
    ) -> Self {
        Self {
            id,
            ordinal,
            identity,
            is_callers: false,
            needs_sign_in: AtomicBool::new(false),
            orders: Orders::default(),
            health: Default::default(),
            under_way: Arc::default(),
            pools: provider.pools.iter().map(PoolSlot::of).collect(),
            notifier,
            waiters: waiters::Shared::default(),
            diagnostics: Mutex::default(),
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
            orders: self.orders.clone(),
            health: Default::default(),
            under_way: Arc::default(),
            pools: self.pools.iter().map(PoolSlot::anew).collect(),
            notifier: self.notifier.clone(),
            waiters: waiters::Shared::default(),
            diagnostics: Mutex::default(),
        }
    }

    /// Returns whether the account belongs to a caller's credential.
    pub fn is_callers(&self) -> bool {
        self.is_callers
    }

    /// Returns how many requests of sessions that live here wait for it to open.
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }

    /// Returns the identity.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns whether the account is ready or needs a sign-in.
    pub fn standing(&self) -> Standing {
        if self.orders.is_disabled() {
            Standing::Disabled
        } else if self.needs_sign_in.load(Ordering::Acquire) {
            Standing::NeedsSignIn
        } else {
            Standing::Ready
        }
    }

    /// Obeys the operator's orders: enabled or disabled, and limits and cooldowns reset.
    pub fn obey(&self, orders: &AccountRecord) {
        if self.orders.take_over(orders) {
            self.reset();
        }
        self.notifier.notify();
    }

    /// Closes the account until the owner signs in. Returns whether the account was ready before.
    pub fn require_sign_in(&self, url: Option<String>) -> bool {
        unpoisoned(self.diagnostics.lock()).url = url;
        !self.needs_sign_in.swap(true, Ordering::AcqRel)
    }

    /// Returns the diagnostics.
    pub fn diagnostics(&self) -> Diagnostics {
        unpoisoned(self.diagnostics.lock()).clone()
    }

    /// Keeps the status of the answer behind a sign-in request.
    pub fn note_status(&self, status: Option<u16>) {
        unpoisoned(self.diagnostics.lock()).status = status;
    }

    /// Returns the reason of the last cooldown.
    pub fn reason(&self) -> Reason {
        self.health_for(Operation::Generating).reason()
    }

    /// Returns the state of the account's own cell for generating: the cooldown.
    pub fn health(&self) -> CellState {
        self.health_for(Operation::Generating).state()
    }

    /// Returns the account's own cell for an operation.
    #[inline]
    pub(super) fn health_for(&self, operation: Operation) -> &Breaker {
        &self.health[operation.index()]
    }

    /// Returns the status view of a pool.
    pub fn pool(&self, pool: usize) -> PoolSummary {
        let slot = &self.pools[pool];
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolSummary {
            quota: slot.generating().quota.state(),
            windows: slot.gauge.windows(),
            learned: slot.generating().quota.experience(),
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
        let has_tripped =
            slot.generating().states(model).iter().any(|(_, state)| state.consecutive_trips > 0);
        if has_tripped { None } else { slot.gauge.windows().spent_until(named, now) }
    }

    /// Takes in the upstream's readings of a pool. `described` is the pool's configuration.
    pub fn take_in(&self, pool: usize, readings: Vec<Reading>, described: &Pool, now: Millis) {
        self.pools[pool].gauge.take_in(readings, described, now);
    }

    /// Takes in the readings of the head of an answer to a request sent at `sent`, and returns the ended limits
    /// of models.
    pub fn hear(
        &self,
        pool: usize,
        readings: Vec<Reading>,
        described: &Pool,
        (sent, now): (Millis, Millis),
    ) -> Vec<Moved> {
        self.take_in(pool, readings, described, now);
        let slot = &self.pools[pool];
        let limits = slot.generating().limits_of_models(sent, now);
        if limits.is_empty() {
            return Vec::new();
        }
        let windows = slot.gauge.windows();
        let ended = limits.into_iter().filter_map(|(models, limit)| {
            let end = windows.ended_by_head(limit, &as_named(&models, described), sent, now)?;
            let moved = slot.generating().amend(Some(&models), limit, end, now);
            moved.then_some(Moved { models: Some(models), end })
        });
        let ended: Vec<Moved> = ended.collect();
        if !ended.is_empty() {
            self.notifier.notify();
        }
        ended
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
    pub fn health_stats(&self, pool: usize) -> HealthView {
        self.pools[pool].health_stats.view()
    }

    /// Returns the quotas on the route for generating with `model` in a pool: the models of each quota, and
    /// the limit if in force.
    pub fn limits(
        &self,
        pool: usize,
        model: &ModelId,
        now: Millis,
    ) -> Vec<(Option<ModelSet>, Option<LimitSeen>)> {
        let states = self.pools[pool].generating().states(model).into_iter();
        states.map(|(models, state)| (models, state.limit(now))).collect()
    }

    /// Returns the limit in force for generating with `model` in a pool; among several, the limit with the
    /// latest end.
    pub fn limit(&self, pool: usize, model: &ModelId, now: Millis) -> Option<LimitSeen> {
        let limits = self.limits(pool, model, now).into_iter();
        limits.filter_map(|(_, limit)| limit).max_by_key(|limit| limit.until)
    }

    /// Restores a stored limit of the pool, or of some models.
    /// Returns the kind of the last limit that held back requests for a model.
    pub fn limit_kind(&self, pool: usize, operation: Operation, model: &ModelId) -> LimitKind {
        let cells = self.pools[pool].existing(operation);
        cells.map_or(LimitKind::Unknown, |cells| cells.limit_kind(model))
    }

    pub fn recall(&self, pool: usize, models: Option<&ModelSet>, limit: Limit, now: Millis) {
        self.pools[pool].generating().recall(models, limit, now);
    }

    /// Returns the cooldown in force: the reason and the end.
    pub fn cooldown(&self, now: Millis) -> Option<(Reason, Millis)> {
        self.health().limit(now).map(|limit| (self.reason(), limit.until))
    }

    /// Restores a cooldown of an earlier process, unless the account is in cooldown already.
    pub fn restore_cooldown(&self, reason: Reason, until: Millis, now: Millis) {
        if self.cooldown(now).is_none() {
            self.health_for(Operation::Generating).restore(Limit::Predicted { until }, reason, now);
        }
    }

    /// Takes over a limit of the pool, or of some models, that another process has heard last. A limit that
    /// is over ends here too.
    pub fn take_over(&self, pool: usize, models: Option<&ModelSet>, limit: Limit, now: Millis) {
        if self.pools[pool].generating().take_over(models, limit, now) {
            self.notifier.notify();
        }
    }

    /// Runs the quick check of a pool, for plans over very many accounts.
    ///
    /// The quick check reads less than [`Account::obstacles`]. A pool with cells per model always fails the
    /// quick check and gets the full view.
    #[inline]
    pub(super) fn quick_check(&self, to: &Way<'_>, now: Millis) -> QuickCheck {
        let cells = self.pools[to.pool].cells(to.operation);
        let quota = cells.look_at(to.model, Quota::state);
        let is_plainly_open = cells.scope != Scope::Model
            && cells.by_model.is_empty()
            && quota.denial(Touch::Lease { bound: to.bound }, now).is_none()
            && self.is_plainly_passable(to, now);
        QuickCheck { is_plainly_open, in_flight: quota.in_flight }
    }

    #[inline]
    fn is_plainly_passable(&self, to: &Way<'_>, now: Millis) -> bool {
        let cells = self.pools[to.pool].cells(to.operation);
        let (own, shared) = (&cells.ways[to.way], to.endpoint.cells(to.operation));
        !to.full
            && cells.quota.learned(now).is_none()
            && self.health_for(to.operation).denial(Touch::Pass, now).is_none()
            && own.cell.denial(Touch::Pass, now).is_none()
            && own.models.is_empty()
            && shared.cell.denial(Touch::Pass, now).is_none()
            && shared.models.is_empty()
            && self.standing() == Standing::Ready
    }

    /// Returns every obstacle on the route to a model in a pool at an endpoint.
    pub(super) fn obstacles(&self, to: &Way<'_>, now: Millis) -> Obstacles {
        let cells = self.pools[to.pool].cells(to.operation);
        let (own, shared) = (&cells.ways[to.way], to.endpoint.cells(to.operation));
        let mut breakers = [None; BreakerScope::COUNT];
        breakers[BreakerScope::Account.index()] = self.health_for(to.operation).denied(now);
        breakers[BreakerScope::Way.index()] = own.cell.denied(now);
        breakers[BreakerScope::WayModel.index()] = own.models.denied(to.model, now);
        breakers[BreakerScope::Endpoint.index()] = shared.cell.denied(now);
        breakers[BreakerScope::EndpointModel.index()] = shared.models.denied(to.model, now);
        let barred = cells.barred(to.model, to.bound, now);
        let (quota, learned, is_quota) = (barred.quota, barred.learned, barred.is_quota);
        Obstacles { standing: self.standing(), full: to.full, quota, learned, is_quota, breakers }
    }

    /// Returns the times of early probes of a pool with a limit in force.
    pub(super) fn early(&self, to: &Way<'_>, recheck: Duration, now: Millis) -> Option<EarlyTimes> {
        self.pools[to.pool].cells(to.operation).early(to.model, to.bound, recheck, now)
    }

    /// Reopens the account after a change of credential.
    pub fn reopen(&self) {
        self.needs_sign_in.store(false, Ordering::Release);
        self.health.iter().for_each(|breaker| breaker.reset());
        self.notifier.notify();
    }

    /// Reopens every cell of the account by order of the operator.
    pub fn reset(&self) {
        self.needs_sign_in.store(false, Ordering::Release);
        self.health.iter().for_each(|breaker| breaker.reset());
        self.pools.iter().for_each(PoolSlot::reset);
        self.notifier.notify();
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::time::Duration;

    use pointsman_core::admission::cell::Settled;

    use pointsman_core::admission::cell::Cell;

    use crate::fleet::quota::AdmissionKind;
    use crate::fleet::testing::provider;

    use super::*;

    const NOW: Millis = Millis(1_000);

    /// Closes a cell and checks both the quick check and the full view before and after the limit's end.
    fn check(close: impl FnOnce(&Account, &EndpointState, &ModelId), ends: bool) {
        let provider = provider();
        let account = Account::new(AccountId::new("acme:a"), 0, Identity(0), &provider, Arc::default());
        let endpoint = EndpointState::new(&provider.pools[0].endpoints[0]);
        let model = ModelId::new("m");
        let operation = Operation::Generating;
        let to =
            Way { pool: 0, way: 0, endpoint: &endpoint, model: &model, operation, bound: 4, full: false };
        let full = |now| account.obstacles(&to, now).closed().is_none();
        let quick = |to: &Way<'_>, now| account.quick_check(to, now).is_plainly_open;
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
        let limit = Limit::Reported { until: NOW.after(Duration::from_secs(30)) };
        let learn = |cell: &Cell| assert!(matches!(cell.learn(limit, NOW), Settled::Tripped { .. }));
        check(
            |account, _, _| {
                assert!(matches!(
                    account.pools[0].generating().quota.recall(limit, NOW),
                    Settled::Tripped { .. }
                ))
            },
            true,
        );
        check(|account, _, _| learn(account.health_for(Operation::Generating)), true);
        check(|account, _, _| learn(&account.pools[0].generating().ways[0].cell), true);
        check(|account, _, model| learn(&account.pools[0].generating().ways[0].models.make(model)), true);
        check(|_, endpoint, _| learn(&endpoint.cells(Operation::Generating).cell), true);
        check(|_, endpoint, model| learn(&endpoint.cells(Operation::Generating).models.make(model)), true);
        check(|account, _, _| assert!(account.require_sign_in(None)), false);
        let fill = |quota: &Quota| while quota.admit(4, AdmissionKind::Usual, NOW).is_ok() {};
        check(|account, _, _| fill(&account.pools[0].generating().quota), false);
    }
}
