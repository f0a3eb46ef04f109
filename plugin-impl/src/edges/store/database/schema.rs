//! The tables, and their migrations by `user_version`.

use rusqlite::Connection;

use super::super::trouble::DatabaseError;
use super::immediate;

/// Each migration takes a file from the version of its index to the next. Released migrations never change.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE sequence (number INTEGER NOT NULL);
     INSERT INTO sequence VALUES (0);
     CREATE TABLE record (
         kind TEXT NOT NULL,
         name TEXT NOT NULL,
         form TEXT NOT NULL,
         number INTEGER NOT NULL,
         PRIMARY KEY (kind, name)
     ) WITHOUT ROWID;
     CREATE INDEX record_number ON record (number);
     CREATE TABLE token (
         account TEXT NOT NULL,
         fingerprint TEXT NOT NULL,
         serial INTEGER NOT NULL,
         fence INTEGER NOT NULL,
         refresh TEXT,
         access TEXT,
         until INTEGER,
         PRIMARY KEY (account, fingerprint)
     ) WITHOUT ROWID;
     CREATE TABLE lease (
         account TEXT NOT NULL,
         fingerprint TEXT NOT NULL,
         owner TEXT NOT NULL,
         fence INTEGER NOT NULL,
         until INTEGER NOT NULL,
         PRIMARY KEY (account, fingerprint)
     ) WITHOUT ROWID;
     CREATE TABLE compatibility (oldest INTEGER NOT NULL);
     INSERT INTO compatibility VALUES (1);"];

/// The version of the tables that this build makes.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Sets the connection up and brings the tables to this version.
///
/// A later version that an older build can still work with says so in `compatibility`; otherwise the file is
/// left alone.
pub(super) fn set_up(connection: &mut Connection) -> Result<(), DatabaseError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Records may lose their last second to a loss of power; tokens are written with FULL.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    match version(connection)? {
        VERSION => Ok(()),
        later if later > VERSION => {
            let oldest: i64 =
                connection.query_row("SELECT oldest FROM compatibility", [], |row| row.get(0))?;
            if oldest <= VERSION { Ok(()) } else { Err(DatabaseError::Later) }
        }
        _ => migrate(connection),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), DatabaseError> {
    let transaction = immediate(connection)?;
    // Asked again under the lock: another process may have been faster.
    let from = usize::try_from(version(&transaction)?).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<i64, DatabaseError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
