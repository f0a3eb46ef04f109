//! The owners of resources: the accounts whose answers made them.
//!
//! The map is bounded. An unknown resource is no failure: the upstream judges whether an account can use the
//! resource. A known owner is binding.
//!
//! Owners are remembered by id, not by ordinal: an account with a renewed key still owns its resources.

use pointsman_core::ids::AccountId;
use pointsman_core::request::resource::ResourceKey;
use pointsman_core::time::Millis;

use crate::sync::DashMap;

/// The bound on remembered resources. Each turn of a conversation makes one or two.
const CROWDED: usize = 50_000;

/// The owners of resources.
#[derive(Debug)]
pub struct ResourceOwners {
    owners: DashMap<ResourceKey, Owner>,
}

#[derive(Clone, Debug)]
struct Owner {
    account: AccountId,
    seen: Millis,
}

/// The account that a request's references demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// No known owner.
    Free,
    /// The owner of all known references.
    To(AccountId),
    /// Two owners, so no account can serve.
    Torn(AccountId, AccountId),
}

impl Default for ResourceOwners {
    fn default() -> Self {
        Self { owners: DashMap::with_shard_amount(super::SHARDS) }
    }
}

impl ResourceOwners {
    /// Returns the owner of a resource; a lookup counts as a use.
    pub fn owner(&self, key: ResourceKey, now: Millis) -> Option<AccountId> {
        let mut owner = self.owners.get_mut(&key)?;
        owner.seen = now;
        Some(owner.account.clone())
    }

    /// Remembers the owner of a resource.
    pub fn made(&self, key: ResourceKey, account: &AccountId, now: Millis) {
        self.make_room();
        self.owners.insert(key, Owner { account: account.clone(), seen: now });
    }

    /// Returns the resources made or referred to since an instant, with owner and last use.
    pub fn seen_since(&self, since: Millis) -> Vec<(ResourceKey, AccountId, Millis)> {
        let seen = self.owners.iter().filter(|owner| owner.seen >= since);
        seen.map(|owner| (*owner.key(), owner.account.clone(), owner.seen)).collect()
    }

    /// Returns whether the map is empty, so a request's references need no search.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Returns the account demanded by references.
    pub fn of(&self, keys: &[ResourceKey], now: Millis) -> Bound {
        let mut owners = keys.iter().filter_map(|key| self.owner(*key, now));
        let Some(first) = owners.next() else { return Bound::Free };
        match owners.find(|owner| *owner != first) {
            Some(other) => Bound::Torn(first, other),
            None => Bound::To(first),
        }
    }

    /// Drops the least recently used half, so the search costs little per resource.
    fn make_room(&self) {
        if self.owners.len() < CROWDED {
            return;
        }
        let mut seen: Vec<Millis> = self.owners.iter().map(|owner| owner.seen).collect();
        let middle = seen.len() / 2;
        if middle == 0 {
            return; // Another thread has just made room.
        }
        let oldest_kept = *seen.select_nth_unstable(middle).1;
        self.owners.retain(|_, owner| owner.seen > oldest_kept);
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    const NOW: Millis = Millis(7);

    fn account(label: &str) -> AccountId {
        AccountId::new(&format!("openai:{label}"))
    }

    fn resource_owners(made: &[(u64, &str)]) -> ResourceOwners {
        let resource_owners = ResourceOwners::default();
        made.iter().for_each(|(key, label)| resource_owners.made(ResourceKey(*key), &account(label), NOW));
        resource_owners
    }

    fn check(keys: &[u64], expected: &Bound) {
        let resource_owners = resource_owners(&[(1, "a"), (2, "a"), (3, "b")]);
        let keys: Vec<_> = keys.iter().copied().map(ResourceKey).collect();
        assert_eq!(resource_owners.of(&keys, NOW), *expected, "{keys:?}");
    }

    #[test]
    fn a_request_is_bound_to_the_maker_of_all_that_is_known() {
        check(&[], &Bound::Free);
        check(&[8, 9], &Bound::Free);
        check(&[9, 1, 8, 2], &Bound::To(account("a")));
        check(&[1, 9, 2, 3], &Bound::Torn(account("a"), account("b")));
    }

    #[test]
    fn what_is_made_again_has_its_new_maker() {
        let resource_owners = resource_owners(&[(1, "a"), (1, "b")]);
        assert_eq!(resource_owners.owner(ResourceKey(1), NOW), Some(account("b")));
    }

    #[test]
    fn the_map_is_bounded_and_keeps_what_was_seen_last() {
        let resource_owners = ResourceOwners::default();
        for key in 0..2 * CROWDED as u64 {
            resource_owners.made(ResourceKey(key), &account("a"), Millis(key));
            // The first one is referred to all the time.
            assert!(resource_owners.owner(ResourceKey(0), Millis(key)).is_some(), "forgotten at {key}");
        }
        assert!(resource_owners.owners.len() <= CROWDED);
        assert_eq!(resource_owners.owner(ResourceKey(1), Millis(0)), None);
        assert!(resource_owners.owner(ResourceKey(2 * CROWDED as u64 - 1), Millis(0)).is_some());
    }

    #[test]
    fn things_that_were_all_made_at_once_are_bounded_too() {
        let resource_owners = ResourceOwners::default();
        (0..2 * CROWDED as u64).for_each(|key| resource_owners.made(ResourceKey(key), &account("a"), NOW));
        assert!(resource_owners.owners.len() <= CROWDED);
    }
}
