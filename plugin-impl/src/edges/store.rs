//! The store: facts that outlive the process, shared by the processes of a machine.
//!
//! Requests work on a replica in memory, a [`Ledger`] of joins, and wait for nothing. With a file behind it,
//! one thread of the process writes what has changed and takes in what other processes wrote, a few times a
//! second. The exception is a refreshed token, which is on disk before its first use. Where the file cannot
//! be used, requests go on with the replica, and a person is told once.

mod database;
mod file;
mod saved;
mod token;
mod trouble;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use pointsman_core::admission::cell::LimitSeen;
use pointsman_core::ids::{AccountId, PoolId};
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::state::token_lease::{LOOK_EVERY, TokenVersion};
use pointsman_core::state::{AccountRecord, Key, Kind, Ledger, Record, Stamped, Usage};
use pointsman_core::time::{Now, UnixMillis};
use tokio::sync::oneshot;

use crate::sync::{Mutex, unpoisoned};

pub use self::saved::{Saved, SavedLimit, limit_key, limit_of, reading_of, reading_record};
use self::token::TokenMap;
pub use self::token::{Departed, Fingerprint, SavedToken, TokenKey};
pub use self::trouble::Trouble;
use self::writer::{Command, Writer};

/// The longest wait of a start for the file. Later the file's content is taken in as news.
const PATIENCE_AT_START: Duration = Duration::from_millis(250);
/// The longest wait for another process that refreshes the same token. Its lease ends far earlier.
const MOST_LOOKS: u32 = 1_000;

/// The process that works with a store, as the writer's thread sees the process.
pub trait Resident: Send + Sync {
    /// Adds what has changed in the process to the store. Returns whether requests are under way, whose facts are still
    /// to come.
    fn collect(&self) -> bool;

    /// Takes in what other processes have changed.
    fn changed(&self, changes: &[(Key, Record)]);

    /// Tells a person about trouble with the file.
    fn tell(&self, trouble: &Trouble);
}

/// A store of facts.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    writer: Option<writer::Handle>,
}

/// The part of a store that the writer's thread uses too.
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    tokens: Mutex<TokenMap>,
    resident: OnceLock<Weak<dyn Resident>>,
    /// A request came since the last tick of the writer.
    is_busy: AtomicBool,
    /// Trouble from before there was a resident.
    untold: Mutex<Vec<Trouble>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a store that ends with the process.
    pub fn memory() -> Self {
        Self { shared: Arc::default(), writer: None }
    }

    /// Makes a store in a file. Returns after the file's content was read, or could not be read soon.
    pub fn open(path: PathBuf) -> Self {
        let shared = Arc::<Shared>::default();
        let (handle, opened) = Writer::start(path, shared.clone());
        if handle.is_some() {
            let _ = opened.recv_timeout(PATIENCE_AT_START);
        }
        Self { shared, writer: handle }
    }

    /// Returns whether facts outlive the process.
    pub fn is_in_file(&self) -> bool {
        self.writer.is_some()
    }

    /// Introduces the process. Only the first resident counts.
    pub fn introduce(&self, resident: Weak<dyn Resident>) {
        let _ = self.shared.resident.set(resident);
        let untold = std::mem::take(&mut *unpoisoned(self.shared.untold.lock()));
        untold.into_iter().for_each(|trouble| self.shared.tell(trouble));
        // News may have come before the introduction.
        let known = Kind::ALL.into_iter().flat_map(|kind| self.records(kind)).collect::<Vec<_>>();
        if let Some(resident) = self.shared.resident().filter(|_| !known.is_empty()) {
            resident.changed(&known);
        }
    }

    /// Notes that a request came. Costs a store of a word.
    #[inline]
    pub fn note_request(&self) {
        self.shared.is_busy.store(true, Ordering::Relaxed);
    }

    /// Takes a fact of this process in. Returns whether the fact is news.
    pub fn learn(&self, key: Key, record: Record) -> bool {
        unpoisoned(self.shared.ledger.lock()).learn(key, record)
    }

    /// Takes a limit of a pool, or of some models of the pool, in.
    ///
    /// The end of a limit is kept only where the limit is known here: another process may know a limit that
    /// this process has not met.
    pub fn learn_limit(
        &self,
        (account, pool): (&AccountId, &PoolId),
        models: Option<&ModelSet>,
        limit: SavedLimit,
    ) {
        let key = limit_key(account, pool, models);
        let mut ledger = unpoisoned(self.shared.ledger.lock());
        let in_force =
            |known: &Record| matches!(known, Record::Limit(known) if known.fact.until > limit.heard);
        if limit.until > limit.heard || ledger.get(&key).is_some_and(in_force) {
            ledger.learn(key, Record::Limit(Stamped::new(limit.heard, limit.fact())));
        }
    }

    /// Adds to counters of this process.
    pub fn count(&self, key: Key, counts: &[(&str, u64)]) {
        let mut ledger = unpoisoned(self.shared.ledger.lock());
        let mut usage = match ledger.get(&key) {
            Some(Record::Usage(usage)) => usage.clone(),
            Some(_) | None => Usage::default(),
        };
        counts.iter().filter(|(_, by)| *by > 0).for_each(|(name, by)| usage.count(name, *by));
        ledger.learn(key, Record::Usage(usage));
    }

    /// Returns trouble with the file that nobody was told.
    pub fn trouble(&self) -> Option<Trouble> {
        unpoisoned(self.shared.untold.lock()).last().cloned()
    }

    /// Returns the known facts of an account.
    pub fn account(&self, account: &AccountId) -> Saved {
        let ledger = unpoisoned(self.shared.ledger.lock());
        Saved::of(&ledger, account)
    }

    /// Returns the records of a kind, as of now.
    pub fn records(&self, kind: Kind) -> Vec<(Key, Record)> {
        let ledger = unpoisoned(self.shared.ledger.lock());
        ledger.of_kind(kind).map(|(key, record)| (key.clone(), record.clone())).collect()
    }

    /// Returns the orders on an account.
    pub fn orders(&self, account: &AccountId) -> AccountRecord {
        let ledger = unpoisoned(self.shared.ledger.lock());
        match ledger.get(&Key::of(Kind::Account, account, &[])) {
            Some(Record::Account(orders)) => orders.clone(),
            Some(_) | None => AccountRecord::default(),
        }
    }

    /// Returns the stored tokens behind a configured refresh token.
    pub fn token(&self, key: &TokenKey) -> Option<SavedToken> {
        unpoisoned(self.shared.tokens.lock()).get(key).cloned()
    }

    /// Asks whether to exchange a refresh token, and waits while another process exchanges the token. `mine`
    /// is the version of the access token that is of no use any more.
    pub async fn depart(&self, key: &TokenKey, mine: Option<TokenVersion>) -> Departed {
        for _ in 0..MOST_LOOKS {
            let asked = self.ask(|answer| Command::Depart { key: key.clone(), mine, answer }).await;
            match asked {
                Some(Some(departed)) => return departed,
                // Another process exchanges the token.
                Some(None) => tokio::time::sleep(LOOK_EVERY).await,
                None => break,
            }
        }
        // No file, or a file that cannot be used: this process alone.
        Departed::Exchange { fence: 0, saved: self.token(key) }
    }

    /// Keeps a fresh token, in the file before the return where there is one.
    pub async fn land(&self, key: &TokenKey, token: SavedToken) {
        unpoisoned(self.shared.tokens.lock()).join(key.clone(), token.clone());
        let _ = self.ask(|answer| Command::Land { key: key.clone(), token, answer }).await;
    }

    /// Prolongs the lease on a token.
    pub fn renew_lease(&self, key: &TokenKey, fence: u64) {
        self.send(Command::Renew { key: key.clone(), fence });
    }

    /// Ends the lease on a token without a landing.
    pub fn release_lease(&self, key: &TokenKey, fence: u64) {
        self.send(Command::Release { key: key.clone(), fence });
    }

    /// Writes everything that waits, for at most `patience`.
    pub async fn flush(&self, patience: Duration) {
        let flushed = self.ask(|answer| Command::Flush { answer });
        let _ = tokio::time::timeout(patience, flushed).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        if !self.send(command(answer)) {
            return None;
        }
        answered.await.ok()
    }

    fn send(&self, command: Command) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.send(command))
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            ledger: Mutex::default(),
            tokens: Mutex::default(),
            resident: OnceLock::new(),
            is_busy: AtomicBool::new(false),
            untold: Mutex::default(),
        }
    }
}

impl Shared {
    fn resident(&self) -> Option<Arc<dyn Resident>> {
        self.resident.get()?.upgrade()
    }

    fn tell(&self, trouble: Trouble) {
        match self.resident() {
            Some(resident) => resident.tell(&trouble),
            None => unpoisoned(self.untold.lock()).push(trouble),
        }
    }
}

impl SavedLimit {
    /// Converts the limit in force; no limit counts as a limit already over.
    pub fn of(limit: Option<LimitSeen>, now: Now) -> Self {
        let (until, known) = limit.map_or((now.mono, true), |limit| (limit.until, limit.known));
        Self { heard: now.wall, until: now.wall_of(until), known }
    }
}

/// Returns the present instant for records.
pub(super) fn wall() -> UnixMillis {
    crate::clock::wall()
}
