//! The ledger: every request that arrived, and what became of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;
use tokio::sync::Notify;

/// How much of a request body is kept.
const KEPT_BODY: usize = 64 * 1024;

/// How many requests the ledger keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recording {
    #[default]
    All,
    /// The latest so many.
    Latest(usize),
    Off,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is being answered.
    Open,
    /// The whole answer was handed to the connection.
    Complete,
    /// A fault ended it.
    Broken,
    /// The client closed the connection (or the stream) before the end of the answer.
    Aborted,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// 0 for the first request; no two have the same.
    pub sequence: u64,
    pub arrived: Instant,
    pub ended: Option<Instant>,
    pub ending: Ending,
    pub method: Method,
    /// Path and query as they came.
    pub path: String,
    /// With lower-case names.
    pub headers: HeaderMap,
    pub account: Option<String>,
    pub pool: Option<String>,
    pub model: Option<String>,
    pub stream: bool,
    /// The code of the answer; none while there is no head.
    pub status: Option<u16>,
    /// The length of the request body.
    pub body_length: usize,
    /// Its first 64 KiB.
    pub body: Bytes,
    /// How many requests its (account, pool) had open when it arrived, itself among them.
    pub concurrent: u32,
    /// Bytes of the answer's body that were handed to the connection, known at the end.
    pub sent: u64,
}

impl Entry {
    /// Returns a request header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the request was for this account and pool.
    pub fn is_for(&self, account: &str, pool: &str) -> bool {
        self.account.as_deref() == Some(account) && self.pool.as_deref() == Some(pool)
    }
}

/// The requests so far.
#[derive(Debug)]
pub struct Ledger {
    recording: Recording,
    entries: Mutex<VecDeque<Entry>>,
    changed: Notify,
}

impl Ledger {
    pub(crate) fn new(recording: Recording) -> Self {
        Self { recording, entries: Mutex::default(), changed: Notify::new() }
    }

    /// Returns a copy of every kept entry, in the order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().iter().cloned().collect()
    }

    /// Returns how many kept entries are so.
    pub fn count(&self, is_so: impl Fn(&Entry) -> bool) -> usize {
        self.lock().iter().filter(|entry| is_so(entry)).count()
    }

    /// Returns how many requests an account's pool answered with this status.
    pub fn count_status(&self, account: &str, pool: &str, status: u16) -> usize {
        self.count(|entry| entry.is_for(account, pool) && entry.status == Some(status))
    }

    /// Returns how many requests an account's pool refused with a 429.
    pub fn rate_limited(&self, account: &str, pool: &str) -> usize {
        self.count_status(account, pool, 429)
    }

    /// Returns how many requests an account's pool answered with a 200.
    pub fn served(&self, account: &str, pool: &str) -> usize {
        self.count_status(account, pool, 200)
    }

    /// Returns the largest number of requests that an account's pool had open at once.
    pub fn max_concurrency(&self, account: &str, pool: &str) -> u32 {
        let entries = self.lock();
        let of_cell = entries.iter().filter(|entry| entry.is_for(account, pool));
        of_cell.map(|entry| entry.concurrent).max().unwrap_or(0)
    }

    /// Forgets every entry; requests under way are not seen again.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until the entries are so, and returns them.
    ///
    /// The condition is asked at once and after each change, under the ledger's lock: it must not ask the
    /// ledger itself.
    pub async fn wait_for(&self, mut are_so: impl FnMut(&[Entry]) -> bool) -> Vec<Entry> {
        loop {
            // Waiting begins before the look, so that no change falls between.
            let changed = self.changed.notified();
            let found = self.look(&mut are_so);
            match found {
                Some(entries) => return entries,
                None => changed.await,
            }
        }
    }

    fn look(&self, are_so: &mut impl FnMut(&[Entry]) -> bool) -> Option<Vec<Entry>> {
        let mut entries = self.lock();
        let entries = entries.make_contiguous();
        are_so(entries).then(|| entries.to_vec())
    }

    pub(crate) fn is_on(&self) -> bool {
        self.recording != Recording::Off
    }

    pub(crate) fn add(&self, mut entry: Entry) {
        entry.body = kept(&entry.body);
        let mut entries = self.lock();
        // Requests can be numbered in another order than they come here.
        let place = entries.partition_point(|earlier| earlier.sequence < entry.sequence);
        entries.insert(place, entry);
        if let Recording::Latest(most) = self.recording {
            let excess = entries.len().saturating_sub(most);
            entries.drain(..excess);
        }
        drop(entries);
        self.changed.notify_waiters();
    }

    /// Changes one entry, if it is still kept.
    pub(crate) fn update(&self, sequence: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        if let Ok(place) = entries.binary_search_by_key(&sequence, |entry| entry.sequence) {
            change(&mut entries[place]);
        }
        drop(entries);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        // A condition that panicked under the lock has changed nothing.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy where the whole body would be kept alive by its beginning.
fn kept(body: &Bytes) -> Bytes {
    if body.len() <= KEPT_BODY { body.clone() } else { Bytes::copy_from_slice(&body[..KEPT_BODY]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64, status: u16, concurrent: u32) -> Entry {
        Entry {
            sequence,
            arrived: Instant::now(),
            ended: None,
            ending: Ending::Open,
            method: Method::POST,
            path: "/v1/messages".to_owned(),
            headers: HeaderMap::new(),
            account: Some("work".to_owned()),
            pool: Some("a".to_owned()),
            model: None,
            stream: false,
            status: Some(status),
            body_length: 0,
            body: Bytes::from(vec![b'x'; KEPT_BODY + 1]),
            concurrent,
            sent: 0,
        }
    }

    fn ledger(recording: Recording, entries: &[(u64, u16, u32)]) -> Ledger {
        let ledger = Ledger::new(recording);
        for (sequence, status, concurrent) in entries {
            ledger.add(entry(*sequence, *status, *concurrent));
        }
        ledger
    }

    #[test]
    fn questions_are_about_one_cell() {
        let ledger = ledger(Recording::All, &[(0, 200, 1), (1, 429, 2), (2, 429, 1)]);
        assert_eq!(ledger.served("work", "a"), 1);
        assert_eq!(ledger.rate_limited("work", "a"), 2);
        assert_eq!(ledger.max_concurrency("work", "a"), 2);
        assert_eq!(ledger.rate_limited("work", "b") + ledger.rate_limited("home", "a"), 0);
    }

    #[test]
    fn the_order_is_that_of_arrival() {
        let ledger = ledger(Recording::All, &[(1, 200, 1), (0, 201, 1), (2, 202, 1)]);
        let statuses: Vec<_> = ledger.entries().iter().filter_map(|entry| entry.status).collect();
        assert_eq!(statuses, [201, 200, 202]);
    }

    #[test]
    fn a_bounded_ledger_keeps_the_latest() {
        let ledger = ledger(Recording::Latest(2), &[(0, 200, 1), (1, 200, 1), (2, 200, 1)]);
        let kept: Vec<_> = ledger.entries().iter().map(|entry| entry.sequence).collect();
        assert_eq!(kept, [1, 2]);
        ledger.update(0, |_| panic!("a forgotten entry is not changed"));
    }

    #[test]
    fn a_long_body_is_kept_in_part() {
        assert_eq!(ledger(Recording::All, &[(0, 200, 1)]).entries()[0].body.len(), KEPT_BODY);
    }

    #[tokio::test]
    async fn waiting_ends_with_the_change_it_waits_for() {
        let ledger = ledger(Recording::All, &[(0, 200, 1)]);
        let wait = ledger.wait_for(|entries| entries[0].ending == Ending::Aborted);
        let change = async { ledger.update(0, |entry| entry.ending = Ending::Aborted) };
        let (entries, ()) = tokio::join!(wait, change);
        assert_eq!(entries.len(), 1);
    }
}
