//! Notices: a change seen first by this request becomes a notice, once the request's way on is known.

use std::time::Duration;

use pointsman_core::admission::blame::{BreakerScope, Reason};
use pointsman_core::planning::plan::Refusal;
use pointsman_core::planning::settings::FallbackOrder;
use pointsman_core::reporting::announce::{Kinds, Onward, RouteScope, Trip, announce, standstill};
use pointsman_core::reporting::notice::{self, Notice, Trouble, seconds_until};
use pointsman_core::response::outcome::LimitKind;
use pointsman_core::time::Millis;

use crate::edges::notices::MetBy;
use crate::edges::store::SavedLimit;
use crate::fleet::lease::Target;
use crate::fleet::{Lease, Settlement};
use crate::runtime::failover::Hop;

use super::RequestDriver;
use super::look::Seen;

/// The pause between notices of an ongoing event with an unknown end.
const SILENCE: Duration = Duration::from_secs(3_600);

/// What is still to be told.
#[derive(Default)]
pub(super) struct Telling {
    /// Changes seen first by this request, not yet reported by a notice.
    news: Vec<(Trip, Option<Millis>)>,
    /// The hop of the unreported changes.
    news_hop: usize,
    /// The last plan had more than a single open account.
    pub(super) others_open: bool,
}

impl RequestDriver<'_> {
    /// Remembers the change by an answer; `status` is the HTTP status, or 0 without an answer.
    pub(super) fn learned(&mut self, settlement: Settlement, target: &Target, status: u16) {
        let status = (status > 0).then_some(status);
        note_status(&settlement, target, status);
        let account = target.account.id.clone();
        let (trip, until) = match settlement {
            // A moment of doubt is no news.
            Settlement::Nothing | Settlement::Closed { reason: Reason::Refused, .. } => return,
            Settlement::Folded => {
                // An end that was told may have taken the place of a guess, or have moved it.
                self.keep_limit(target);
                return self.shared.counters.burst_duplicates.count();
            }
            Settlement::Limited { models: _, until, kind } => {
                self.shared.counters.trips.count();
                self.keep_limit(target);
                let limit = Kinds { pool: kind, account: self.common_kind(kind, target) };
                (Trip::Pool { account, pool: described(self.hop(), target.pool), limit }, Some(until))
            }
            Settlement::Closed { breaker, reason, until } => {
                (self.closed(breaker, (reason, status), target), Some(until))
            }
            Settlement::SignIn { url } => (Trip::SignIn { account, url }, None),
        };
        self.telling.news.push((trip, until));
        self.telling.news_hop = self.dispatch.hop();
    }

    /// Returns the kind of the limits of all pools of the account on this hop, or unknown for several kinds.
    fn common_kind(&self, kind: LimitKind, target: &Target) -> LimitKind {
        let mut others = self.hop().route.pools().iter().filter(|pool| **pool != target.pool);
        let kind_of = |pool| target.account.limit_kind(pool, target.operation, &target.model);
        let is_same = |pool: &usize| kind_of(*pool) == kind;
        if others.all(is_same) { kind } else { LimitKind::Unknown }
    }

    fn closed(
        &self,
        breaker: BreakerScope,
        (reason, status): (Reason, Option<u16>),
        target: &Target,
    ) -> Trip {
        let (account, provider) = (target.account.id.clone(), self.hop().route.provider.id.clone());
        let trouble = Trouble { reason, status, place: target.endpoint.url.place() };
        match breaker {
            BreakerScope::Account | BreakerScope::Way | BreakerScope::WayModel => {
                Trip::Account { account, trouble }
            }
            BreakerScope::Endpoint => Trip::Endpoint { provider, model: None, trouble },
            BreakerScope::EndpointModel => {
                Trip::Endpoint { provider, model: Some(self.hop().model.clone()), trouble }
            }
        }
    }

    /// Adds the provider, host and port of the current attempt to a failure's reason.
    pub(super) fn placed(&self, seen: Seen) -> Seen {
        match (seen, &self.attempt) {
            (Seen::Nothing(why), Some(attempt)) => {
                let (provider, place) =
                    (&self.hop().route.provider.id, attempt.lease.target().endpoint.url.place());
                Seen::Nothing(format!("{provider} at {place}: {why}"))
            }
            (seen, _) => seen,
        }
    }

    /// Stores the present state of a limit, for the next start and for other processes.
    pub(super) fn keep_limit(&self, target: &Target) {
        let (account, pool) = (&target.account, self.hop().route.pool(target.pool));
        if account.is_callers() {
            return; // What is of a caller is kept nowhere.
        }
        let now = self.shared.clock.now();
        for (models, limit) in account.limits(target.pool, &target.model, now.mono) {
            let limit = SavedLimit::of(limit, now);
            self.shared.store.learn_limit((&account.id, &pool.name), models.as_ref(), limit);
        }
    }

    pub(super) fn onward(&self, lease: &Lease) -> Onward {
        if self.dispatch.hop() > self.telling.news_hop {
            return Onward::Hop;
        }
        let target = lease.target();
        Onward::Way { account: target.account.id.clone(), pool: described(self.hop(), target.pool) }
    }

    /// Sends the pending notices, now that the request's way on is known.
    pub(super) fn tell_news(&mut self, onward: &Onward) {
        let order = self.generation.config.settings.fallback_order;
        let pools = match order {
            FallbackOrder::AccountFirst => self.hop().route.pools().len(),
            FallbackOrder::PoolFirst => 1,
        };
        let scope = RouteScope { pinned: self.hop().route.is_pinned(), pools };
        for (trip, until) in std::mem::take(&mut self.telling.news) {
            if let Some(event) = announce(trip, onward, scope) {
                self.tell(event, until);
            }
        }
    }

    /// Sends a notice of a failover to another provider, once per event.
    pub(super) fn tell_fall(&self) {
        let (Some(left), Some(hop)) = (self.dispatch.left(), self.dispatch.hop().checked_sub(1)) else {
            return;
        };
        let (now, until) = (self.now, left.until);
        if !self.queueing.wait_queue.announce_fall(hop, until.unwrap_or(now.after(SILENCE)), now) {
            return;
        }
        let route = &self.resolved.hop(hop).route;
        let titles: Vec<&str> = route.pools().iter().map(|pool| route.pool(*pool).title.as_str()).collect();
        let (from, to) = (titles.join(" and "), self.hop().name());
        self.tell(notice::NoticeEvent::ProviderFallback { from, to, left: left.counts }, until);
    }

    pub(super) fn tell(&self, event: notice::NoticeEvent, until: Option<Millis>) {
        let now = self.shared.clock.now();
        let until = until.map(|until| now.wall_of(until));
        let met_by = if self.resolved.is_subagents() { MetBy::Subagent } else { MetBy::Session };
        self.shared.notices.tell(&Notice { event, until }, met_by, &self.shared.counters, now.wall);
    }

    pub(super) fn tell_wait(&self, until: Millis, refusal: &Refusal) {
        let seconds = seconds_until(until, self.now);
        self.tell_standstill(refusal, Some(seconds), Some(until));
    }

    pub(super) fn tell_refusal(&self, refusal: &Refusal) {
        self.tell_standstill(refusal, None, refusal.until);
    }

    fn of_binding(&self) -> Option<notice::NoticeEvent> {
        let bound = self.bound_to()?;
        Some(notice::NoticeEvent::Bound { account: Some(bound.account), by: bound.by, left_out: false })
    }

    /// Sends a notice of a standstill of every account, once per event.
    fn tell_standstill(&self, refusal: &Refusal, seconds: Option<u64>, until: Option<Millis>) {
        let event = standstill(self.resolved.subject(), refusal.counts, seconds);
        let bound = self.of_binding().filter(|_| refusal.counts.protected == 0);
        let Some(event) = bound.or(event) else { return };
        let now = self.now;
        let end = until.unwrap_or(now.after(SILENCE));
        let is_news = if matches!(event, notice::NoticeEvent::Protected { .. }) {
            self.queueing.wait_queue.announce_protection(end, now)
        } else {
            self.queueing.wait_queue.announce_wait(end, now)
        };
        if is_news {
            self.tell(event, until);
        }
    }
}

/// Keeps the status behind a closing that needs the account's owner.
fn note_status(settlement: &Settlement, target: &Target, status: Option<u16>) {
    let needs_owner = match settlement {
        Settlement::Closed { reason, .. } => reason.is_owners(),
        Settlement::SignIn { .. } => true,
        Settlement::Nothing | Settlement::Folded | Settlement::Limited { .. } => false,
    };
    if needs_owner {
        target.account.note_status(status);
    }
}

/// Returns a pool by name and title.
pub(super) fn described(hop: &Hop, pool: usize) -> notice::Pool {
    let pool = hop.route.pool(pool);
    notice::Pool { name: pool.name.clone(), title: pool.title.clone() }
}
