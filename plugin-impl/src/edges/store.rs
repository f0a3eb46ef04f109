//! The store: facts to outlive an account's place in the configuration.
//!
//! Records have types of their own and carry wall-clock instants, because the reader may be another process
//! or a later process. Every merge is a join by latest report, so order and duplicates do not matter. No
//! request waits for the store.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pointsman_core::admission::cell::{Limit, LimitSeen};
use pointsman_core::ids::{AccountId, PoolId};
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::time::{Now, UnixMillis};

use crate::secret::Secret;
use crate::sync::{Mutex, unpoisoned};

/// A store of learned facts.
pub trait Store: Send + Sync + Debug {
    /// Takes a record in.
    fn save(&self, record: StoredRecord);

    /// Returns the known facts of an account.
    fn account(&self, account: &AccountId) -> Saved;
}

/// A fact to keep.
#[derive(Clone, Debug)]
pub enum StoredRecord {
    /// A limit of a pool, or of some models of the pool, begins or ends.
    Limit { account: AccountId, pool: PoolId, models: Option<ModelSet>, limit: SavedLimit },
    /// The provider exchanged the refresh token. The record is saved before the token's first use.
    RefreshToken { account: AccountId, fingerprint: u64, token: Secret },
}

/// A limit in the store. The latest report wins, since a later report may shorten a limit. Within a
/// millisecond, a reported limit beats an estimated limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavedLimit {
    pub heard: UnixMillis,
    /// Whether the upstream reported the limit; otherwise an estimate.
    pub known: bool,
    pub until: UnixMillis,
}

impl SavedLimit {
    /// Converts the limit in force; no limit counts as a limit already over.
    pub fn of(limit: Option<LimitSeen>, now: Now) -> Self {
        let (until, known) = limit.map_or((now.mono, true), |limit| (limit.until, limit.known));
        Self { heard: now.wall, until: now.wall_of(until), known }
    }

    /// Converts the limit for a cell.
    pub fn limit(self, now: Now) -> Limit {
        let until = now.mono_of(self.until);
        if self.known { Limit::Reported { until } } else { Limit::Predicted { until } }
    }
}

/// More than the pools and models of any account. Beyond this number, limits already over are forgotten.
const CROWDED: usize = 64;

/// The known facts of an account.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    pub limits: BTreeMap<(PoolId, Option<ModelSet>), SavedLimit>,
    /// The refresh token in force, with the fingerprint of the configured token at the start of the
    /// exchanges.
    pub refresh_token: Option<(u64, Secret)>,
}

/// A store for the life of the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    accounts: Mutex<BTreeMap<AccountId, Saved>>,
}

impl Store for MemoryStore {
    fn save(&self, record: StoredRecord) {
        let mut accounts = unpoisoned(self.accounts.lock());
        match record {
            StoredRecord::Limit { account, pool, models, limit } => {
                let limits = &mut accounts.entry(account).or_default().limits;
                let kept = limits.entry((pool, models)).or_insert(limit);
                *kept = (*kept).max(limit);
                if limits.len() > CROWDED {
                    limits.retain(|_, kept| kept.until > limit.heard);
                }
            }
            StoredRecord::RefreshToken { account, fingerprint, token } => {
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
    use pointsman_core::admission::cell::CellState;
    use pointsman_core::time::Millis;

    use super::*;

    fn kept(limits: impl IntoIterator<Item = (&'static str, SavedLimit)>) -> Saved {
        let (store, account) = (MemoryStore::default(), AccountId::new("a:b"));
        for (model, limit) in limits {
            let (pool, models) = (PoolId::new("p"), Some(ModelSet::read(model)));
            store.save(StoredRecord::Limit { account: account.clone(), pool, models, limit });
        }
        store.account(&account)
    }

    fn heard(heard: u64, until: u64) -> SavedLimit {
        SavedLimit { heard: UnixMillis(heard), until: UnixMillis(until), known: true }
    }

    #[test]
    fn what_was_heard_last_wins_in_either_order() {
        for order in [[heard(1, 900), heard(2, 30)], [heard(2, 30), heard(1, 900)]] {
            let kept = kept(order.map(|limit| ("m", limit)));
            assert_eq!(kept.limits.into_values().collect::<Vec<_>>(), [heard(2, 30)]);
        }
    }

    #[test]
    fn a_reading_ends_a_guess_of_the_same_millisecond() {
        let guess = SavedLimit { known: false, ..heard(1, 900) };
        for order in [[guess, heard(1, 1)], [heard(1, 1), guess]] {
            let kept = kept(order.map(|limit| ("m", limit)));
            assert_eq!(kept.limits.into_values().collect::<Vec<_>>(), [heard(1, 1)]);
        }
    }

    #[test]
    fn models_that_are_limited_no_more_are_forgotten_once_there_are_many() {
        let names: Vec<&'static str> = (0..200).map(|number| &*format!("m{number}").leak()).collect();
        let kept = kept(names.iter().zip(0..).map(|(name, at)| (*name, heard(at, at + 9))));
        assert!(kept.limits.len() <= CROWDED && kept.limits.len() >= 9, "{}", kept.limits.len());
    }

    #[test]
    fn a_limit_comes_back_as_what_it_was() {
        let now = Now { mono: Millis(5_000), wall: UnixMillis(1_000_000) };
        let later = Now { mono: Millis(100), wall: UnixMillis(1_002_000) };
        let until = Millis(9_000);
        for (limit, expected) in [
            (Limit::Reported { until }, Limit::Reported { until: Millis(2_100) }),
            (Limit::Predicted { until }, Limit::Predicted { until: Millis(2_100) }),
        ] {
            let (state, _) = CellState::default().recall(limit, now.mono);
            let saved =
                SavedLimit { until: now.wall_of(until), ..SavedLimit::of(state.limit(now.mono), now) };
            assert_eq!(saved.limit(later), expected);
        }
        assert_eq!(SavedLimit::of(None, now), heard(1_000_000, 1_000_000));
    }
}
