//! The account that was used longest ago.

use pointsman_core::time::Millis;

use super::Policy;

/// The policy, with the last use of each account.
///
/// As in the field a use is written down when its answer has come. So all requests of one burst find the
/// same account unused.
#[derive(Clone, Debug)]
pub struct LeastRecentlyUsed {
    used: Vec<Millis>,
}

impl LeastRecentlyUsed {
    /// Makes it for so many accounts.
    pub fn new(accounts: u16) -> Self {
        Self { used: vec![Millis::START; accounts.into()] }
    }
}

impl Policy for LeastRecentlyUsed {
    fn choose(&mut self, open: &[u16], _: Millis) -> u16 {
        let oldest = open.iter().copied().min_by_key(|account| self.used[usize::from(*account)]);
        oldest.unwrap_or(open[0])
    }

    fn learn(&mut self, account: u16, _: &crate::upstream::Answer, now: Millis) {
        self.used[usize::from(account)] = now;
    }
}
