//! The store: what outlives an account's place in the configuration.
//!
//! Records are shapes of their own and carry wall-clock instants, because the reader may be another
//! process or a later one. Every merge is a join, the later limit wins, so that order and duplicates do
//! not matter. Nothing here is on the way of a request.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pointsman_core::ids::{AccountId, PoolId};
use pointsman_core::time::UnixMillis;

use crate::secret::Secret;
use crate::sync::{Mutex, unpoisoned};

/// Keeps what was learned.
pub trait Store: Send + Sync + Debug {
    /// Takes a record in.
    fn save(&self, record: Record);

    /// Returns what is known of an account.
    fn account(&self, account: &AccountId) -> Saved;
}

/// Something worth keeping.
#[derive(Clone, Debug)]
pub enum Record {
    /// A pool is limited.
    Limit { account: AccountId, pool: PoolId, limit: SavedLimit },
    /// The provider exchanged the refresh token. It is saved before it is used.
    RefreshToken { account: AccountId, fingerprint: u64, token: Secret },
}

/// A limit, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavedLimit {
    pub until: UnixMillis,
}

/// What is known of an account.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    pub limits: BTreeMap<PoolId, SavedLimit>,
    /// The refresh token in force, and the fingerprint of the configured one that it descends from.
    pub refresh_token: Option<(u64, Secret)>,
}

/// Keeps records for as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryStore {
    accounts: Mutex<BTreeMap<AccountId, Saved>>,
}

impl Store for MemoryStore {
    fn save(&self, record: Record) {
        let mut accounts = unpoisoned(self.accounts.lock());
        match record {
            Record::Limit { account, pool, limit } => {
                let limits = &mut accounts.entry(account).or_default().limits;
                let kept = limits.entry(pool).or_insert(limit);
                *kept = (*kept).max(limit);
            }
            Record::RefreshToken { account, fingerprint, token } => {
                accounts.entry(account).or_default().refresh_token = Some((fingerprint, token));
            }
        }
    }

    fn account(&self, account: &AccountId) -> Saved {
        unpoisoned(self.accounts.lock()).get(account).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_limits_the_later_wins_in_either_order() {
        for order in [[5, 9], [9, 5]] {
            let store = MemoryStore::default();
            let (account, pool) = (AccountId::new("a:b"), PoolId::new("p"));
            for until in order {
                let limit = SavedLimit { until: UnixMillis(until) };
                store.save(Record::Limit { account: account.clone(), pool: pool.clone(), limit });
            }
            assert_eq!(store.account(&account).limits[&pool].until, UnixMillis(9));
        }
    }
}
