//! The writer: the only thread of the process that touches the file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use pointsman_core::state::token_lease::TokenVersion;
use pointsman_core::state::{Key, Record};
use pointsman_core::time::{Millis, Now};
use tokio::sync::oneshot;

use crate::sync::unpoisoned;

use super::database::{Database, News};
use super::token::{Departed, SavedToken, TokenKey};
use super::trouble::{DatabaseError, Trouble};
use super::{Shared, file, wall};

/// The pause between two looks while requests come; twice this is the delay of a limit between processes.
const TICK: Duration = Duration::from_millis(200);
/// The pause between two looks without requests for [`REST_AFTER`] looks.
const REST: Duration = Duration::from_millis(500);
const REST_AFTER: u32 = 300;
/// What only changes details, such as readings, is collected at every so manieth look.
const COLLECT_EVERY: u32 = 10;
/// Records past their use are looked for about once an hour.
const FORGET_EVERY: u32 = 18_000;
/// The first pause after a failure, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// The most records in one transaction, so that no transaction is long.
const BATCH: usize = 500;
/// The most commands that wait. Commands are few: refreshes of tokens.
const COMMANDS: usize = 256;

/// What the process asks of the writer.
pub(super) enum Command {
    Depart { key: TokenKey, mine: Option<TokenVersion>, answer: oneshot::Sender<Option<Departed>> },
    Land { key: TokenKey, token: SavedToken, answer: oneshot::Sender<()> },
    Renew { key: TokenKey, fence: u64 },
    Release { key: TokenKey, fence: u64 },
    Flush { answer: oneshot::Sender<()> },
}

/// The process's end of the writer. The writer saves and ends when the handle is dropped.
pub(super) struct Handle(SyncSender<Command>);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    pub(super) fn send(&self, command: Command) -> bool {
        self.0.try_send(command).is_ok()
    }
}

/// The writer's state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    path: PathBuf,
    /// The name of this process in leases.
    owner: String,
    database: Option<Database>,
    /// After a failure: the pause, and when to try again.
    failing: Option<(Duration, Instant)>,
    is_told: bool,
    /// The file was found damaged in use.
    is_damaged: bool,
    /// Fresh tokens that are not in the file yet.
    unlanded: BTreeMap<TokenKey, SavedToken>,
    next: Instant,
    /// Looks since the last request.
    rest: u32,
    looks: u32,
    /// Requests came since the last collection, or are under way.
    has_news: bool,
}

impl Writer {
    /// Starts the thread. The receiver gets a word once the file was read for the first time.
    pub(super) fn start(path: PathBuf, shared: Arc<Shared>) -> (Option<Handle>, Receiver<()>) {
        let (sender, commands) = sync_channel(COMMANDS);
        let (opened, is_open) = sync_channel(1);
        let log = tracing::dispatcher::get_default(Clone::clone);
        let mut writer = Self::new(path, shared);
        let thread = thread::Builder::new().name("pointsman-store".to_owned());
        let spawned = thread.spawn(move || {
            let _log = tracing::dispatcher::set_default(&log);
            crate::signals::block_broken_pipe();
            writer.look();
            let _ = opened.send(());
            writer.run(&commands);
        });
        (spawned.is_ok().then_some(Handle(sender)), is_open)
    }

    fn new(path: PathBuf, shared: Arc<Shared>) -> Self {
        let owner = format!("{}-{}-{}", std::process::id(), wall().0, serial());
        let (database, failing, next) = (None, None, Instant::now());
        Self {
            shared,
            path,
            owner,
            database,
            failing,
            is_told: false,
            is_damaged: false,
            unlanded: BTreeMap::new(),
            next,
            rest: 0,
            looks: 0,
            has_news: false,
        }
    }

    fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(self.next.saturating_duration_since(Instant::now())) {
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => self.tick(),
                // The store is gone: the last look.
                Err(RecvTimeoutError::Disconnected) => return self.look(),
            }
        }
    }

    fn tick(&mut self) {
        let is_busy = self.shared.is_busy.swap(false, Ordering::Relaxed);
        self.rest = if is_busy { 0 } else { self.rest.saturating_add(1) };
        self.looks = self.looks.wrapping_add(1);
        self.has_news |= is_busy;
        if self.has_news && self.looks.is_multiple_of(COLLECT_EVERY) {
            self.has_news = self.collect();
        }
        self.look();
        self.next = Instant::now() + if self.rest > REST_AFTER { REST } else { TICK };
    }

    /// Returns whether requests are under way, whose facts are still to come.
    fn collect(&self) -> bool {
        self.shared.resident().is_some_and(|resident| resident.collect())
    }

    /// Saves what waits, and takes in what others wrote.
    fn look(&mut self) {
        if self.is_pausing() {
            return;
        }
        let looked = self.look_once();
        self.note(looked);
    }

    fn look_once(&mut self) -> Result<(), DatabaseError> {
        self.open()?;
        self.land()?;
        self.save()?;
        if self.looks % FORGET_EVERY == 1 {
            self.forget_stale()?;
        }
        self.read()
    }

    /// Forgets records past their use, here and in the file.
    fn forget_stale(&mut self) -> Result<(), DatabaseError> {
        let stale = unpoisoned(self.shared.ledger.lock()).forget_stale(wall());
        match &mut self.database {
            Some(database) if !stale.is_empty() => database.forget(&stale),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns whether the next try after a failure is still to come.
    fn is_pausing(&self) -> bool {
        self.failing.is_some_and(|(_, again)| Instant::now() < again)
    }

    fn open(&mut self) -> Result<(), DatabaseError> {
        if self.database.as_ref().is_some_and(|database| !database.is_replaced()) {
            return Ok(());
        }
        let is_again = self.database.take().is_some();
        let lock = file::lock(&self.path);
        let opened = Database::open(&self.path).and_then(|database| {
            // Another process may have set the file aside already, so the damage is looked for again.
            if self.is_damaged { database.check() } else { Ok(database) }
        });
        match opened {
            Err(error) if error.is_corrupt() && lock.is_some() => self.set_aside()?,
            opened => self.database = Some(opened?),
        }
        self.is_damaged = false;
        drop(lock);
        if is_again {
            self.save_all()?;
        }
        Ok(())
    }

    /// Sets a damaged file aside and begins a new one with what this process knows. Needs the lock.
    fn set_aside(&mut self) -> Result<(), DatabaseError> {
        let aside = file::set_aside(&self.path)?;
        self.database = Some(Database::open(&self.path)?);
        self.shared.tell(Trouble::SetAside { path: self.path.clone(), aside });
        self.save_all()
    }

    fn save_all(&mut self) -> Result<(), DatabaseError> {
        unpoisoned(self.shared.ledger.lock()).put_all_back();
        self.unlanded = unpoisoned(self.shared.tokens.lock()).all().into_iter().collect();
        self.land()
    }

    fn land(&mut self) -> Result<(), DatabaseError> {
        let Some(database) = &mut self.database else { return Ok(()) };
        while let Some(first) = self.unlanded.first_entry() {
            database.land(first.key(), first.get())?;
            first.remove();
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), DatabaseError> {
        let Some(database) = &mut self.database else { return Ok(()) };
        loop {
            let batch = unpoisoned(self.shared.ledger.lock()).take_unsaved(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            if let Err(error) = database.save(&batch) {
                let keys = batch.into_iter().map(|(key, _)| key);
                unpoisoned(self.shared.ledger.lock()).put_back(keys);
                return Err(error);
            }
        }
    }

    fn read(&mut self) -> Result<(), DatabaseError> {
        let Some(database) = &mut self.database else { return Ok(()) };
        let News { records, tokens } = database.read()?;
        let mut known = unpoisoned(self.shared.tokens.lock());
        tokens.into_iter().for_each(|(key, token)| known.join(key, token));
        drop(known);
        let changes = self.receive(records);
        if let Some(resident) = self.shared.resident().filter(|_| !changes.is_empty()) {
            resident.changed(&changes);
        }
        Ok(())
    }

    /// Takes records in, and returns the news among them.
    fn receive(&self, records: Vec<(Key, Record)>) -> Vec<(Key, Record)> {
        let mut ledger = unpoisoned(self.shared.ledger.lock());
        let news = records.into_iter().filter(|(key, record)| ledger.receive(key.clone(), record.clone()));
        let keys: Vec<Key> = news.map(|(key, _)| key).collect();
        let joined = keys.into_iter().filter_map(|key| Some((key.clone(), ledger.get(&key)?.clone())));
        joined.collect()
    }

    /// Notes success or failure. A failure is told once, and the next try comes later.
    fn note<T>(&mut self, done: Result<T, DatabaseError>) -> Option<T> {
        match done {
            Ok(value) => {
                if self.is_told {
                    tracing::info!("{} works again", self.path.display());
                }
                self.failing = None;
                self.is_told = false;
                Some(value)
            }
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    fn fail(&mut self, error: &DatabaseError) {
        tracing::debug!(%error, "the store failed");
        let [first, longest] = PAUSES;
        let is_first = self.failing.is_none();
        let pause = self.failing.map_or(first, |(pause, _)| (pause * 2).min(longest));
        if error.is_corrupt() && !self.is_damaged {
            // The next look opens the file anew, and sets it aside.
            self.database = None;
            self.is_damaged = true;
            return;
        }
        self.failing = Some((pause, Instant::now() + pause));
        // A moment of contention is no news; the next look tries again.
        if self.is_told || error.is_busy() && is_first {
            return;
        }
        self.is_told = true;
        self.shared.tell(Trouble::unusable(&self.path, error));
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Depart { key, mine, answer } => {
                // Without a file the answer's sender is dropped, which the asker understands.
                if let Some(departed) = self.depart(&key, mine) {
                    let _ = answer.send(departed);
                }
            }
            Command::Land { key, token, answer } => {
                self.unlanded.insert(key, token);
                let landed = self.open().and_then(|()| self.land());
                self.note(landed);
                let _ = answer.send(());
            }
            Command::Renew { key, fence } => {
                self.with(|database| database.renew(&key, fence, wall()));
            }
            Command::Release { key, fence } => {
                self.with(|database| database.release(&key, fence));
            }
            Command::Flush { answer } => {
                self.has_news = self.collect();
                self.look();
                let _ = answer.send(());
            }
        }
        if Instant::now() >= self.next {
            self.tick();
        }
    }

    fn depart(&mut self, key: &TokenKey, mine: Option<TokenVersion>) -> Option<Option<Departed>> {
        if self.is_pausing() {
            return None;
        }
        let (owner, now) = (self.owner.clone(), now());
        self.with(|database| database.depart(key, mine, &owner, now))
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Database) -> Result<T, DatabaseError>) -> Option<T> {
        if let Err(error) = self.open() {
            self.fail(&error);
            return None;
        }
        let done = work(self.database.as_mut()?);
        self.note(done)
    }
}

/// Returns the present for decisions on leases, which are on the wall clock alone.
fn now() -> Now {
    Now { mono: Millis::START, wall: wall() }
}

/// Returns a number that no other store of the process has.
fn serial() -> u64 {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
