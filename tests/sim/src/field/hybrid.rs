//! Health, a token bucket on our side, and readings, weighed together as antigravity-claude-proxy does.
//!
//! The numbers are that project's: health from 70, +1 for a success, −10 for a limit, −20 for a failure,
//! +2 per hour; a bucket of 50 that gains 6 per minute; score = health × 2 + tokens % × 5 + quota × 3 +
//! idle seconds × 0.1. Requests are held for two minutes at most. A success ends the account's cooldown.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::upstream::{Answer, Reading, Verdict};

use super::Policy;

const USABLE: f64 = 50.0;
const BUCKET: f64 = 50.0;
const PER_MINUTE: f64 = 6.0;
/// The quota's score while nothing is known of it.
const UNKNOWN: f64 = 50.0;

/// The policy, with what it knows of each account.
#[derive(Clone, Debug)]
pub struct Hybrid {
    accounts: Vec<Standing>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    health: f64,
    tokens: f64,
    quota: f64,
    at: Millis,
    used: Millis,
}

impl Hybrid {
    /// Makes it for so many accounts.
    pub fn new(accounts: u16) -> Self {
        let fresh =
            Standing { health: 70.0, tokens: BUCKET, quota: UNKNOWN, at: Millis::START, used: Millis::START };
        Self { accounts: vec![fresh; accounts.into()] }
    }

    fn best(&self, open: &[u16], now: Millis, may: impl Fn(&Standing) -> bool) -> Option<u16> {
        let score = |account: &u16| self.accounts[usize::from(*account)].score(now);
        let may = |account: &&u16| may(&self.accounts[usize::from(**account)]);
        open.iter().filter(may).max_by(|one, other| score(one).total_cmp(&score(other))).copied()
    }
}

impl Standing {
    fn pass(&mut self, now: Millis) {
        let hours = now.since(self.at).as_secs_f64() / 3_600.0;
        self.health = (self.health + 2.0 * hours).min(100.0);
        self.tokens = (self.tokens + PER_MINUTE * 60.0 * hours).min(BUCKET);
        self.at = now;
    }

    fn score(&self, now: Millis) -> f64 {
        let idle = now.since(self.used).as_secs_f64();
        self.health * 2.0 + self.tokens / BUCKET * 100.0 * 5.0 + self.quota * 3.0 + idle * 0.1
    }
}

impl Policy for Hybrid {
    /// Healthy accounts with a token first, then any: its emergency levels, without their short pauses.
    fn choose(&mut self, open: &[u16], now: Millis) -> u16 {
        self.accounts.iter_mut().for_each(|account| account.pass(now));
        let usable = self.best(open, now, |account| account.health >= USABLE && account.tokens >= 1.0);
        let chosen = usable.or_else(|| self.best(open, now, |_| true)).unwrap_or(open[0]);
        let account = &mut self.accounts[usize::from(chosen)];
        account.tokens = (account.tokens - 1.0).max(0.0);
        account.used = now;
        chosen
    }

    fn learn(&mut self, account: u16, answer: &Answer, now: Millis) {
        let account = &mut self.accounts[usize::from(account)];
        account.pass(now);
        account.health += match answer.verdict {
            Verdict::Good => 1.0,
            Verdict::Limited(_) => -10.0,
            Verdict::Capacity(_) | Verdict::ServerError | Verdict::Unreachable => -20.0,
        };
        account.health = account.health.clamp(0.0, 100.0);
        if let Some(Reading { left, capacity, .. }) = answer.reading {
            account.quota = 100.0 * f64::from(left) / f64::from(capacity.max(1));
        }
    }

    fn holds(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn success_clears(&self) -> bool {
        true
    }
}
