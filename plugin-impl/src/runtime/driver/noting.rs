//! Readings: the quota reported in an answer's headers, for any outcome.

use http::HeaderMap;
use pointsman_core::ids::ModelId;
use pointsman_core::planning::snapshot::{Snapshot, WayView};
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::quota::reading::{self, Reading, capped};
use pointsman_core::request::catalog::Scope;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::Outcome;

use crate::edges::store::SavedLimit;
use crate::fleet::Lease;
use crate::fleet::inquiry::Moved;
use crate::fleet::lease::Target;
use crate::runtime::answer::Watch;
use crate::runtime::quota::{self, Subject};

use super::RequestDriver;

impl RequestDriver<'_> {
    /// Watches how an answer ends that is about to be delivered.
    pub(super) fn watched(&self, lease: Option<Lease>) -> Option<Watch> {
        let (fleet, clock) = (&self.shared.fleet, self.shared.clock);
        let session = self.resolved.agent_at(self.hop());
        let watch = |lease| Watch::new(lease, self.resolved.intent.format, fleet.affinity.clone(), clock);
        lease.map(watch).map(|watch| watch.of_session(session))
    }

    /// Takes in the readings of the current attempt's answer.
    pub(super) fn note_readings(&self, headers: &HeaderMap) {
        let Some(attempt) = &self.attempt else { return };
        let now = self.shared.clock.now();
        let readings = reading::in_headers(headers, now);
        if readings.is_empty() {
            return;
        }
        let target = attempt.lease.target();
        let pool = self.hop().route.pool(target.pool);
        // Where a limit is of one model, so is what its answers tell.
        let model = (pool.scope == Scope::Model).then(|| self.named(target));
        let own = model.map(ModelSet::One);
        let of_model = |reading: Reading| Reading { model: reading.model.or_else(|| own.clone()), ..reading };
        let readings = readings.into_iter().map(of_model).collect();
        // The driver's time is still that of sending.
        let ended = target.account.hear(target.pool, readings, pool, (self.now, now.mono));
        ended.into_iter().for_each(|moved| self.keep_end(target, moved));
    }

    /// Stores the end of a limit ended by a head.
    fn keep_end(&self, target: &Target, moved: Moved) {
        self.shared.counters.limits_moved.count();
        if target.account.is_callers() {
            return; // What is of a caller is kept nowhere.
        }
        let now = self.shared.clock.now();
        let limit = SavedLimit { heard: now.wall, until: now.wall_of(moved.end), known: true };
        let pool = &self.hop().route.pool(target.pool).name;
        self.shared.store.learn_limit((&target.account.id, pool), moved.models.as_ref(), limit);
    }

    /// Corrects a hint by the readings; see [`capped`].
    ///
    /// A hint is corrected once. If the attempt after a limit is refused again, the hint was right, and no
    /// reading covers the limit.
    pub(super) fn corrected(&self, evidence: Evidence, target: &Target) -> Evidence {
        let Outcome::Limited(_) = evidence.outcome else { return evidence };
        let named = self.named(target);
        let spent_until = target.account.spent_until(target.pool, &target.model, named.as_str(), self.now);
        let until = capped(evidence.until, spent_until);
        evidence.ending(until)
    }

    /// Starts a quota poll of the current attempt's pool.
    pub(super) fn ask_quota(&self, account: u32, pool: usize) {
        let subject = Subject { provider: self.hop().provider, account: account as usize, pool };
        quota::ask_if_due(self.shared, self.generation, subject);
    }

    /// Polls the quota behind each limit in the way of this request: a limit may already be over.
    pub(super) fn ask_about_limits(&self, snapshot: &Snapshot) {
        if self.generation.config.providers[self.hop().provider].quota_urls.iter().all(Option::is_none) {
            return;
        }
        for account in &snapshot.accounts {
            let limited = |way: &&WayView| way.closed.is_some_and(|closed| closed.why.is_limit());
            account
                .ways
                .iter()
                .filter(limited)
                .for_each(|way| self.ask_quota(account.index, way.pool.into()));
        }
    }

    /// Returns the pool's name of the model.
    pub(super) fn named(&self, target: &Target) -> ModelId {
        let route = &self.hop().route;
        ModelId::new(route.pool(target.pool).model(&route.model))
    }
}
