//! The settings that routing decisions read. Values out of range cannot be held.

use std::time::Duration;

use crate::admission::budget;
use crate::planning::affinity;
use crate::planning::strategy::{Strategy, hybrid};

/// What the user chose, for all requests of one configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Whether a request that does not name a pool may use others than the preferred one.
    pub quota_fallback: bool,
    pub fallback_order: FallbackOrder,
    pub strategy: Strategy,
    pub hybrid: hybrid::Numbers,
    pub affinity: affinity::Rules,
    /// The longest that one request waits for a place, all its waits together.
    pub max_wait: Duration,
    /// How many requests wait in one line.
    pub max_waiting: usize,
    /// Requests that a person waits for go before those of the background, in line.
    pub interactive_first: bool,
    /// A guessed limit that lasts longer is tried each so often; zero for never.
    pub recheck: Duration,
    /// How many retries a provider is sent.
    pub retry_budget: budget::Terms,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quota_fallback: false,
            fallback_order: FallbackOrder::AccountFirst,
            strategy: Strategy::Hybrid,
            hybrid: hybrid::Numbers::default(),
            affinity: affinity::Rules::default(),
            max_wait: Duration::from_secs(120),
            max_waiting: 1_000,
            interactive_first: true,
            recheck: Duration::from_secs(600),
            retry_budget: budget::Terms::default(),
        }
    }
}

/// Where a request goes when its preferred pool is limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FallbackOrder {
    /// The other pools of the same account, then the next account.
    #[default]
    AccountFirst,
    /// The preferred pool of all accounts, then the next pool.
    PoolFirst,
}
