//! The settings of routing decisions; values are always in range.

use std::time::Duration;

use crate::admission::budget;
use crate::planning::affinity;
use crate::planning::strategy::{Strategy, hybrid};

/// The user's settings, for all requests of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Allows an unpinned request other pools than its preferred pool.
    pub quota_fallback: bool,
    pub fallback_order: FallbackOrder,
    pub strategy: Strategy,
    pub drain: Drain,
    pub hybrid: hybrid::Numbers,
    pub affinity: affinity::Rules,
    /// The longest total wait of a request for a slot.
    pub max_wait: Duration,
    /// The bound on requests in a wait queue.
    pub max_waiting: usize,
    /// In the wait queue, requests with a waiting person go before background requests.
    pub interactive_first: bool,
    /// The interval between probes of a long limit; zero for never.
    pub recheck: Duration,
    /// The retry budget of a provider.
    pub retry_budget: budget::Terms,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quota_fallback: false,
            fallback_order: FallbackOrder::AccountFirst,
            strategy: Strategy::Hybrid,
            drain: Drain::None,
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

/// The order of fallback from a limited pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FallbackOrder {
    /// The other pools of the same account, then the next account.
    #[default]
    AccountFirst,
    /// The preferred pool of all accounts, then the next pool.
    PoolFirst,
}

/// The quota to use up first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drain {
    /// Left to the strategy.
    #[default]
    None,
    /// The quota that is whole again soonest.
    SoonestReset,
}
