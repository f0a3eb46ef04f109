//! The sticky account of a request's agent, from plan to plan of the request.

use std::sync::Arc;

use pointsman_core::dispatch::Planned;
use pointsman_core::planning::affinity::{Look, Service, Stake};
use pointsman_core::planning::plan::{Refusal, plan};
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::planning::strategy::Context;
use pointsman_core::time::Millis;

use crate::fleet::account::Account;
use crate::fleet::roster::Roster;

use super::Affinity;
use super::waiters::Place;

/// How a request stands to its agent's sticky account.
#[derive(Debug, Default)]
pub struct StickyAccount {
    /// The ordinal of the account at the last plan.
    ordinal: Option<u32>,
    /// The session's loss by a move, while the prompt is cached there.
    stake: Option<Stake>,
    /// The request's place among the waiters for the account.
    place: Option<Place>,
}

/// The agent of a request at a provider.
#[derive(Clone, Copy, Debug)]
pub struct Agent<'a> {
    pub affinity: &'a Affinity,
    pub roster: &'a Roster,
    pub settings: &'a Settings,
    /// The agent's key; `None` where the strategy keeps no sessions.
    pub key: Option<u64>,
    pub now: Millis,
}

impl StickyAccount {
    /// Looks up the agent's sticky account for a plan, and the session's loss by a move of a prompt of so many
    /// bytes. Returns the account's place in the roster.
    pub fn look_up(&mut self, agent: &Agent<'_>, prompt: u64) -> Option<u32> {
        let (rules, now) = (&agent.settings.affinity, agent.now);
        let sticky = agent.key.and_then(|key| agent.affinity.sticky(key, rules, now));
        let warm = sticky.filter(|sticky| sticky.is_warm(rules, now));
        self.ordinal = sticky.map(|sticky| sticky.account);
        self.stake = warm.map(|sticky| sticky.stake(prompt, rules, now));
        sticky.and_then(|sticky| agent.roster.place_of(sticky.account))
    }

    /// Returns whether the agent has a sticky account.
    pub fn is_known(&self) -> bool {
        self.ordinal.is_some()
    }

    /// Takes for the sticky account the one that began the request's turn, however cold the prompt is.
    pub fn began_turn(&mut self) {
        self.stake.get_or_insert_default();
    }

    /// Plans. The first account of the plan becomes the agent's, if the agent has none; `claimed` is told.
    ///
    /// # Errors
    /// [`Refusal`] if no way is open.
    pub fn plan(
        &mut self,
        agent: &Agent<'_>,
        snapshot: &Snapshot,
        context: &mut Context,
        patience: Millis,
        claimed: impl FnOnce(u64),
    ) -> Result<Planned, Refusal> {
        let chosen = plan(snapshot, agent.settings, context).inspect_err(|_| self.place = None)?;
        if context.sticky.is_none() && self.claim(agent, chosen.candidates[0].account, context, claimed) {
            // A concurrent request of the agent was faster: plan again with its account.
            return plan(snapshot, agent.settings, context).map(Planned::from);
        }
        let waiters = |place: u32| agent.roster.members[place as usize].account.waiting();
        Ok(Planned::new(chosen, (snapshot, context), self.stake, patience, waiters))
    }

    /// Makes an account the agent's. Returns whether a concurrent request of the agent was faster.
    fn claim(
        &mut self,
        agent: &Agent<'_>,
        account: u32,
        context: &mut Context,
        claimed: impl FnOnce(u64),
    ) -> bool {
        let Some(key) = agent.key else { return false };
        let own = agent.roster.members[account as usize].account.ordinal;
        let sticky = agent.affinity.claim(key, own, &agent.settings.affinity, agent.now);
        self.ordinal = Some(sticky);
        claimed(key);
        if sticky == own {
            return false;
        }
        context.sticky = agent.roster.place_of(sticky);
        context.sticky.is_some()
    }

    /// Looks among the waiters for an account. Returns until when the request waits; nothing gives the place up.
    pub fn look(&mut self, account: &Arc<Account>, stake: Stake, look: &Look) -> Option<Millis> {
        let place = self.place.take().filter(|place| place.is_at(account.ordinal));
        let place = place.unwrap_or_else(|| Place::take(account, stake, look.now));
        let until = place.look(look);
        self.place = until.map(|_| place);
        until
    }

    /// Takes note that an account has let the request in.
    pub fn admitted(&mut self, ordinal: u32, now: Millis) {
        if let Some(place) = self.place.take().filter(|place| place.is_at(ordinal)) {
            place.serve(now);
        }
    }

    /// Takes note that an account has served the request, which may have left the sticky account by choice.
    pub fn served(&self, agent: &Agent<'_>, account: u32, by_choice: bool) {
        let Some(key) = agent.key else { return };
        let service = Service { left: self.ordinal, account, by_choice };
        agent.affinity.served(key, service, &agent.settings.affinity, agent.now);
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::ids::AccountId;
    use pointsman_core::planning::affinity::Room;

    use super::*;
    use crate::fleet::{Fleet, Identity, testing};

    const NOW: Millis = Millis(1_000);

    fn look(now: Millis, room: Room) -> Look {
        let (opens, patience) = (NOW.after(PRICE), NOW.after(PRICE));
        Look { room, opens, patience, price: PRICE, now }
    }

    const PRICE: std::time::Duration = std::time::Duration::from_secs(4);

    #[test]
    fn a_place_that_is_dropped_or_served_is_free() {
        let provider = testing::provider();
        let account = |name: &str, number| {
            Fleet::default().enlist(&AccountId::of(&provider.id, name), Identity(number), &provider)
        };
        let account = account("one", 1);
        let [mut one, mut other] = [(); 2].map(|()| StickyAccount::default());
        assert!(one.look(&account, Stake::default(), &look(NOW, Room::None)).is_some());
        assert!(other.look(&account, Stake::default(), &look(NOW, Room::None)).is_some());
        assert_eq!(account.waiting(), 2);
        drop(one);
        assert_eq!(account.waiting(), 1);
        other.admitted(account.ordinal, NOW);
        assert_eq!(account.waiting(), 0);
    }

    #[test]
    fn who_moves_gives_its_place_up_and_who_looks_again_keeps_it() {
        let provider = testing::provider();
        let account = Fleet::default().enlist(&AccountId::of(&provider.id, "one"), Identity(1), &provider);
        let mut request = StickyAccount::default();
        let stake = Stake::default();
        let half = Millis(NOW.0 + 2_000);
        assert_eq!(request.look(&account, stake, &look(NOW, Room::Open)), Some(half));
        assert_eq!(request.look(&account, stake, &look(Millis(1_500), Room::Open)), Some(half));
        assert_eq!(account.waiting(), 1, "one request has one place");
        assert_eq!(request.look(&account, stake, &look(half, Room::Open)), None);
        assert_eq!(account.waiting(), 0);
    }
}
