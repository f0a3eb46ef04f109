//! The journal: the decisions of the last requests, for explanations.
//!
//! A request records existing values only: the snapshots of its plans, its attempts with their outcomes,
//! the reasons of its waits. Nothing is computed before a question: a plan is a pure function of its
//! snapshot, so [`explanation`] repeats the plan.
//!
//! Every dimension is bounded: requests here; plans, accounts and steps in [`record`]. Dropped parts are
//! counted. The journal holds no headers, bodies or credentials.

pub mod bound;
pub mod explanation;
mod json;
pub mod record;
mod text;

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderValue;

use crate::sync::{Mutex, unpoisoned};

pub use self::explanation::Explanation;
pub use self::record::Record;

/// The number of kept requests.
pub const KEPT: usize = 1_000;

/// Identifies a request, also across starts of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The start of the process, in milliseconds of the Unix epoch.
    pub start: u64,
    pub number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pm-{:x}-{}", self.start, self.number)
    }
}

impl RequestId {
    /// Returns the id as a header value.
    pub fn to_header(self) -> Option<HeaderValue> {
        // `pm-`, a time of at most 16 digits, and a number of at most 20.
        let mut text = String::with_capacity(40);
        write!(text, "{self}").ok()?;
        HeaderValue::from_str(&text).ok()
    }
}

/// A text other than a request's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRequestId;

impl FromStr for RequestId {
    type Err = NoRequestId;

    fn from_str(text: &str) -> Result<Self, NoRequestId> {
        let (start, number) =
            text.strip_prefix("pm-").and_then(|rest| rest.split_once('-')).ok_or(NoRequestId)?;
        let start = u64::from_str_radix(start, 16).map_err(|_| NoRequestId)?;
        Ok(Self { start, number: number.parse().map_err(|_| NoRequestId)? })
    }
}

/// The records of the last [`KEPT`] requests, open requests included.
#[derive(Debug, Default)]
pub struct Journal {
    records: Mutex<VecDeque<Arc<Record>>>,
}

impl Journal {
    /// Adds a record, and drops the oldest at the bound.
    pub fn open(&self, record: Record) -> Arc<Record> {
        let record = Arc::new(record);
        // It is dropped after the lock is given back: a record can be long.
        let _oldest = {
            let mut records = unpoisoned(self.records.lock());
            let oldest = if records.len() == KEPT { records.pop_front() } else { None };
            records.push_back(record.clone());
            oldest
        };
        record
    }

    /// Returns the record of a request.
    pub fn find(&self, id: RequestId) -> Option<Arc<Record>> {
        unpoisoned(self.records.lock()).iter().rev().find(|record| record.id == id).cloned()
    }

    /// Returns all records, newest first.
    pub fn recent(&self) -> Vec<Arc<Record>> {
        unpoisoned(self.records.lock()).iter().rev().cloned().collect()
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    fn id(number: u64) -> RequestId {
        RequestId { start: 0x19a, number }
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        assert_eq!(id(7).to_string(), "pm-19a-7");
        assert_eq!("pm-19a-7".parse(), Ok(id(7)));
        for text in ["", "last", "pm-", "pm-19a", "pm-x-7", "pm-19a-x", "19a-7"] {
            assert_eq!(text.parse::<RequestId>(), Err(NoRequestId), "{text}");
        }
    }

    #[test]
    fn the_last_thousand_are_kept_and_no_more() {
        let journal = Journal::default();
        for number in 0..KEPT as u64 + 5 {
            journal.open(record::tests::record(id(number)));
        }
        assert_eq!(journal.recent().len(), KEPT);
        assert!(journal.find(id(4)).is_none());
        assert_eq!(journal.find(id(5)).map(|record| record.id), Some(id(5)));
        assert_eq!(journal.recent()[0].id, id(KEPT as u64 + 4));
    }
}
