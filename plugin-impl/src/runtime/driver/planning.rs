//! Planning: the primary hop first, then the failover chain, and early probes last.

use pointsman_core::planning::failover;
use pointsman_core::planning::plan::{Counts, Plan, Refusal, plan};
use pointsman_core::time::Millis;

use crate::runtime::failover::Hop;

use super::RequestDriver;

impl RequestDriver<'_> {
    /// Plans on the primary hop. If the primary is closed for longer than a short wait, plans on the chain.
    pub(super) fn plan_on_hops(&mut self) -> Result<Plan, Refusal> {
        let now = self.now;
        self.context.at_last = self.resolved.others() == 0;
        // A full queue at the primary leaves nothing to stay for; otherwise the request stays for a short
        // wait.
        let (refusal, stay) = match self.plan_at_primary(now) {
            Err(refusal) if self.crowded => (refusal, now),
            Err(refusal) if self.resolved.others() > 0 => (refusal, self.stay()),
            planned => return planned,
        };
        let last = self.resolved.others();
        self.left = Some(refusal);
        let (hop, planned) = failover::onward(refusal, last, stay, now, |hop| {
            self.plan_at(hop, now).map_err(|refusal| {
                self.left = Some(refusal);
                self.counted_once(refusal)
            })
        });
        self.hop = hop;
        match planned {
            // Every hop is closed and an early probe is due.
            Err(refusal) if refusal.last_resort.is_some_and(|from| from <= now) => self.at_last(refusal, now),
            planned => planned,
        }
    }

    /// Tries early probes of estimated limits on every hop, since every hop is closed.
    fn at_last(&mut self, mut refusal: Refusal, now: Millis) -> Result<Plan, Refusal> {
        (self.context.at_last, refusal.last_resort) = (true, None);
        for hop in usize::from(self.crowded)..=self.resolved.others() {
            match self.plan_at(hop, now) {
                Err(here) => {
                    refusal.last_resort = refusal.last_resort.into_iter().chain(here.last_resort).min()
                }
                planned => return planned,
            }
        }
        self.hop = 0;
        Err(refusal)
    }

    /// Plans on the primary hop. A request without room in the primary's queue must not overtake the queue
    /// there.
    fn plan_at_primary(&mut self, now: Millis) -> Result<Plan, Refusal> {
        if !self.crowded {
            return self.plan_at(0, now);
        }
        let busy =
            self.generation.provider_runtimes[self.resolved.primary.provider].roster.members.len() as u32;
        Err(Refusal { until: None, last_resort: None, counts: Counts { busy, ..Counts::default() } })
    }

    /// Returns the end of the stay at the primary hop, counted from the first call.
    pub(super) fn stay(&mut self) -> Millis {
        let patience = self.generation.config.settings.affinity.patience;
        let until = self.now.after(patience).min(self.dispatch.deadline());
        *self.stay.get_or_insert(until)
    }

    fn plan_at(&mut self, hop: usize, now: Millis) -> Result<Plan, Refusal> {
        self.hop = hop;
        let Hop { route, model, .. } = self.hop();
        let roster = &self.provider_runtime().roster;
        self.context.accounts = roster.members.len() as u32;
        let own = self.resolved.own_at(hop);
        self.context.own = own.map(|own| own.place);
        self.look_up_sticky(now);
        let mut snapshot = roster.snapshot_for(own, route, model, &self.context, now);
        self.leave_out_suspects(&mut snapshot);
        self.meet_family(&mut snapshot, now);
        self.ask_about_limits(&snapshot);
        let settings = &self.generation.config.settings;
        let mut chosen = plan(&snapshot, settings, &self.context);
        if let Ok(first) = &mut chosen {
            self.shared.counters.plans.count();
            self.others_open = first.has_others();
            // A concurrent request of the session was faster: plan again with its account.
            if self.context.sticky.is_none() && self.claim_sticky(first.candidates[0].account, now) {
                chosen = plan(&snapshot, settings, &self.context);
            } else {
                self.held = self.stay_home(&snapshot, first);
            }
        } else {
            self.wait.leave();
        }
        self.record.planned(hop, snapshot, &self.context, chosen.as_ref().ok());
        chosen
    }

    /// Removes double counts from a refusal: two models of a provider are two hops with common accounts.
    fn counted_once(&self, refusal: Refusal) -> Refusal {
        let provider = self.hop().provider;
        let counted = (0..self.hop).any(|earlier| self.resolved.hop(earlier).provider == provider);
        if counted { Refusal { counts: Counts::default(), ..refusal } } else { refusal }
    }
}
