//! Trouble with the file of the store, in words for a person.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// The error of the database.
#[derive(Debug, Error)]
pub(super) enum DatabaseError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error("it was written by a later version of Pointsman")]
    Later,
    #[error("it is damaged")]
    Damaged,
}

impl DatabaseError {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::File(_) | Self::Later | Self::Damaged => None,
        }
    }

    /// Returns whether another process holds the file's lock. Worth another try.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Returns whether the file is damaged, or no database.
    pub(super) fn is_corrupt(&self) -> bool {
        matches!(self, Self::Damaged)
            || matches!(self.code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// Trouble to tell a person, once per episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The damaged file was set aside, and a new one begun.
    SetAside { path: PathBuf, aside: PathBuf },
    /// The file cannot be used; state is in memory until it can.
    Unusable { path: PathBuf, why: String },
}

impl Trouble {
    pub(super) fn unusable(path: &Path, error: &DatabaseError) -> Self {
        let why = match error.code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program keeps it locked".to_owned()
            }
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::ReadOnly) => "it is read-only".to_owned(),
            Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => "it may not be opened".to_owned(),
            Some(_) | None => error.to_string(),
        };
        Self::Unusable { path: path.to_owned(), why }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAside { path, aside } => {
                write!(
                    f,
                    "{} was damaged; it is kept as {}, and a new file was begun",
                    path.display(),
                    aside.display()
                )
            }
            Self::Unusable { path, why } => {
                write!(
                    f,
                    "{} cannot be used ({why}); until it can, state ends with the process",
                    path.display()
                )
            }
        }
    }
}
