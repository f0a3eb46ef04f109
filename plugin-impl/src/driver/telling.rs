//! Telling: what a request was the first to learn becomes a notice, once it is known where it goes on.

use pointsman_core::announce::{Onward, Scope, Trip, announce};
use pointsman_core::blame::{Gate, Reason};
use pointsman_core::ids::AccountId;
use pointsman_core::notice::{self, Notice, seconds_until};
use pointsman_core::plan::Refusal;
use pointsman_core::settings::FallbackOrder;
use pointsman_core::time::Millis;

use crate::call::Routed;
use crate::fleet::lease::Target;
use crate::fleet::{Lease, Settlement};
use crate::store::{Record, SavedLimit};

use super::Journey;

impl Journey<'_> {
    pub(super) fn learned(&mut self, settlement: Settlement, target: &Target) {
        let account = target.account.id.clone();
        let (trip, until) = match settlement {
            Settlement::Nothing => return,
            Settlement::Folded => return self.shared.counters.burst_duplicates.count(),
            Settlement::PoolLimited { until } => {
                self.shared.counters.trips.count();
                self.keep_limit(target, until);
                (Trip::Pool { account, pool: described(self.routed, target.pool) }, Some(until))
            }
            Settlement::Closed { gate, reason, until } => (self.closed(gate, reason, account), Some(until)),
            Settlement::SignIn { url } => (Trip::SignIn { account, url }, None),
        };
        self.news.push((trip, until));
    }

    fn closed(&self, gate: Gate, reason: Reason, account: AccountId) -> Trip {
        let provider = self.routed.route.provider.id.clone();
        match gate {
            Gate::Account | Gate::Way | Gate::WayModel => Trip::Account { account, reason },
            Gate::Endpoint => Trip::Endpoint { provider, model: None, reason },
            Gate::EndpointModel => {
                Trip::Endpoint { provider, model: Some(self.routed.model.clone()), reason }
            }
        }
    }

    fn keep_limit(&self, target: &Target, until: Millis) {
        let (account, pool) = (target.account.id.clone(), self.routed.route.pool(target.pool).name.clone());
        let limit = SavedLimit { until: self.shared.clock.now().wall_of(until) };
        self.shared.store.save(Record::Limit { account, pool, limit });
    }

    pub(super) fn onward(&self, lease: &Lease) -> Onward {
        let target = lease.target();
        Onward::Way { account: target.account.id.clone(), pool: described(self.routed, target.pool) }
    }

    /// Tells what was learned, now that it is known where the request goes on.
    pub(super) fn tell_news(&mut self, onward: &Onward) {
        let order = self.generation.config.settings.fallback_order;
        let pools = match order {
            FallbackOrder::AccountFirst => self.routed.route.pools().len(),
            FallbackOrder::PoolFirst => 1,
        };
        let scope = Scope { pinned: self.routed.route.is_pinned(), pools };
        for (trip, until) in std::mem::take(&mut self.news) {
            self.tell(announce(trip, onward, scope), until);
        }
    }

    pub(super) fn tell(&self, event: notice::Event, until: Option<Millis>) {
        let now = self.shared.clock.now();
        let until = until.map(|until| now.wall_of(until));
        self.shared.notices.tell(&Notice { event, until }, &self.shared.counters);
    }

    pub(super) fn tell_wait(&self, until: Millis, refusal: &Refusal) {
        let (now, counts) = (self.now(), refusal.counts);
        let family = self.routed.subject().to_owned();
        let seconds = seconds_until(until, now);
        let event = match (counts.limited, counts.cooling) {
            (0, 0) => return,
            (limited, cooling) if limited >= cooling => {
                notice::Event::AllLimited { family, accounts: limited + counts.busy, seconds }
            }
            (_, _) => notice::Event::AllCooling { family, seconds },
        };
        if self.lane.announce(until, now) {
            self.tell(event, Some(until));
        }
    }
}

/// Returns a pool by its name and title.
pub(super) fn described(routed: &Routed, pool: usize) -> notice::Pool {
    let pool = routed.route.pool(pool);
    notice::Pool { name: pool.name.clone(), title: pool.title.clone() }
}
