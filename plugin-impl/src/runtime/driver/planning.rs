//! Planning: a snapshot of a hop, and a plan from it.

use pointsman_core::dispatch::{Event, Hops, Planned, Terms};
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::affinity::{Look, Stake};
use pointsman_core::planning::plan::Refusal;

use crate::fleet::affinity::Agent;
use crate::runtime::call::Resolved;
use crate::runtime::failover::Hop;
use crate::runtime::generation::Generation;
use crate::runtime::shared::Shared;

use super::RequestDriver;

/// Returns the terms of a request with the serial number `turn` in its queue.
pub(super) fn terms(shared: &Shared, generation: &Generation, resolved: &Resolved, turn: u64) -> Terms {
    let settings = &generation.config.settings;
    let max_wait = resolved.hold.as_ref().map_or(settings.max_wait, |hold| hold.longest(settings.max_wait));
    let primary = resolved.primary.provider;
    let others = resolved.others.iter().take(resolved.others()).map(|hop| hop.provider);
    let accounts = generation.provider_runtimes[primary].roster.members.len() as u32;
    Terms {
        max_wait,
        patience: settings.affinity.patience,
        jitter: Jitter::of(shared.seed(), turn),
        hops: Hops::new(primary, others, accounts),
    }
}

impl<'a> RequestDriver<'a> {
    /// Plans at a hop; `at_last` lets guessed limits be tried before their ends.
    pub(super) fn plan_at(&mut self, hop: usize, at_last: bool) -> Result<Planned, Refusal> {
        let Hop { route, model, .. } = self.hop();
        let (roster, own) = (&self.provider_runtime().roster, self.resolved.own_at(hop));
        self.context.at_last = at_last;
        self.context.accounts = roster.members.len() as u32;
        self.context.own = own.map(|own| own.place);
        let agent = self.agent();
        self.look_up_sticky(&agent);
        let mut snapshot = roster.snapshot_for(own, route, model, &self.context, self.now);
        self.leave_out_suspects(&mut snapshot);
        self.meet_family(&mut snapshot);
        self.ask_about_limits(&snapshot);
        let patience = self.dispatch.patience();
        let family = self.family();
        let planned =
            self.sticky.plan(&agent, &snapshot, &mut self.context, patience, |key| family.join(key));
        if let Ok(Planned { plan, .. }) = &planned {
            self.shared.counters.plans.count();
            self.telling.others_open = plan.has_others();
        }
        let plan = planned.as_ref().ok().map(|planned| &planned.plan);
        self.record.planned(hop, snapshot, &self.context, plan);
        planned
    }

    /// Looks among the waiters for the sticky account.
    pub(super) fn look_among_waiters(&mut self, stake: Stake, look: &Look) -> Event {
        let members = &self.provider_runtime().roster.members;
        let account = self.context.sticky.map(|sticky| &members[sticky as usize].account);
        Event::Looked(account.and_then(|account| self.sticky.look(account, stake, look)))
    }

    /// Returns the request's agent at the current hop.
    pub(super) fn agent(&self) -> Agent<'a> {
        Agent {
            affinity: &self.shared.fleet.affinity,
            roster: &self.provider_runtime().roster,
            settings: &self.generation.config.settings,
            key: self.resolved.agent_at(self.hop()),
            now: self.now,
        }
    }
}
