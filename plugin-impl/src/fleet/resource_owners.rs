//! The owners of resources: the accounts whose answers made them.
//!
//! The map is bounded. An unknown resource is no failure: the upstream judges whether an account can use the
//! resource. A known owner is binding.
//!
//! Owners are remembered by id, not by ordinal: an account with a renewed key still owns its resources.

use pointsman_core::ids::AccountId;
use pointsman_core::request::resource::{ResourceKey, ResourceKind};
use pointsman_core::time::Millis;
use smallvec::SmallVec;

use crate::sync::DashMap;

/// The bound on remembered resources. Each turn of a conversation makes one or two.
const CROWDED: usize = 50_000;

/// The owners of resources.
#[derive(Debug)]
pub struct ResourceOwners {
    /// By the hash of a resource's id and kind: a store keeps no kind.
    owners: DashMap<u64, Owner>,
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
    To(Binding),
    /// Two owners, so no account can serve.
    Torn(Binding, AccountId),
}

/// The account that a request is bound to, with the kinds of resources that bind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub owner: AccountId,
    /// Sorted, each kind once. Not empty.
    pub kinds: SmallVec<[ResourceKind; 2]>,
}

impl Binding {
    /// Returns the resources as a phrase.
    pub fn by(&self) -> String {
        let mut words: Vec<_> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        words.dedup();
        words.join(" and ")
    }

    /// Returns whether a request can do without every one of the resources.
    pub fn is_droppable(&self) -> bool {
        self.kinds.iter().all(|kind| *kind == ResourceKind::Reasoning)
    }
}

impl Default for ResourceOwners {
    fn default() -> Self {
        Self { owners: DashMap::with_shard_amount(super::SHARDS) }
    }
}

impl ResourceOwners {
    /// Returns the owner of a resource; a lookup counts as a use.
    pub fn owner(&self, key: ResourceKey, now: Millis) -> Option<AccountId> {
        let mut owner = self.owners.get_mut(&key.0)?;
        owner.seen = now;
        Some(owner.account.clone())
    }

    /// Remembers the owner of a resource.
    pub fn made(&self, key: ResourceKey, account: &AccountId, now: Millis) {
        self.restore(key.0, account, now);
    }

    /// Takes over the owner of a resource from the store, by the hash of [`ResourceKey`].
    pub fn restore(&self, hash: u64, account: &AccountId, seen: Millis) {
        self.make_room();
        self.owners.insert(hash, Owner { account: account.clone(), seen });
    }

    /// Returns the hashes of resources made or referred to since an instant, with owner and last use.
    pub fn seen_since(&self, since: Millis) -> Vec<(u64, AccountId, Millis)> {
        let seen = self.owners.iter().filter(|owner| owner.seen >= since);
        seen.map(|owner| (*owner.key(), owner.account.clone(), owner.seen)).collect()
    }

    /// Returns whether the map is empty, so a request's references need no search.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Returns the account demanded by references.
    pub fn of(&self, keys: &[ResourceKey], now: Millis) -> Bound {
        let owned = keys.iter().filter_map(|key| Some((self.owner(*key, now)?, key.1)));
        let owned: SmallVec<[(AccountId, ResourceKind); 2]> = owned.collect();
        let Some((first, _)) = owned.first() else { return Bound::Free };
        let mut kinds: SmallVec<[ResourceKind; 2]> = owned.iter().map(|(_, kind)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let binding = Binding { owner: first.clone(), kinds };
        match owned.iter().find(|(owner, _)| owner != first) {
            Some((other, _)) => Bound::Torn(binding, other.clone()),
            None => Bound::To(binding),
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
        made.iter().for_each(|(key, label)| resource_owners.made(resource(*key), &account(label), NOW));
        resource_owners
    }

    fn resource(key: u64) -> ResourceKey {
        ResourceKey(key, ResourceKind::Response)
    }

    fn binding(label: &str) -> Binding {
        Binding { owner: account(label), kinds: [ResourceKind::Response].into_iter().collect() }
    }

    fn check(keys: &[u64], expected: &Bound) {
        let resource_owners = resource_owners(&[(1, "a"), (2, "a"), (3, "b")]);
        let keys: Vec<_> = keys.iter().copied().map(resource).collect();
        assert_eq!(resource_owners.of(&keys, NOW), *expected, "{keys:?}");
    }

    #[test]
    fn a_request_is_bound_to_the_maker_of_all_that_is_known() {
        check(&[], &Bound::Free);
        check(&[8, 9], &Bound::Free);
        check(&[9, 1, 8, 2], &Bound::To(binding("a")));
        check(&[1, 9, 2, 3], &Bound::Torn(binding("a"), account("b")));
    }

    #[test]
    fn what_is_made_again_has_its_new_maker() {
        let resource_owners = resource_owners(&[(1, "a"), (1, "b")]);
        assert_eq!(resource_owners.owner(resource(1), NOW), Some(account("b")));
    }

    #[test]
    fn the_map_is_bounded_and_keeps_what_was_seen_last() {
        let resource_owners = ResourceOwners::default();
        for key in 0..2 * CROWDED as u64 {
            resource_owners.made(resource(key), &account("a"), Millis(key));
            // The first one is referred to all the time.
            assert!(resource_owners.owner(resource(0), Millis(key)).is_some(), "forgotten at {key}");
        }
        assert!(resource_owners.owners.len() <= CROWDED);
        assert_eq!(resource_owners.owner(resource(1), Millis(0)), None);
        assert!(resource_owners.owner(resource(2 * CROWDED as u64 - 1), Millis(0)).is_some());
    }

    #[test]
    fn things_that_were_all_made_at_once_are_bounded_too() {
        let resource_owners = ResourceOwners::default();
        (0..2 * CROWDED as u64).for_each(|key| resource_owners.made(resource(key), &account("a"), NOW));
        assert!(resource_owners.owners.len() <= CROWDED);
    }

    #[test]
    fn a_binding_names_each_kind_once_and_only_reasoning_can_be_left_out() {
        let resource_owners = ResourceOwners::default();
        let keys = [(1, ResourceKind::Reasoning), (2, ResourceKind::Response), (3, ResourceKind::Reasoning)];
        let keys = keys.map(|(key, kind)| ResourceKey(key, kind));
        keys.iter().for_each(|key| resource_owners.made(*key, &account("a"), NOW));
        let bound = |keys: &[ResourceKey]| match resource_owners.of(keys, NOW) {
            Bound::To(binding) => (binding.by(), binding.is_droppable()),
            other @ (Bound::Free | Bound::Torn(..)) => panic!("{other:?}"),
        };
        assert_eq!(bound(&keys), ("an earlier answer and encrypted reasoning".to_owned(), false));
        assert_eq!(bound(&[keys[0], keys[2]]), ("encrypted reasoning".to_owned(), true));
    }
}
