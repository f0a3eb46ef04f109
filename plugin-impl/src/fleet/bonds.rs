//! The owners of resources: the accounts whose answers made them.
//!
//! The map is in memory and bounded. An unknown resource is no failure: after a start the map is empty, and
//! the upstream judges whether an account can use a resource. A known owner is binding.
//!
//! Owners are remembered by id, not by ordinal: an account with a renewed key still owns its resources.

use pointsman_core::ids::AccountId;
use pointsman_core::request::bond::BondKey;
use pointsman_core::time::Millis;

use crate::sync::DashMap;

/// The bound on remembered resources. Each turn of a conversation makes one or two.
const CROWDED: usize = 50_000;

/// The owners of resources.
#[derive(Debug)]
pub struct Bonds {
    makers: DashMap<BondKey, Maker>,
}

#[derive(Clone, Debug)]
struct Maker {
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

impl Default for Bonds {
    fn default() -> Self {
        Self { makers: DashMap::with_shard_amount(super::SHARDS) }
    }
}

impl Bonds {
    /// Returns the owner of a resource; a lookup counts as a use.
    pub fn maker(&self, key: BondKey, now: Millis) -> Option<AccountId> {
        let mut maker = self.makers.get_mut(&key)?;
        maker.seen = now;
        Some(maker.account.clone())
    }

    /// Remembers the owner of a resource.
    pub fn made(&self, key: BondKey, account: &AccountId, now: Millis) {
        self.make_room();
        self.makers.insert(key, Maker { account: account.clone(), seen: now });
    }

    /// Returns whether the map is empty, so a request's references need no search.
    pub fn is_empty(&self) -> bool {
        self.makers.is_empty()
    }

    /// Returns the account demanded by references.
    pub fn of(&self, keys: &[BondKey], now: Millis) -> Bound {
        let mut makers = keys.iter().filter_map(|key| self.maker(*key, now));
        let Some(first) = makers.next() else { return Bound::Free };
        match makers.find(|maker| *maker != first) {
            Some(other) => Bound::Torn(first, other),
            None => Bound::To(first),
        }
    }

    /// Drops the least recently used half, so the search costs little per resource.
    fn make_room(&self) {
        if self.makers.len() < CROWDED {
            return;
        }
        let mut seen: Vec<Millis> = self.makers.iter().map(|maker| maker.seen).collect();
        let middle = seen.len() / 2;
        if middle == 0 {
            return; // Another thread has just made room.
        }
        let oldest_kept = *seen.select_nth_unstable(middle).1;
        self.makers.retain(|_, maker| maker.seen > oldest_kept);
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    const NOW: Millis = Millis(7);

    fn account(label: &str) -> AccountId {
        AccountId::new(&format!("openai:{label}"))
    }

    fn bonds(made: &[(u64, &str)]) -> Bonds {
        let bonds = Bonds::default();
        made.iter().for_each(|(key, label)| bonds.made(BondKey(*key), &account(label), NOW));
        bonds
    }

    fn check(keys: &[u64], expected: &Bound) {
        let bonds = bonds(&[(1, "a"), (2, "a"), (3, "b")]);
        let keys: Vec<_> = keys.iter().copied().map(BondKey).collect();
        assert_eq!(bonds.of(&keys, NOW), *expected, "{keys:?}");
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
        let bonds = bonds(&[(1, "a"), (1, "b")]);
        assert_eq!(bonds.maker(BondKey(1), NOW), Some(account("b")));
    }

    #[test]
    fn the_map_is_bounded_and_keeps_what_was_seen_last() {
        let bonds = Bonds::default();
        for key in 0..2 * CROWDED as u64 {
            bonds.made(BondKey(key), &account("a"), Millis(key));
            // The first one is referred to all the time.
            assert!(bonds.maker(BondKey(0), Millis(key)).is_some(), "forgotten at {key}");
        }
        assert!(bonds.makers.len() <= CROWDED);
        assert_eq!(bonds.maker(BondKey(1), Millis(0)), None);
        assert!(bonds.maker(BondKey(2 * CROWDED as u64 - 1), Millis(0)).is_some());
    }

    #[test]
    fn things_that_were_all_made_at_once_are_bounded_too() {
        let bonds = Bonds::default();
        (0..2 * CROWDED as u64).for_each(|key| bonds.made(BondKey(key), &account("a"), NOW));
        assert!(bonds.makers.len() <= CROWDED);
    }
}
