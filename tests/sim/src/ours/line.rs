//! The line of a lane: the core's own, with what its first has heard of the bell.

use std::collections::BTreeMap;

use pointsman_core::admission::fair_queue::{self, Class, Crowded, Leaving, Position};

use crate::router::RequestId;

/// Those who wait for the same accounts. The first holds the turn; it alone is woken by a freed place.
#[derive(Debug, Default)]
pub(super) struct Line {
    line: fair_queue::FairQueue<RequestId>,
    positions: BTreeMap<RequestId, Position>,
    /// How often the bell had rung when the first one listened last.
    heard: u64,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    /// Puts a request in line. If it is the first, it listens from here on.
    pub(super) fn stand(
        &mut self,
        request: RequestId,
        session: u64,
        bound: usize,
        notifications: u64,
    ) -> Result<(), Crowded> {
        if self.line.is_empty() {
            self.heard = notifications;
        }
        let position = self.line.join(session, Class::default(), request, bound)?;
        self.positions.insert(request, position);
        Ok(())
    }

    /// Takes a request out, wherever it stands. If it was the first, the next listens from here on.
    pub(super) fn leave(&mut self, request: RequestId, leaving: Leaving, notifications: u64) {
        let Some(position) = self.positions.remove(&request) else { return };
        if self.line.front() == Some(position) {
            self.heard = notifications;
        }
        self.line.leave(position, leaving);
    }

    /// Returns the first, and how often it heard the bell.
    pub(super) fn front(&self) -> Option<(RequestId, u64)> {
        self.line.first().map(|front| (*front, self.heard))
    }

    /// Returns how often a request heard the bell, if it is the first.
    pub(super) fn heard(&self, request: RequestId) -> Option<u64> {
        self.front().filter(|(front, _)| *front == request).map(|(_, heard)| heard)
    }

    /// Takes note that the first has heard the bell.
    pub(super) fn hear(&mut self, request: RequestId, notifications: u64) {
        if self.heard(request).is_some() {
            self.heard = notifications;
        }
    }
}
