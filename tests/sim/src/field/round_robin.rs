//! Accounts take turns.

use pointsman_core::time::Millis;

use super::Policy;

/// The policy, with the account that follows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin {
    next: u16,
}

impl Policy for RoundRobin {
    fn choose(&mut self, open: &[u16], _: Millis) -> u16 {
        let chosen = open.iter().copied().find(|account| *account >= self.next).unwrap_or(open[0]);
        self.next = chosen + 1;
        chosen
    }
}
