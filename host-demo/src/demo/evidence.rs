//! What is known of a run, from three sources that do not know each other: what callers saw, what the
//! upstream wrote down, and what the plugin counted. Times are milliseconds since the run began.

use std::collections::BTreeMap;

use super::scenario::{Ask, Family};

/// All that the proofs go by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Requests that subagents began.
    pub(crate) made: u64,
    /// Requests that ended, as their callers saw them.
    pub(crate) calls: Vec<Call>,
    /// Requests that arrived upstream, in the order of arrival.
    pub(crate) visits: Vec<Visit>,
    pub(crate) counted: Counted,
    pub(crate) notices: Vec<Seen>,
    /// The account whose credential is refused.
    pub(crate) refused: String,
}

/// One request, as its caller saw it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its number, which travels upstream in the prompt.
    pub(crate) number: u64,
    pub(crate) ask: Ask,
    pub(crate) ending: Ending,
    pub(crate) ended_ms: u64,
}

/// How a request ended for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// 200 and a body that is whole.
    Answered,
    /// Another status.
    Refused(u16),
    /// No answer, or a body that broke off.
    Broken(String),
}

/// One request, as the upstream saw it.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The number in the prompt.
    pub(crate) call: Option<u64>,
    pub(crate) cell: Cell,
    pub(crate) family: Family,
    pub(crate) at_ms: u64,
    /// When the answer, body and all, was sent.
    pub(crate) ended_ms: u64,
    pub(crate) status: u16,
    /// For a 429: when the limit that it tells of ends.
    pub(crate) until_ms: Option<u64>,
}

/// An account's label and a pool of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cell {
    pub(crate) account: String,
    pub(crate) pool: String,
}

/// What the plugin counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) upstream_429: u64,
    pub(crate) trips: u64,
    pub(crate) burst_duplicates: u64,
    pub(crate) stale_successes: u64,
    pub(crate) trips_by_cell: BTreeMap<Cell, u64>,
}

/// A notice, as a person saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at_ms: u64,
    /// The account's id, or empty.
    pub(crate) account: String,
    pub(crate) severity: u8,
    pub(crate) text: String,
}

/// A limit as the upstream's books show it: 429s of one cell that tell of the same end.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) cell: Cell,
    /// When its first 429 arrived upstream.
    pub(crate) began_ms: u64,
    /// When its first 429 had been sent, so that the plugin could know.
    pub(crate) told_ms: u64,
    pub(crate) until_ms: u64,
}

/// Two 429s whose ends are closer than this tell of the same limit: waits are rounded on the wire.
const SAME_END_MS: u64 = 500;

impl Evidence {
    /// Returns the limits that the upstream's books show.
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

    /// Returns how many visits ended with `status`.
    pub(crate) fn visits_with(&self, status: u16) -> u64 {
        self.visits.iter().filter(|visit| visit.status == status).count() as u64
    }

    /// Returns how many callers saw `status`.
    pub(crate) fn calls_with(&self, status: u16) -> u64 {
        self.calls.iter().filter(|call| call.ending == Ending::Refused(status)).count() as u64
    }

    /// Returns how many callers got a whole answer.
    pub(crate) fn answered(&self) -> u64 {
        self.calls.iter().filter(|call| call.ending == Ending::Answered).count() as u64
    }
}

impl Limit {
    fn begun_by(visit: &Visit, until_ms: u64) -> Self {
        let Visit { cell, at_ms, ended_ms, .. } = visit;
        Self { cell: cell.clone(), began_ms: *at_ms, told_ms: *ended_ms, until_ms }
    }

    /// Says whether the plugin must have known of the limit at `at_ms`, and it was not over.
    ///
    /// What was on its way when the first 429 came back belongs to the burst.
    pub(crate) fn holds_at(&self, at_ms: u64) -> bool {
        self.told_ms + LEARNING_MS <= at_ms && at_ms + EDGE_MS < self.until_ms
    }
}

/// A request may be on its way for so long on a busy machine before the upstream sees it.
pub(crate) const LEARNING_MS: u64 = 250;

/// Two clocks, each rounded to milliseconds, may differ by so much on one end.
const EDGE_MS: u64 = 10;
