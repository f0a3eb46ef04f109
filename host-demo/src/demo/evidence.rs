//! The evidence of a run, from three independent sources: the callers, the upstream's books, the plugin's
//! counters. Times are milliseconds since the start of the run.

use std::collections::BTreeMap;

use super::scenario::{Ask, Family};

/// The input of all proofs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Requests begun by subagents.
    pub(crate) made: u64,
    /// Ended requests, from the callers' side.
    pub(crate) calls: Vec<Call>,
    /// Requests at the upstream, in the order of arrival.
    pub(crate) visits: Vec<Visit>,
    pub(crate) counted: Counted,
    pub(crate) notices: Vec<Seen>,
    /// The account whose credential is refused.
    pub(crate) refused: String,
}

/// A request, from its caller's side.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The request's number, part of the prompt.
    pub(crate) number: u64,
    pub(crate) ask: Ask,
    pub(crate) ending: Ending,
    pub(crate) ended_ms: u64,
}

/// The end of a request, from its caller's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// 200 with a complete body.
    Answered,
    /// Another status.
    Refused(u16),
    /// No answer, or a broken body.
    Broken(String),
}

/// A request, from the upstream's side.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The number in the prompt.
    pub(crate) call: Option<u64>,
    pub(crate) cell: Cell,
    pub(crate) family: Family,
    pub(crate) at_ms: u64,
    /// The instant of the complete answer.
    pub(crate) ended_ms: u64,
    pub(crate) status: u16,
    /// For a 429: the reported end of the limit.
    pub(crate) until_ms: Option<u64>,
}

/// An account's label and a pool of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cell {
    pub(crate) account: String,
    pub(crate) pool: String,
}

/// The plugin's counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) upstream_429: u64,
    pub(crate) trips: u64,
    pub(crate) burst_duplicates: u64,
    pub(crate) stale_successes: u64,
    pub(crate) trips_by_cell: BTreeMap<Cell, u64>,
}

/// A notice, as shown to a person.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at_ms: u64,
    /// The account's id, or empty.
    pub(crate) account: String,
    pub(crate) severity: u8,
    pub(crate) text: String,
}

/// A limit in the upstream's books: 429s of a cell with one end.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) cell: Cell,
    /// The arrival of the first 429's request.
    pub(crate) began_ms: u64,
    /// The instant of the first 429: from here on the plugin can know.
    pub(crate) told_ms: u64,
    pub(crate) until_ms: u64,
}

/// 429s with ends closer than this belong to one limit: waits are rounded on the wire.
const SAME_END_MS: u64 = 500;

impl Evidence {
    /// Returns the limits in the upstream's books.
    pub(crate) fn limits(&self) -> Vec<Limit> {
        let mut limits: Vec<Limit> = Vec::new();
        for visit in self.visits.iter().filter(|visit| visit.status == 429) {
            let until_ms = visit.until_ms.unwrap_or(visit.ended_ms);
            let known = limits.iter_mut().rev().find(|limit| limit.cell == visit.cell);
            match known {
                Some(limit) if limit.until_ms.abs_diff(until_ms) < SAME_END_MS => {
                    limit.told_ms = limit.told_ms.min(visit.ended_ms);
                }
                _ => limits.push(Limit::begun_by(visit, until_ms)),
            }
        }
        limits
    }

    /// Returns the number of visits with `status`.
    pub(crate) fn visits_with(&self, status: u16) -> u64 {
        self.visits.iter().filter(|visit| visit.status == status).count() as u64
    }

    /// Returns the number of callers with `status`.
    pub(crate) fn calls_with(&self, status: u16) -> u64 {
        self.calls.iter().filter(|call| call.ending == Ending::Refused(status)).count() as u64
    }

    /// Returns the number of complete answers.
    pub(crate) fn answered(&self) -> u64 {
        self.calls.iter().filter(|call| call.ending == Ending::Answered).count() as u64
    }
}

impl Limit {
    fn begun_by(visit: &Visit, until_ms: u64) -> Self {
        let Visit { cell, at_ms, ended_ms, .. } = visit;
        Self { cell: cell.clone(), began_ms: *at_ms, told_ms: *ended_ms, until_ms }
    }

    /// Returns whether the plugin must have known of the limit at `at_ms`, before its end.
    ///
    /// Requests in flight at the first 429 belong to the burst.
    pub(crate) fn holds_at(&self, at_ms: u64) -> bool {
        self.told_ms + LEARNING_MS <= at_ms && at_ms + EDGE_MS < self.until_ms
    }
}

/// The longest travel time of a request on a busy machine.
pub(crate) const LEARNING_MS: u64 = 250;

/// The largest difference of two rounded clocks for one instant.
const EDGE_MS: u64 = 10;
