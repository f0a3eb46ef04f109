//! Callers' own accounts: an account with `credential: caller` has a state per credential.
//!
//! A limit of one caller says nothing about another, so callers share no cell. A keyed hash in memory
//! identifies a credential; its text stays in the request.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pointsman_core::time::Millis;

use crate::sync::DashMap;

use super::account::Account;
use super::roster::Member;

/// The bound on remembered credentials. A dropped credential costs an upstream's refusal.
const MOST: usize = 1_024;

/// The states of an account, by its callers' credentials.
#[derive(Debug)]
pub struct Callers {
    /// The configured account. No request is sent by it.
    template: Arc<Account>,
    /// Two 64-bit hashes with separate keys, against collisions.
    hashers: [RandomState; 2],
    known: DashMap<Fingerprint, Reported>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fingerprint([u64; 2]);

#[derive(Debug)]
struct Reported {
    account: Arc<Account>,
    /// The last request with the credential, in milliseconds.
    seen: AtomicU64,
}

/// A request's account by its own credential.
#[derive(Clone, Debug)]
pub struct Own {
    /// The place in the roster.
    pub place: u32,
    pub(super) member: Member,
}

impl Callers {
    /// Starts without callers.
    pub fn new(template: Arc<Account>) -> Self {
        let known = DashMap::with_shard_amount(super::SHARDS);
        Self { template, hashers: Default::default(), known }
    }

    /// Returns whether the callers belong to `account`.
    pub fn are_of(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.template, account)
    }

    /// Returns the account of a credential.
    pub fn account(&self, credential: &impl Hash, now: Millis) -> Arc<Account> {
        // 128 bits of keyed hashes tell callers apart without keeping a credential.
        let key = Fingerprint([0, 1].map(|hash: usize| self.hashers[hash].hash_one(credential)));
        if let Some(known) = self.known.get(&key) {
            known.seen.fetch_max(now.0, Ordering::Relaxed);
            return known.account.clone();
        }
        self.make_room();
        let fresh = || Reported { account: Arc::new(self.template.sibling()), seen: AtomicU64::new(now.0) };
        self.known.entry(key).or_insert_with(fresh).account.clone()
    }

    /// Returns the accounts of all callers, the most recently used first.
    pub fn all(&self) -> Vec<Arc<Account>> {
        let mut all: Vec<_> = self
            .known
            .iter()
            .map(|known| (known.seen.load(Ordering::Relaxed), known.account.clone()))
            .collect();
        all.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
        all.into_iter().map(|(_, account)| account).collect()
    }

    /// Drops the older half of the accounts without requests in flight.
    fn make_room(&self) {
        if self.known.len() < MOST {
            return;
        }
        let mut times: Vec<u64> = self.known.iter().map(|known| known.seen.load(Ordering::Relaxed)).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied().unwrap_or_default();
        self.known.retain(|_, known| {
            Arc::strong_count(&known.account) > 1 || known.seen.load(Ordering::Relaxed) > middle
        });
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::ids::AccountId;

    use crate::fleet::account::Identity;
    use crate::fleet::testing::provider;

    use super::*;

    fn callers() -> Callers {
        let id = AccountId::new("acme:caller");
        Callers::new(Arc::new(Account::new(id, 7, Identity(0), &provider(), Arc::default())))
    }

    #[test]
    fn each_credential_has_an_account_and_keeps_it() {
        let callers = callers();
        let (alice, bob) = (callers.account(&"alice", Millis(1)), callers.account(&"bob", Millis(2)));
        assert!(!Arc::ptr_eq(&alice, &bob));
        assert!(Arc::ptr_eq(&alice, &callers.account(&"alice", Millis(3))));
        assert_eq!((alice.ordinal, bob.ordinal), (7, 7), "both have the place of the configured account");
        assert!(alice.require_sign_in(None));
        assert_eq!(bob.standing(), pointsman_core::planning::snapshot::Standing::Ready);
        assert!(Arc::ptr_eq(&callers.all()[0], &alice), "it was used last");
    }

    #[test]
    fn no_more_are_remembered_than_may_be_and_none_that_is_in_use_is_forgotten() {
        let callers = callers();
        let used = callers.account(&0_u64, Millis(0));
        for caller in 1..3 * MOST as u64 {
            callers.account(&caller, Millis(caller));
        }
        assert!(callers.known.len() <= MOST);
        assert!(Arc::ptr_eq(&used, &callers.account(&0_u64, Millis(0))));
    }

    #[test]
    fn no_credential_can_be_printed() {
        let callers = callers();
        let account = callers.account(&"hush-hush", Millis(0));
        assert!(!format!("{callers:?} {account:?}").contains("hush-hush"));
    }
}
