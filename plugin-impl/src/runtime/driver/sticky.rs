//! Sticky accounts: the account of a request's agent, and the agent's family.

use pointsman_core::dispatch::Event;
use pointsman_core::planning::family::{Relative, Sibling, seat};
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::time::Millis;

use crate::fleet::affinity::{Affinity, Agent};
use crate::runtime::call::{Resolved, known_at};
use crate::runtime::failover::Hop;

use super::RequestDriver;

/// The family of a request's agent at a hop: the agents of its root session.
pub(super) struct Family<'a> {
    affinity: &'a Affinity,
    resolved: &'a Resolved,
    hop: &'a Hop,
    /// The most sessions remembered.
    most: usize,
    now: Millis,
}

impl Family<'_> {
    /// Returns the root session's key at the hop's provider.
    fn root(&self) -> Option<u64> {
        let session = self.resolved.session.as_ref()?;
        Some(known_at(self.affinity.lineage.root(session), self.hop))
    }

    /// Adds the agent to the family.
    pub(super) fn join(&self, agent: u64) {
        let Some(root) = self.root() else { return };
        let member = Sibling { agent, prefix: self.resolved.prefix() };
        self.affinity.families.join(root, member, self.most, self.now);
    }
}

impl<'a> RequestDriver<'a> {
    /// Looks where the agent lives, or its parent, and what it would lose by a move while its prompt is cached.
    pub(super) fn look_up_sticky(&mut self, agent: &Agent<'_>) {
        let sticky = self.sticky.look_up(agent, self.resolved.call.body.len() as u64);
        let began_turn =
            self.resolved.began_turn.as_ref().and_then(|account| agent.roster.place_of_id(account));
        if began_turn.is_some() {
            self.sticky.began_turn();
        }
        self.context.firm = began_turn.is_some();
        self.context.sticky = began_turn.or(sticky);
        let parent = if self.sticky.is_known() { None } else { self.resolved.parent_at(self.hop()) };
        let parent = parent.and_then(|key| agent.affinity.sticky(key, &agent.settings.affinity, agent.now));
        self.context.parent = parent.and_then(|parent| agent.roster.place_of(parent.account));
    }

    /// Marks in the snapshot the sticky accounts of the root session's agents, for an agent without a
    /// sticky account.
    pub(super) fn meet_family(&self, snapshot: &mut Snapshot) {
        let agent = self.agent();
        let (None, Some(key)) = (self.context.sticky, agent.key) else { return };
        let Some(root) = self.family().root() else { return };
        let (parent, rules, now) = (self.resolved.parent_at(self.hop()), &agent.settings.affinity, agent.now);
        let relative = |member: &Sibling| {
            let sticky = agent.affinity.sticky(member.agent, rules, now);
            let sticky = sticky.filter(|sticky| sticky.is_lived_in(rules, now))?;
            let (account, is_parent) = (agent.roster.place_of(sticky.account)?, parent == Some(member.agent));
            Some(Relative { account, prefix: member.prefix, is_parent })
        };
        let others = agent.affinity.families.others(root, key);
        if !others.is_empty() {
            let relatives: Vec<_> = others.iter().filter_map(relative).collect();
            seat(snapshot, &relatives, self.resolved.prefix());
        }
    }

    /// Returns the family of the request's agent at the current hop.
    pub(super) fn family(&self) -> Family<'a> {
        Family {
            affinity: &self.shared.fleet.affinity,
            resolved: self.resolved,
            hop: self.hop(),
            most: self.generation.config.settings.affinity.sessions as usize,
            now: self.now,
        }
    }

    /// Records the serving account as the session's sticky account.
    pub(super) fn settle_sticky(&self) {
        let Some(attempt) = &self.attempt else { return };
        let account = attempt.lease.target().account.ordinal;
        self.sticky.served(&self.agent(), account, self.dispatch.moves_by_choice());
    }

    /// Waits for the sticky account without taking a slot in the queue, since no other session depends on
    /// it. A slot already taken goes to the next request.
    pub(super) async fn hold(&mut self, until: Millis) -> Event {
        self.shared.counters.holds.count();
        self.record.waits(self.dispatch.hop(), until, None, self.now);
        self.queueing.leave();
        let mut listener = self.shared.fleet.notifier(&self.hop().route.provider.id).listen();
        tokio::select! {
            () = listener.heard() => {}
            () = self.shared.clock.sleep_until(until) => {}
        }
        self.look_at_clock();
        self.record.woke(self.now);
        Event::Woke
    }
}
