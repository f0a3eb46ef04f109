//! The ledger: every known record, and which of them are not stored yet.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::time::UnixMillis;

use super::key::{Key, Kind};
use super::record::Record;

/// The most records. Far more than accounts, windows and sessions make; a full ledger takes no new keys.
const MOST: usize = 200_000;

/// A replica of the shared records.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: BTreeMap<Key, Record>,
    /// Records with news for the store.
    unsaved: BTreeSet<Key>,
}

impl Ledger {
    /// Joins an observation of this process. Returns whether the record changed.
    pub fn learn(&mut self, key: Key, record: Record) -> bool {
        let changed = self.receive(key.clone(), record);
        if changed {
            self.unsaved.insert(key);
        }
        changed
    }

    /// Joins a record from the store. Returns whether the record changed.
    pub fn receive(&mut self, key: Key, record: Record) -> bool {
        let is_full = self.records.len() >= MOST;
        match self.records.entry(key) {
            Entry::Occupied(mut known) => {
                let joined = known.get().clone().joined(record);
                let changed = joined != *known.get();
                known.insert(joined);
                changed
            }
            Entry::Vacant(_) if is_full => false,
            Entry::Vacant(place) => {
                place.insert(record);
                true
            }
        }
    }

    /// Returns a record.
    pub fn get(&self, key: &Key) -> Option<&Record> {
        self.records.get(key)
    }

    /// Returns the records of a kind about an account.
    pub fn of_account<'a>(
        &'a self,
        kind: Kind,
        account: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Record)> {
        let first = Key::new(kind, [account]);
        let records = self.records.range(first..);
        records.take_while(move |(key, _)| key.kind == kind && key.name(0) == Some(account))
    }

    /// Returns the records of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Record)> {
        let first = Key { kind, names: Box::default() };
        self.records.range(first..).take_while(move |(key, _)| key.kind == kind)
    }

    /// Returns whether records wait for the store.
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// Takes the records that wait for the store, at most `most`.
    pub fn take_unsaved(&mut self, most: usize) -> Vec<(Key, Record)> {
        let keys: Vec<Key> = self.unsaved.iter().take(most).cloned().collect();
        let taken = keys.into_iter().filter_map(|key| {
            self.unsaved.remove(&key);
            let record = self.records.get(&key)?.clone();
            Some((key, record))
        });
        taken.collect()
    }

    /// Lets records wait for the store again, after a failure.
    pub fn put_back(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.unsaved.extend(keys.into_iter().filter(|key| self.records.contains_key(key)));
    }

    /// Lets every record wait for the store: the store is new.
    pub fn put_all_back(&mut self) {
        self.unsaved = self.records.keys().cloned().collect();
    }

    /// Forgets records past their use and returns their keys. Age is a fact of the record, so every replica
    /// forgets alike.
    pub fn forget_stale(&mut self, now: UnixMillis) -> Vec<Key> {
        let is_stale = |key: &Key, record: &Record| record.stale_at(key).is_some_and(|end| end < now);
        let stale = self.records.iter().filter(|(key, record)| is_stale(key, record));
        let stale: Vec<Key> = stale.map(|(key, _)| key.clone()).collect();
        for key in &stale {
            self.records.remove(key);
            self.unsaved.remove(key);
        }
        stale
    }
}
