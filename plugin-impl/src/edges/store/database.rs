//! The database: records, tokens and leases in one SQLite file.
//!
//! The journal is a write-ahead log, so readers of other processes wait for nobody. Each transaction that
//! changes records takes the next number of a sequence and marks its records, so a reader asks for the
//! records after the last number that the reader has seen.

mod schema;
mod tokens;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use pointsman_core::state::{Key, Kind, Record};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::file;
use super::token::{SavedToken, TokenKey};
use super::trouble::DatabaseError;

/// The wait of SQLite itself for a lock. Its waiting is unfair, so most of the wait is ours.
const BUSY: Duration = Duration::from_millis(20);
/// The wait of a transaction for the lock, with pauses of several lengths.
const DEADLINE: Duration = Duration::from_millis(500);
/// The pause between two tries, times 1 to 4.
const PAUSE: Duration = Duration::from_millis(3);

/// A connection to the file.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    /// The file behind the connection: the path may lead to another file later.
    identity: Option<(u64, u64)>,
    /// The number of the last transaction that was read.
    seen: i64,
    /// SQLite's count of other connections' changes.
    version: Option<i64>,
}

/// Everything in the file, or what has changed since the last look.
#[derive(Default)]
pub(super) struct News {
    pub(super) records: Vec<(Key, Record)>,
    pub(super) tokens: Vec<(TokenKey, SavedToken)>,
}

impl Database {
    /// Opens the file, or makes a new one.
    pub(super) fn open(path: &Path) -> Result<Self, DatabaseError> {
        file::prepare(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        retrying(|| schema::set_up(&mut connection))?;
        let identity = file::identity(path);
        Ok(Self { connection, path: path.to_owned(), identity, seen: 0, version: None })
    }

    /// Looks the whole file through for damage.
    pub(super) fn check(self) -> Result<Self, DatabaseError> {
        let found: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found == "ok" { Ok(self) } else { Err(DatabaseError::Damaged) }
    }

    /// Returns whether the path leads to another file by now, or to none.
    pub(super) fn is_replaced(&self) -> bool {
        file::identity(&self.path) != self.identity
    }

    /// Reads what other processes, or this one, have written since the last look.
    pub(super) fn read(&mut self) -> Result<News, DatabaseError> {
        let version: i64 = self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if self.version == Some(version) {
            return Ok(News::default());
        }
        let news = retrying(|| self.read_all())?;
        self.version = Some(version);
        Ok(news)
    }

    fn read_all(&mut self) -> Result<News, DatabaseError> {
        // One transaction, so that records and sequence are of one instant.
        let transaction = self.connection.transaction()?;
        let seen = transaction.query_row("SELECT number FROM sequence", [], |row| row.get(0))?;
        let records = records_after(&transaction, self.seen)?;
        let tokens = tokens::all(&transaction)?;
        transaction.commit()?;
        self.seen = seen;
        Ok(News { records, tokens })
    }

    /// Joins records with those of the file.
    pub(super) fn save(&mut self, records: &[(Key, Record)]) -> Result<(), DatabaseError> {
        retrying(|| {
            let transaction = immediate(&mut self.connection)?;
            transaction.execute("UPDATE sequence SET number = number + 1", [])?;
            let number = transaction.query_row("SELECT number FROM sequence", [], |row| row.get(0))?;
            for (key, record) in records {
                save_one(&transaction, (key, record), number)?;
            }
            Ok(transaction.commit()?)
        })
    }

    /// Deletes records past their use.
    pub(super) fn forget(&mut self, keys: &[Key]) -> Result<(), DatabaseError> {
        retrying(|| {
            let transaction = immediate(&mut self.connection)?;
            for key in keys {
                let mut delete =
                    transaction.prepare_cached("DELETE FROM record WHERE kind = ?1 AND name = ?2")?;
                delete.execute(params![key.kind.as_str(), key.text()])?;
            }
            Ok(transaction.commit()?)
        })
    }
}

fn records_after(transaction: &Transaction<'_>, seen: i64) -> Result<Vec<(Key, Record)>, DatabaseError> {
    let mut select = transaction.prepare_cached("SELECT kind, name, form FROM record WHERE number > ?1")?;
    let rows = select.query_map([seen], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut records = Vec::new();
    for row in rows {
        let (kind, name, form) = row?;
        // Records of later versions stay in the file, and are nothing to this one.
        if let Some(kind) = Kind::read(&kind)
            && let Some(record) = Record::read(kind, &form)
        {
            records.push((Key::read(kind, &name), record));
        }
    }
    Ok(records)
}

fn save_one(
    transaction: &Transaction<'_>,
    (key, record): (&Key, &Record),
    number: i64,
) -> Result<(), DatabaseError> {
    let (kind, name) = (key.kind.as_str(), key.text());
    let mut select = transaction.prepare_cached("SELECT form FROM record WHERE kind = ?1 AND name = ?2")?;
    let stored: Option<String> = select.query_row(params![kind, name], |row| row.get(0)).optional()?;
    let form = match &stored {
        None => record.write(),
        Some(form) => match Record::read(key.kind, form) {
            Some(stored) => stored.joined(record.clone()).write(),
            // A form of a later version: theirs, and not to be written over.
            None => return Ok(()),
        },
    };
    if stored.is_none_or(|stored| stored != form) {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO record (kind, name, form, number) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (kind, name) DO UPDATE SET form = ?3, number = ?4",
        )?;
        insert.execute(params![kind, name, form, number])?;
    }
    Ok(())
}

/// Begins a transaction that will write, so that its lock is waited for at its beginning only.
fn immediate(connection: &mut Connection) -> Result<Transaction<'_>, DatabaseError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// Tries again while another process holds the lock, until the deadline.
fn retrying<T>(mut attempt: impl FnMut() -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
    let begun = Instant::now();
    let mut tries: u32 = std::process::id();
    loop {
        match attempt() {
            Err(error) if error.is_busy() && begun.elapsed() < DEADLINE => {
                // Processes differ in their first pause, and each pause in a row.
                tries = tries.wrapping_add(1);
                thread::sleep(PAUSE * (1 + tries % 4));
            }
            done => return done,
        }
    }
}
