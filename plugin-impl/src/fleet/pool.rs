//! A pool of an account: the cells of each operation, and the state shared by every operation.

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pointsman_core::admission::cell::{CellState, Deny, Limit, LimitSeen};
use pointsman_core::admission::health_stats::HealthStats;
use pointsman_core::admission::throttle::Throttle;
use pointsman_core::admission::timetable::Timetable;
use pointsman_core::formats::operation::Operation;
use pointsman_core::ids::ModelId;
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::request::catalog::{MAX_IN_FLIGHT, Pool, Scope};
use pointsman_core::response::outcome::LimitKind;
use pointsman_core::time::Millis;
use smallvec::SmallVec;

use super::breaker::Breaker;
use super::gauge::Gauge;
use super::keyed::Keyed;
use super::quota::{EarlyTimes, Quota};

/// The state of a pool of an account.
#[derive(Debug)]
pub(super) struct PoolSlot {
    generating: PoolCells,
    /// The cells of the side operations, created on first use.
    side: [OnceLock<Box<PoolCells>>; Operation::COUNT - 1],
    pub(super) health_stats: HealthStats,
    pub(super) tally: Tally,
    pub(super) gauge: Gauge,
    /// The schedule of quota polls.
    pub(super) timetable: Timetable,
    /// Consecutive quota polls without an answer.
    pub(super) failures: AtomicU32,
    /// The throttle: the most requests in flight, halved by 429s without a reset time.
    pub(super) throttle: Throttle,
}

/// The cells of a pool for an operation.
#[derive(Debug)]
pub(super) struct PoolCells {
    /// The pool's scope of counting: requests per pool or per model, unless an answer says more.
    pub(super) scope: Scope,
    pub(super) quota: Quota,
    pub(super) by_model: Keyed<Quota>,
    pub(super) ways: Box<[WayCells]>,
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

/// A quota on a request's route.
#[derive(Clone, Debug)]
pub(super) enum Passed {
    /// The pool's quota.
    Pool,
    /// The quota of some models.
    Models(ModelSet, Arc<Quota>),
}

/// The denials of the quotas on a model's route.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Barred {
    /// The denial by the upstream's limits.
    pub(super) quota: Option<Deny>,
    /// The denial by experience.
    pub(super) learned: Option<Deny>,
    /// Whether the last limit of the quota with the later end was a quota in the upstream's words.
    pub(super) is_quota: bool,
}

impl PoolSlot {
    /// Makes the state of a provider's pool.
    pub(super) fn of(pool: &Pool) -> Self {
        Self::new(pool.scope, pool.endpoints.len())
    }

    /// Returns fresh state of equal shape.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.generating.scope, self.generating.ways.len())
    }

    fn new(scope: Scope, ways: usize) -> Self {
        Self {
            generating: PoolCells::new(scope, ways),
            side: Default::default(),
            health_stats: HealthStats::default(),
            tally: Tally::default(),
            gauge: Gauge::default(),
            timetable: Timetable::default(),
            failures: AtomicU32::new(0),
            throttle: Throttle::default(),
        }
    }

    /// Returns the cells of an operation.
    #[inline]
    pub(super) fn cells(&self, operation: Operation) -> &PoolCells {
        match operation.index().checked_sub(1) {
            None => &self.generating,
            Some(side) => self.side[side]
                .get_or_init(|| Box::new(PoolCells::new(self.generating.scope, self.generating.ways.len()))),
        }
    }

    /// Returns the cells for an operation, if ever used.
    pub(super) fn existing(&self, operation: Operation) -> Option<&PoolCells> {
        match operation.index().checked_sub(1) {
            None => Some(&self.generating),
            Some(side) => self.side[side].get().map(|cells| &**cells),
        }
    }

    /// Returns the cells for generating.
    #[inline]
    pub(super) fn generating(&self) -> &PoolCells {
        &self.generating
    }

    /// Halves the throttle. A pool with counts per model is left alone, since no single model speaks for
    /// the pool.
    pub(super) fn halve(&self, operation: Operation, now: Millis) {
        if operation == Operation::Generating && self.generating.scope != Scope::Model {
            // The one that met the event has been given back already.
            self.throttle.halve(self.generating.quota.state().in_flight.saturating_add(1), now);
        }
    }

    /// Resets every cell by order of the operator.
    pub(super) fn reset(&self) {
        self.generating.reset();
        self.side.iter().filter_map(OnceLock::get).for_each(|cells| cells.reset());
        self.health_stats.reset();
    }
}

impl PoolCells {
    fn new(scope: Scope, ways: usize) -> Self {
        let ways = (0..ways).map(|_| WayCells::default()).collect();
        Self { scope, quota: Quota::default(), by_model: Keyed::default(), ways }
    }

    /// Reads the quota with the count of requests for `model`, or returns the default if the quota was
    /// never needed.
    pub(super) fn look_at<T: Default>(&self, model: &ModelId, look: impl FnOnce(&Quota) -> T) -> T {
        match self.scope {
            Scope::Pool | Scope::Auto => look(&self.quota),
            Scope::Model => self.by_model.find(model).map_or_else(T::default, |quota| look(&quota)),
        }
    }

    /// Returns the quotas on the route of `model`. The first counts the request.
    pub(super) fn passed(&self, model: &ModelId) -> SmallVec<[Passed; 1]> {
        let others = self.by_model.covering(model).into_iter();
        let others = others.map(|(models, quota)| Passed::Models(models, quota));
        match self.scope {
            Scope::Pool | Scope::Auto => std::iter::once(Passed::Pool).chain(others).collect(),
            // Models are counted apart: the model's own quota counts the request, and limits of the pool
            // still apply.
            Scope::Model => {
                let own = ModelSet::One(model.clone());
                let quota = self.by_model.make_set(&own);
                let others = others.filter(|passed| !passed.is_of(&own)).collect::<SmallVec<[_; 1]>>();
                let own = Passed::Models(own, quota);
                std::iter::once(own).chain([Passed::Pool]).chain(others).collect()
            }
        }
    }

    /// Returns the quota of a set of models.
    pub(super) fn of_models(&self, models: &ModelSet) -> Passed {
        Passed::Models(models.clone(), self.by_model.make_set(models))
    }

    /// Returns the quota.
    #[inline]
    pub(super) fn quota<'a>(&'a self, passed: &'a Passed) -> &'a Quota {
        match passed {
            Passed::Pool => &self.quota,
            Passed::Models(_, quota) => quota,
        }
    }

    /// Returns the denials for `model`: among several quotas, the denial with the latest end.
    pub(super) fn barred(&self, model: &ModelId, bound: u16, now: Millis) -> Barred {
        let of = |quota: &Quota, bound| Barred {
            quota: quota.denial(bound, now),
            learned: quota.learned(now),
            is_quota: quota.kind() == LimitKind::Quota,
        };
        let pool = match self.scope {
            Scope::Pool | Scope::Auto => of(&self.quota, bound),
            Scope::Model => of(&self.quota, MAX_IN_FLIGHT),
        };
        self.by_model.covering(model).iter().fold(pool, |barred, (models, quota)| {
            let counts = self.scope == Scope::Model && matches!(models, ModelSet::One(_));
            barred.joined(of(quota, if counts { bound } else { MAX_IN_FLIGHT }))
        })
    }

    /// Returns the times of early probes for `model`, if every closed quota on the route allows early
    /// probes.
    pub(super) fn early(
        &self,
        model: &ModelId,
        bound: u16,
        recheck: Duration,
        now: Millis,
    ) -> Option<EarlyTimes> {
        let covering = self.by_model.covering(model);
        let quotas = std::iter::once(&self.quota).chain(covering.iter().map(|(_, quota)| &**quota));
        // Every quota that is closed has to allow the probe.
        let closed = quotas.filter(|quota| now < quota.state().until);
        let early = closed.map(|quota| quota.early(bound, recheck, now));
        early.reduce(|one, other| Some(one?.joined(other?))).flatten()
    }

    /// Returns the kind of the last limit on the route of `model`: of the quota with the latest end.
    pub(super) fn limit_kind(&self, model: &ModelId) -> LimitKind {
        let covering = self.by_model.covering(model);
        let quotas = std::iter::once(&self.quota).chain(covering.iter().map(|(_, quota)| &**quota));
        quotas.max_by_key(|quota| quota.state().until).map_or(LimitKind::Unknown, Quota::kind)
    }

    /// Returns the limits in force, with the limited models, or `None` for the pool.
    pub(super) fn limits(&self, now: Millis) -> Vec<(Option<ModelSet>, LimitSeen)> {
        let pool = self.quota.state().limit(now).map(|limit| (None, limit));
        let cells = self.by_model.all().into_iter();
        let models = cells.filter_map(|(models, quota)| Some((Some(models), quota.state().limit(now)?)));
        pool.into_iter().chain(models).collect()
    }

    /// Returns the limits of models in force, begun at or before `instant`.
    pub(super) fn limits_of_models(&self, instant: Millis, now: Millis) -> Vec<(ModelSet, LimitSeen)> {
        let begun = |quota: &Quota| quota.state().limit(now).filter(|_| quota.last_refused() <= instant);
        let cells = self.by_model.all().into_iter();
        cells.filter_map(|(models, quota)| Some((models, begun(&quota)?))).collect()
    }

    /// Returns the state of each quota on the route of `model`.
    pub(super) fn states(&self, model: &ModelId) -> Vec<(Option<ModelSet>, CellState)> {
        let covering = self.by_model.covering(model).into_iter();
        let models = covering.map(|(models, quota)| (Some(models), quota.state()));
        std::iter::once((None, self.quota.state())).chain(models).collect()
    }

    /// Restores a stored limit.
    pub(super) fn recall(&self, models: Option<&ModelSet>, limit: Limit, now: Millis) {
        match models {
            None => drop(self.quota.recall(limit, now)),
            Some(models) => drop(self.by_model.make_set(models).recall(limit, now)),
        }
    }

    /// Takes over the last report of another process. Returns whether the cell changed.
    pub(super) fn take_over(&self, models: Option<&ModelSet>, limit: Limit, now: Millis) -> bool {
        match models {
            None => self.quota.take_over(limit, now),
            Some(models) => self.by_model.make_set(models).take_over(limit, now),
        }
    }

    /// Moves the end of a limit; see [`Quota::amend`].
    pub(super) fn amend(&self, models: Option<&ModelSet>, seen: LimitSeen, end: Millis, now: Millis) -> bool {
        match models {
            None => self.quota.amend(seen, end, now),
            Some(models) => self.by_model.find_set(models).is_some_and(|quota| quota.amend(seen, end, now)),
        }
    }

    fn reset(&self) {
        self.quota.reset();
        self.by_model.all().iter().for_each(|(_, quota)| quota.reset());
        for way in &self.ways {
            way.cell.reset();
            way.models.all().iter().for_each(|(_, cell)| cell.reset());
        }
    }
}

impl Passed {
    fn is_of(&self, models: &ModelSet) -> bool {
        matches!(self, Self::Models(own, _) if own == models)
    }

    /// Returns the models of the quota, or `None` for the pool's quota.
    pub(super) fn models(&self) -> Option<&ModelSet> {
        match self {
            Self::Pool => None,
            Self::Models(models, _) => Some(models),
        }
    }
}

impl Barred {
    fn joined(self, other: Self) -> Self {
        let is_quota = if self.end() >= other.end() { self.is_quota } else { other.is_quota };
        let (quota, learned) = (later(self.quota, other.quota), later(self.learned, other.learned));
        Self { quota, learned, is_quota }
    }

    /// Returns the latest end of the denials.
    fn end(&self) -> Option<Millis> {
        self.quota.iter().chain(&self.learned).filter_map(end).max()
    }
}

/// Returns the denial with the later end. A denial without an end ranks last.
fn later(one: Option<Deny>, other: Option<Deny>) -> Option<Deny> {
    one.into_iter().chain(other).max_by_key(end)
}

fn end(deny: &Deny) -> Option<Millis> {
    match deny {
        Deny::Limited { until, .. } | Deny::Predicted { until, .. } => Some(*until),
        Deny::Probing | Deny::Full => None,
    }
}
