//! The fleet: every account and endpoint, and the shared state for admitting requests.
//!
//! Maps hold `Arc`s: clone the `Arc`, drop the map's guard, then do the work. An account with a changed
//! credential is a new account, out of reach for leases of the old account.

pub mod account;
pub mod affinity;
mod breaker;
pub mod callers;
pub mod caps;
pub mod closures;
pub mod endpoint;
mod gauge;
pub mod inquiry;
pub mod keyed;
pub mod lease;
pub mod notifier;
mod orders;
mod pool;
pub mod quota;
pub mod resource_owners;
pub mod roster;
#[cfg(all(test, not(feature = "shuttle")))]
mod testing;
pub mod wait_queue;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pointsman_core::admission::budget::Budget;
use pointsman_core::admission::probe::Spacing;
use pointsman_core::ids::{AccountId, ProviderId};
use pointsman_core::request::catalog::{Endpoint, Provider};

use crate::sync::DashMap;

pub use self::account::{Account, Identity};
use self::affinity::Affinity;
use self::callers::Callers;
use self::caps::Counts;
pub use self::endpoint::EndpointState;
pub use self::lease::{Examined, Lease, Settlement, Suspect};
use self::notifier::Notifier;
use self::resource_owners::ResourceOwners;
pub use self::roster::{Member, Roster};
use self::wait_queue::WaitQueues;

/// Shards of the maps. Iterating costs per shard, and the default count suits many more writers.
const SHARDS: usize = 8;

/// Every account and endpoint known to the process.
#[derive(Debug)]
pub struct Fleet {
    accounts: DashMap<AccountId, Arc<Account>>,
    endpoints: DashMap<Endpoint, Arc<EndpointState>>,
    callers: DashMap<AccountId, Arc<Callers>>,
    budgets: DashMap<ProviderId, Arc<Budget>>,
    spacings: DashMap<ProviderId, Arc<Spacing>>,
    next_ordinal: AtomicU32,
    notifiers: DashMap<ProviderId, Arc<Notifier>>,
    pub affinity: Arc<Affinity>,
    pub resource_owners: Arc<ResourceOwners>,
    pub counts: Counts,
    pub wait_queues: WaitQueues,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            accounts: DashMap::with_shard_amount(SHARDS),
            endpoints: DashMap::with_shard_amount(SHARDS),
            callers: DashMap::with_shard_amount(SHARDS),
            budgets: DashMap::with_shard_amount(SHARDS),
            spacings: DashMap::with_shard_amount(SHARDS),
            next_ordinal: AtomicU32::new(0),
            notifiers: DashMap::with_shard_amount(SHARDS),
            affinity: Arc::default(),
            resource_owners: Arc::default(),
            counts: Counts::default(),
            wait_queues: WaitQueues::default(),
        }
    }
}

impl Fleet {
    /// Returns the account `id`: the existing account, or a new account if the identity has changed.
    pub fn enlist(&self, id: &AccountId, identity: Identity, provider: &Provider) -> Arc<Account> {
        let notifier = self.notifier(&provider.id);
        let fresh = || {
            let ordinal = self.next_ordinal.fetch_add(1, Ordering::Relaxed);
            Arc::new(Account::new(id.clone(), ordinal, identity, provider, notifier.clone()))
        };
        let mut entry = self.accounts.entry(id.clone()).or_insert_with(fresh);
        if entry.identity() != identity {
            *entry = fresh();
        }
        entry.clone()
    }

    /// Forgets the accounts outside `kept`. Existing leases still settle on their own `Arc`.
    pub fn keep_only(&self, kept: &BTreeSet<AccountId>) {
        self.accounts.retain(|id, _| kept.contains(id));
        self.callers.retain(|id, _| kept.contains(id));
    }

    /// Returns the account `id`, if known.
    pub fn account(&self, id: &AccountId) -> Option<Arc<Account>> {
        self.accounts.get(id).map(|account| account.clone())
    }

    /// Returns the callers of an account shared by callers with credentials of their own.
    pub fn callers(&self, account: &Arc<Account>) -> Arc<Callers> {
        let fresh = || Arc::new(Callers::new(account.clone()));
        let mut entry = self.callers.entry(account.id.clone()).or_insert_with(fresh);
        if !entry.are_of(account) {
            *entry = fresh();
        }
        entry.clone()
    }

    /// Returns the state of an endpoint, shared by every pool with an equal URL.
    pub fn endpoint(&self, endpoint: &Endpoint) -> Arc<EndpointState> {
        self.endpoints
            .entry(endpoint.clone())
            .or_insert_with(|| Arc::new(EndpointState::new(endpoint)))
            .clone()
    }

    /// Returns the retry budget of a provider, shared by every configuration.
    pub fn budget(&self, provider: &ProviderId) -> Arc<Budget> {
        self.budgets.entry(provider.clone()).or_default().clone()
    }

    /// Returns the probe spacing of a provider, shared by every configuration.
    pub fn spacing(&self, provider: &ProviderId) -> Arc<Spacing> {
        self.spacings.entry(provider.clone()).or_default().clone()
    }

    /// Returns the notifier of changes at a provider, for waiting requests.
    pub fn notifier(&self, provider: &ProviderId) -> Arc<Notifier> {
        self.notifiers.entry(provider.clone()).or_default().clone()
    }

    /// Notifies every waiting request of a possible change.
    pub fn notify_all(&self) {
        let notifiers: Vec<_> = self.notifiers.iter().map(|notifier| notifier.clone()).collect();
        notifiers.iter().for_each(|notifier| notifier.notify());
    }
}
