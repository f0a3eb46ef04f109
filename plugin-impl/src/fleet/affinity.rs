//! Affinity: which account a session was on.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::sync::DashMap;

/// How long a session is remembered after its last request.
const MEMORY: Duration = Duration::from_secs(3_600);
/// How many sessions are remembered.
const CROWDED: usize = 10_000;

/// The homes of sessions. It is advice: losing an entry costs a cold prompt cache and nothing else.
#[derive(Debug)]
pub struct Affinity {
    homes: DashMap<u64, Home>,
}

#[derive(Clone, Copy, Debug)]
struct Home {
    account: u32,
    touched: Millis,
}

impl Default for Affinity {
    fn default() -> Self {
        Self { homes: DashMap::with_shard_amount(super::SHARDS) }
    }
}

impl Affinity {
    /// Returns the ordinal of the account that the session was on.
    pub fn home(&self, session: u64, now: Millis) -> Option<u32> {
        let home = *self.homes.get(&session)?;
        home.is_remembered(now).then_some(home.account)
    }

    /// Gives a session its first home and returns it. Of several that claim one at the same time all get
    /// the same, so that requests of a session that start together stay together.
    pub fn claim(&self, session: u64, account: u32, now: Millis) -> u32 {
        self.make_room(now);
        let mut home = self.homes.entry(session).or_insert(Home { account, touched: now });
        if !home.is_remembered(now) {
            home.account = account;
        }
        home.touched = now;
        home.account
    }

    /// Moves a session to the account that serves it now.
    pub fn settle(&self, session: u64, account: u32, now: Millis) {
        self.make_room(now);
        self.homes.insert(session, Home { account, touched: now });
    }

    fn make_room(&self, now: Millis) {
        if self.homes.len() < CROWDED {
            return;
        }
        let mut memory = MEMORY;
        while self.homes.len() >= CROWDED {
            self.homes.retain(|_, home| now.since(home.touched) < memory);
            memory /= 2;
        }
    }
}

impl Home {
    fn is_remembered(&self, now: Millis) -> bool {
        now.since(self.touched) < MEMORY
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    #[test]
    fn the_first_claim_wins_and_a_move_is_remembered() {
        let affinity = Affinity::default();
        assert_eq!(affinity.claim(7, 1, Millis(0)), 1);
        assert_eq!(affinity.claim(7, 2, Millis(0)), 1);
        affinity.settle(7, 3, Millis(0));
        assert_eq!(affinity.home(7, Millis(0)), Some(3));
    }

    #[test]
    fn a_session_is_forgotten_after_an_hour_of_silence() {
        let affinity = Affinity::default();
        affinity.settle(7, 3, Millis(0));
        assert_eq!(affinity.home(7, Millis(3_600_000)), None);
        assert_eq!(affinity.claim(7, 1, Millis(3_600_000)), 1);
    }

    #[test]
    fn the_map_is_bounded() {
        let affinity = Affinity::default();
        for session in 0..3 * CROWDED as u64 {
            affinity.settle(session, 0, Millis(session));
        }
        assert!(affinity.homes.len() <= CROWDED);
    }
}
