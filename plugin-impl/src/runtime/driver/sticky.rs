//! Sticky accounts: the account of a request's agent.

use pointsman_core::dispatch::Event;
use pointsman_core::planning::affinity::{Service, Stake, hold};
use pointsman_core::planning::family::{Relative, Sibling, seat};
use pointsman_core::planning::plan::Plan;
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::time::Millis;

use crate::fleet::affinity::waiters::Terms;
use crate::runtime::call::known_at;

use super::RequestDriver;

impl RequestDriver<'_> {
    /// Looks where the agent lives, or its parent, and what it would lose by a move while its prompt is cached.
    pub(super) fn look_up_sticky(&mut self, now: Millis) {
        let (rules, roster) = (&self.generation.config.settings.affinity, &self.provider_runtime().roster);
        let sticky_of = |session: u64| self.shared.fleet.affinity.sticky(session, rules, now);
        let sticky = self.resolved.agent_at(self.hop()).and_then(sticky_of);
        let parent =
            if sticky.is_some() { None } else { self.resolved.parent_at(self.hop()).and_then(sticky_of) };
        self.sticky = sticky.map(|sticky| sticky.account);
        let began_turn = self.resolved.began_turn.as_ref().and_then(|account| roster.place_of_id(account));
        self.context.firm = began_turn.is_some();
        self.context.sticky = began_turn.or(sticky.and_then(|sticky| roster.place_of(sticky.account)));
        self.context.parent = parent.and_then(|parent| roster.place_of(parent.account));
        let prompt = self.resolved.call.body.len() as u64;
        let warm = sticky.filter(|sticky| sticky.is_warm(rules, now));
        self.stake = match warm.map(|sticky| sticky.stake(prompt, rules, now)) {
            None if self.context.firm => Some(Stake::default()),
            stake => stake,
        };
    }

    /// Says until when the request waits for its agent's own account, if that is better than `plan`. An account
    /// that began a turn is not left for another one while it may open.
    pub(super) fn stay_home(&mut self, snapshot: &Snapshot, plan: &mut Plan) -> Option<Millis> {
        self.wait.by_choice = false;
        let rules = &self.generation.config.settings.affinity;
        let patience = self.dispatch.patience(rules.patience);
        let opens = hold(snapshot, plan, &self.context, patience)?;
        let (sticky, stake) = (self.context.sticky?, self.stake?);
        if self.context.firm {
            return Some(opens);
        }
        let terms = Terms { sticky, stake, opens, patience, price: rules.patience };
        self.wait.decide(
            &self.generation.provider_runtimes[self.hop().provider].roster,
            snapshot,
            plan,
            &terms,
        )
    }

    /// Marks in the snapshot the sticky accounts of the root session's agents, for an agent without a
    /// sticky account.
    pub(super) fn meet_family(&self, snapshot: &mut Snapshot, now: Millis) {
        let (None, Some(agent)) = (self.context.sticky, self.resolved.agent_at(self.hop())) else { return };
        let Some(root) = self.root_at_leg() else { return };
        let (affinity, parent) = (&self.shared.fleet.affinity, self.resolved.parent_at(self.hop()));
        let (rules, roster) = (&self.generation.config.settings.affinity, &self.provider_runtime().roster);
        let relative = |member: &Sibling| {
            let sticky =
                affinity.sticky(member.agent, rules, now).filter(|sticky| sticky.is_lived_in(rules, now))?;
            let (account, is_parent) = (roster.place_of(sticky.account)?, parent == Some(member.agent));
            Some(Relative { account, prefix: member.prefix, is_parent })
        };
        let others = affinity.families.others(root, agent);
        if !others.is_empty() {
            let relatives: Vec<_> = others.iter().filter_map(relative).collect();
            seat(snapshot, &relatives, self.resolved.prefix());
        }
    }

    /// Adds the agent to the root session's family.
    fn join_family(&self, agent: u64, now: Millis) {
        let Some(root) = self.root_at_leg() else { return };
        let member = Sibling { agent, prefix: self.resolved.prefix() };
        let most = self.generation.config.settings.affinity.sessions as usize;
        self.shared.fleet.affinity.families.join(root, member, most, now);
    }

    fn root_at_leg(&self) -> Option<u64> {
        let session = self.resolved.session.as_ref()?;
        Some(known_at(self.shared.fleet.affinity.lineage.root(session), self.hop()))
    }

    /// Makes `account` the agent's sticky account. Returns whether a concurrent request of the agent was
    /// faster.
    pub(super) fn claim_sticky(&mut self, account: u32, now: Millis) -> bool {
        let Some(agent) = self.resolved.agent_at(self.hop()) else { return false };
        let (rules, roster) = (&self.generation.config.settings.affinity, &self.provider_runtime().roster);
        let own = roster.members[account as usize].account.ordinal;
        let sticky = self.shared.fleet.affinity.claim(agent, own, rules, now);
        self.sticky = Some(sticky);
        self.join_family(agent, now);
        if sticky == own {
            return false;
        }
        self.context.sticky = roster.place_of(sticky);
        self.context.sticky.is_some()
    }

    /// Records the serving account as the session's sticky account.
    pub(super) fn settle_sticky(&self, now: Millis) {
        let (Some(agent), Some(attempt)) = (self.resolved.agent_at(self.hop()), &self.attempt) else {
            return;
        };
        let (rules, account) = (&self.generation.config.settings.affinity, &attempt.lease.target().account);
        let service = Service { left: self.sticky, account: account.ordinal, by_choice: self.wait.by_choice };
        self.shared.fleet.affinity.served(agent, service, rules, now);
    }

    /// Waits for the sticky account without taking a slot in the queue, since no other session depends on
    /// it. A slot already taken goes to the next request.
    pub(super) async fn hold(&mut self, until: Millis) -> Event {
        self.shared.counters.holds.count();
        self.record.waits(self.hop, until, None, self.now);
        self.turn = None;
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
