//! Attempts: retry, lease, credential, upstream call.

use pointsman_core::admission::cell::Confirmed;
use pointsman_core::dispatch::Event;
use pointsman_core::planning::plan::Candidate;
use pointsman_core::reporting::notice;
use pointsman_core::reporting::route_reason::{Circumstances, RouteReason};
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::Outcome;

use crate::edges::auth::Proof;
use crate::fleet::Lease;
use crate::fleet::roster::Asker;
use crate::runtime::outgoing;

use super::RequestDriver;
use super::look::{self, Seen};
use super::reply::Served;
use super::telling::described;

/// A lease, with the credential for sending.
pub(super) struct ActiveAttempt {
    pub(super) candidate: Candidate,
    pub(super) lease: Lease,
    proof: Option<Proof>,
    /// Whether the proof is the second: the upstream rejected the first.
    renewed: bool,
}

impl RequestDriver<'_> {
    /// Deposits the share of this request, once.
    fn pay_in(&self) {
        if self.dispatch.attempts() == 0 {
            self.provider_runtime().budget.deposit(self.generation.config.settings.retry_budget, self.now);
        }
    }

    /// Withdraws a retry from the budget; returns whether the budget allowed the retry.
    pub(super) fn withdraw(&self) -> bool {
        let paid =
            self.provider_runtime().budget.withdraw(self.generation.config.settings.retry_budget, self.now);
        let counters = &self.shared.counters;
        if paid {
            counters.retries.count()
        } else {
            counters.retries_withheld.count()
        }
        paid
    }

    pub(super) fn admit(&mut self, candidate: Candidate) -> Event {
        let jitter = self.dispatch.jitter();
        let hop = self.dispatch.hop();
        let asker = Asker { own: self.resolved.own_at(hop), operation: self.context.operation };
        match self.provider_runtime().roster.admit_for(asker, &candidate, &self.hop().model, jitter, self.now)
        {
            Ok(lease) => {
                self.shared.counters.early_probes.add(lease.is_early_probe().into());
                // Now it is known where the request goes on, so pending notices can name it.
                let onward = self.onward(&lease);
                self.tell_news(&onward);
                self.tell_fall();
                self.heard.first.get_or_insert((hop, candidate.account));
                self.sticky.admitted(lease.target().account.ordinal, self.now);
                self.record.admitted(hop, candidate, lease.is_probe(), self.now);
                self.attempt = Some(ActiveAttempt { candidate, lease, proof: None, renewed: false });
                // The next in line can look for a place of its own.
                self.queueing.served();
                Event::Admitted
            }
            Err(deny) => {
                self.record.denied(hop, candidate, deny, self.now);
                self.look_at_clock();
                Event::Denied(deny)
            }
        }
    }

    pub(super) async fn authorize(&mut self, renew: bool) -> Event {
        let hop = self.hop();
        let Some(attempt) = &mut self.attempt else { return self.lost_attempt() };
        // Only a renewal tells the credential which proof the upstream rejected.
        let last = attempt.proof.take();
        let rejected = if renew { last } else { None };
        let credentials =
            &self.generation.provider_runtimes[hop.provider].credentials[attempt.candidate.account as usize];
        let provider = &self.generation.config.providers[hop.provider];
        let tokens = || self.shared.tokens(self.generation.config.timeouts);
        let proof = credentials.credential.proof(provider.auth, rejected.as_ref(), tokens).await;
        self.now = self.shared.clock.mono();
        match proof {
            Ok(proof) => {
                (attempt.proof, attempt.renewed) = (Some(proof), renew);
                Event::Authorized
            }
            // The answer that refused the first proof says more than that there is no other.
            Err(Outcome::Unauthorized) if renew => {
                self.failed(Evidence { status: 401, ..Evidence::of(Outcome::Unauthorized) })
            }
            Err(outcome) => {
                let account = attempt.lease.target().account.id.clone();
                self.heard.seen = Some(Seen::Nothing(format!("no access token could be had for {account}")));
                self.settled(Evidence::of(outcome))
            }
        }
    }

    pub(super) async fn send(&mut self) -> Event {
        let Some(ActiveAttempt { candidate, lease, proof: Some(proof), renewed }) = &self.attempt else {
            return self.lost_attempt();
        };
        let (hop, pool) = (self.hop(), self.hop().route.pool(lease.target().pool));
        let provider = &self.generation.config.providers[hop.provider];
        let credentials = &self.provider_runtime().credentials[candidate.account as usize];
        let project = credentials.project.as_deref();
        let out = || outgoing::build(self.resolved, hop, provider, lease.target(), project, proof);
        let (renewable, renewed) = (proof.renewable, *renewed);
        let blanker = proof.blanker(&provider.headers[lease.target().pool]);
        self.heard.served = Some(self.served_by(*candidate, lease));
        self.shared.counters.attempts.count();
        self.record.sent();
        // Each request feeds the retry budget once, with its first attempt.
        self.pay_in();
        let sent =
            self.shared.upstream.send(out, credentials.proxy.as_ref(), self.generation.config.timeouts).await;
        let (seen, evidence) = match sent {
            Ok(incoming) => {
                let incoming = incoming.decoded().blanked(blanker);
                // Headers report quota on good and bad answers alike.
                self.note_readings(&incoming.headers);
                let enveloped = outgoing::is_enveloped(self.resolved, pool, incoming.status);
                let named = self.named(lease.target());
                let asked = self.asked(lease.target(), &named);
                look::at(incoming, asked, enveloped, &self.shared.clock).await
            }
            Err(error) => (Seen::Nothing(error.text), Evidence::of(Outcome::Unreachable(error.fault))),
        };
        self.look_at_clock();
        self.heard.seen = Some(self.placed(seen));
        if evidence.is_good() {
            self.record.came_to(&evidence, None, self.now);
            self.confirm();
            self.convict();
            return Event::Answered { outcome: evidence.outcome, renewable };
        }
        // Not settled yet: the machine may renew the credential and try this account once more.
        if evidence.outcome == Outcome::Unauthorized && renewable && !renewed {
            return Event::Answered { outcome: evidence.outcome, renewable };
        }
        self.failed(evidence)
    }

    fn confirm(&mut self) {
        let hop = self.hop();
        let Some(attempt) = &mut self.attempt else { return };
        let (account, pool) = (attempt.candidate.account, attempt.lease.target().pool);
        let now = self.now;
        match attempt.lease.confirm(now) {
            Confirmed::Stale => self.shared.counters.stale_successes.count(),
            // The limit is over: store the fact and tell people once.
            Confirmed::Over => {
                let target = attempt.lease.target().clone();
                self.keep_limit(&target);
                let pool = described(hop, target.pool);
                let kind = target.account.limit_kind(target.pool, target.operation, &target.model);
                let account = target.account.id.clone();
                self.tell(notice::NoticeEvent::LimitOver { account, pool, kind }, None);
            }
            Confirmed::Open | Confirmed::Wider => {}
        }
        self.ask_quota(account, pool);
        self.settle_sticky();
    }

    /// Ends the request as a failure, after a bug: the machine asked for an attempt the driver does not
    /// have.
    fn lost_attempt(&mut self) -> Event {
        tracing::error!("an attempt was lost");
        self.settled(Evidence::of(Outcome::ServerError))
    }

    fn served_by(&self, candidate: Candidate, lease: &Lease) -> Served {
        let target = lease.target();
        Served {
            provider: self.hop().route.provider.id.clone(),
            account: target.account.id.clone(),
            pool: self.hop().route.pool(target.pool).name.clone(),
            route_reason: self.route_reason(candidate, lease),
            left_primary: self.dispatch.hop() > 0,
            fell_back: candidate.preference > 0,
            switched: self.has_switched(candidate),
        }
    }

    fn has_switched(&self, candidate: Candidate) -> bool {
        self.heard.first.is_some_and(|first| first != (self.dispatch.hop(), candidate.account))
    }

    fn route_reason(&self, candidate: Candidate, lease: &Lease) -> RouteReason {
        RouteReason::of(&Circumstances {
            candidate,
            left_primary: self.dispatch.hop() > 0,
            is_probe: lease.is_probe(),
            has_waited: self.dispatch.waits() > 0,
            has_switched: self.has_switched(candidate),
            sticky: self.context.sticky,
            own: self.context.own,
        })
    }
}
