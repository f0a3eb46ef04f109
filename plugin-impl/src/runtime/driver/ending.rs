//! The end of a request: the answer's delivery, or a refusal.

use http::{HeaderMap, StatusCode};
use pointsman_core::planning::plan::Refusal;
use pointsman_core::reporting::announce::Onward;
use pointsman_core::reporting::route_reason::RouteReason;
use pointsman_core::request::resource::{self, IdScanner};

use crate::fleet::Lease;
use crate::runtime::answer::{Answer, Recorder};
use crate::runtime::journal::record::How;

use super::RequestDriver;
use super::look::Seen;
use super::reply::{Blocking, Reply, Served};

impl RequestDriver<'_> {
    pub(super) fn deliver(mut self) -> Answer {
        self.resolve_doubts();
        self.tell_news(&Onward::GiveUp);
        if self.dispatch.is_withheld()
            && let Some(served) = self.heard.served.as_mut()
        {
            served.route_reason = RouteReason::RetryBudget;
        }
        let lease = self.attempt.take().map(|attempt| attempt.lease);
        let counters = &self.shared.counters;
        // Fallbacks and switches count only for a good answer: a lease is left only then.
        if lease.is_some()
            && let Some(served) = self.heard.served.as_ref()
        {
            counters.provider_fallbacks.add(served.left_primary.into());
            counters.pool_fallbacks.add(served.fell_back.into());
            counters.account_switches.add(served.switched.into());
        }
        match self.heard.seen.take() {
            Some(Seen::Answer(mut seen)) => {
                // The upstream did its part if the request itself was at fault.
                if lease.is_some() || seen.is_callers_fault {
                    counters.answered.count()
                } else {
                    counters.failed.count()
                }
                self.answered(seen.status);
                self.note_turn(&seen.headers, lease.as_ref());
                self.spare_warnings(&mut seen);
                let recorder = self.recorder(lease.as_ref());
                let watch = self.watched(lease);
                self.reply(self.heard.served.as_ref()).relayed(*seen, watch, recorder, counters)
            }
            Some(Seen::Nothing(why)) => {
                counters.failed.count();
                self.ended(How::Failed(why.clone()));
                self.reply(self.heard.served.as_ref()).unreachable(&why)
            }
            None => {
                counters.failed.count();
                self.ended(How::Failed("no attempt was made".to_owned()));
                Reply { attempts: 0, ..self.reply(None) }.unreachable("no attempt was made")
            }
        }
    }

    pub(super) fn reply<'r>(&'r self, served: Option<&'r Served>) -> Reply<'r> {
        Reply { resolved: self.resolved, served, attempts: self.dispatch.attempts() }
    }

    fn answered(&self, status: StatusCode) {
        let Some(Served { route_reason, account, pool, .. }) = &self.heard.served else { return };
        let (account, pool) = (account.clone(), pool.clone());
        self.ended(How::Answered { status: status.as_u16(), route_reason: *route_reason, account, pool });
    }

    pub(super) fn ended(&self, how: How) {
        self.record.ended(how, self.dispatch.attempts(), self.now);
    }

    /// Remembers the account at the start of a turn.
    fn note_turn(&self, headers: &HeaderMap, lease: Option<&Lease>) {
        if let (Some(turn), Some(lease)) = (resource::turn(headers), lease) {
            self.shared.fleet.resource_owners.made(turn, &lease.target().account.id, self.now);
        }
    }

    /// Returns a recorder for the resource ids in a good answer, if the answer can contain resource ids.
    fn recorder(&self, lease: Option<&Lease>) -> Option<Recorder> {
        let owner = lease?.target().account.id.clone();
        let id_scanner = IdScanner::new(&self.resolved.intent)?;
        Some(Recorder::new(id_scanner, self.shared.fleet.resource_owners.clone(), owner, self.shared.clock))
    }

    pub(super) fn refuse(mut self, refusal: &Refusal) -> Answer {
        self.resolve_doubts();
        self.tell_news(&Onward::GiveUp);
        self.tell_refusal(refusal);
        self.shared.counters.refused.count();
        self.ended(How::Refused(*refusal));
        let (blocked, bound) = (self.blocked(), self.bound_to());
        let blocking = Blocking { blocked: &blocked, bound: bound.as_ref() };
        let mut answer = self.reply(None).refused(refusal, blocking, self.shared.clock.now());
        answer
            .headers
            .extend(self.told_end(refusal).map(|end| end.headers(self.limit_headers())).unwrap_or_default());
        answer
    }
}
