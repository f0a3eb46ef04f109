//! Sticky accounts of agents, and the relations between agents.

mod families;
mod lineage;
mod sticky_account;

pub(in crate::fleet) mod waiters;

use pointsman_core::planning::affinity::{Rules, Service, Sticky};
use pointsman_core::time::Millis;

use crate::sync::DashMap;

pub use self::families::Families;
pub use self::lineage::Lineage;
pub use self::sticky_account::{Agent, StickyAccount};

/// The sticky account of each session. Losing an entry only costs a cold prompt cache.
#[derive(Debug)]
pub struct Affinity {
    stickies: DashMap<u64, Sticky>,
    pub families: Families,
    pub lineage: Lineage,
}

impl Default for Affinity {
    fn default() -> Self {
        Self {
            stickies: DashMap::with_shard_amount(super::SHARDS),
            families: Families::default(),
            lineage: Lineage::default(),
        }
    }
}

impl Affinity {
    /// Returns the session's sticky account.
    pub fn sticky(&self, session: u64, rules: &Rules, now: Millis) -> Option<Sticky> {
        let sticky = *self.stickies.get(&session)?;
        sticky.is_remembered(rules, now).then_some(sticky)
    }

    /// Gives a session the first sticky account and returns the account. Concurrent claims of a session get
    /// an equal answer, so that requests started together stay together.
    pub fn claim(&self, session: u64, account: u32, rules: &Rules, now: Millis) -> u32 {
        self.make_room(rules, now);
        let mut sticky = self.stickies.entry(session).or_insert(Sticky::first(account, now));
        *sticky = sticky.claimed(account, rules, now);
        sticky.account
    }

    /// Records the account of a served request; see [`Sticky::served`].
    pub fn served(&self, session: u64, service: Service, rules: &Rules, now: Millis) {
        self.make_room(rules, now);
        let mut sticky = self.stickies.entry(session).or_insert(Sticky::first(service.account, now));
        *sticky = sticky.served(service, now);
    }

    /// Returns the sessions with a request since an instant.
    pub fn touched_since(&self, since: Millis) -> Vec<(u64, Sticky)> {
        let touched = self.stickies.iter().filter(|sticky| sticky.touched() >= since);
        touched.map(|sticky| (*sticky.key(), *sticky.value())).collect()
    }

    /// Takes over the sticky account of a session that is not known here.
    pub fn take_over(&self, session: u64, sticky: Sticky, rules: &Rules, now: Millis) {
        self.make_room(rules, now);
        self.stickies.entry(session).or_insert(sticky);
    }

    /// Lets a session go from an account that broke its answer off.
    pub fn leave(&self, session: u64, account: u32) {
        self.stickies.remove_if(&session, |_, sticky| sticky.account == account);
    }

    /// Forgets the sessions with the longest silence.
    fn make_room(&self, rules: &Rules, now: Millis) {
        let crowded = rules.sessions as usize;
        if self.stickies.len() < crowded {
            return;
        }
        // Halve the memory until the map fits: the sessions silent for longest go first.
        let mut memory = rules.memory;
        while self.stickies.len() >= crowded {
            self.stickies.retain(|_, sticky| sticky.silence(now) < memory);
            memory /= 2;
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    #[test]
    fn the_first_claim_wins_and_a_move_is_remembered() {
        let (affinity, rules) = (Affinity::default(), Rules::default());
        let sticky = |now| affinity.sticky(7, &rules, now).map(|sticky| sticky.account);
        assert_eq!(affinity.claim(7, 1, &rules, Millis(0)), 1);
        assert_eq!(affinity.claim(7, 2, &rules, Millis(0)), 1);
        affinity.served(7, Service { left: Some(1), account: 3, by_choice: false }, &rules, Millis(0));
        assert_eq!((sticky(Millis(0)), sticky(Millis(3_600_000))), (Some(3), None));
    }

    #[test]
    fn the_map_is_bounded() {
        let (affinity, rules) = (Affinity::default(), Rules { sessions: 1_000, ..Rules::default() });
        for session in 0..3 * 1_000 {
            let service = Service { left: None, account: 0, by_choice: false };
            affinity.served(session, service, &rules, Millis(session));
        }
        assert!(affinity.stickies.len() <= 1_000);
    }
}
