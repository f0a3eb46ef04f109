//! Watching: what happened, told to whoever counts or checks.

use std::fmt;

use pointsman_core::time::Millis;

use crate::router::{Ask, RequestId};
use crate::upstream::{Answer, CellId};

/// Something that happened to a request. The router knows of it already.
#[derive(Clone, Copy, Debug)]
pub struct Happening {
    pub now: Millis,
    pub request: RequestId,
    pub ask: Ask,
    /// When the caller asked for the first time.
    pub since: Millis,
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum What {
    Arrived,
    Sent { cell: CellId, probe: bool },
    Waits { until: Option<Millis> },
    Answered { cell: CellId, answer: Answer },
    Delivered { good: bool },
    StreamEnded,
    Refused { retry_at: Option<Millis> },
    Cancelled { was: Stage },
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Coming,
    Deciding,
    Waiting,
    Sent,
    Streaming,
    Over,
}

/// A rule that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub rule: &'static str,
    pub detail: String,
    pub request: Option<RequestId>,
    pub cell: Option<CellId>,
}

impl Violation {
    /// Says which rule was broken, and how.
    pub fn new(rule: &'static str, detail: impl fmt::Display) -> Self {
        Self { rule, detail: detail.to_string(), request: None, cell: None }
    }

    /// Says by which request.
    #[must_use]
    pub fn of(self, request: RequestId) -> Self {
        Self { request: Some(request), ..self }
    }

    /// Says at which cell.
    #[must_use]
    pub fn at(self, cell: CellId) -> Self {
        Self { cell: Some(cell), ..self }
    }
}

/// Somebody who is told everything.
pub trait Watch<R> {
    /// Takes note of what happened.
    ///
    /// # Errors
    /// [`Violation`], which ends the run.
    fn note(&mut self, happening: &Happening, router: &R) -> Result<(), Violation>;

    /// Takes note that nothing is left to happen.
    ///
    /// # Errors
    /// [`Violation`] of what must hold at rest.
    fn rest(&mut self, router: &R, now: Millis) -> Result<(), Violation>;
}
