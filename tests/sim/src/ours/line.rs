//! The line of a lane: first come, first served.

use std::collections::VecDeque;

use crate::router::RequestId;

/// Those who wait for the same accounts. The first holds the turn; it alone is woken by a freed place.
#[derive(Debug, Default)]
pub(super) struct Line {
    queue: VecDeque<RequestId>,
    /// How often the bell had rung when the first one listened last.
    heard: u64,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Puts a request at the end. If it is the first, it listens from here on.
    pub(super) fn stand(&mut self, request: RequestId, rings: u64) {
        if self.queue.is_empty() {
            self.heard = rings;
        }
        self.queue.push_back(request);
    }

    /// Takes a request out, wherever it stands. If it was the first, the next listens from here on.
    pub(super) fn leave(&mut self, request: RequestId, rings: u64) {
        if self.queue.front() == Some(&request) {
            self.queue.pop_front();
            self.heard = rings;
        } else if let Some(place) = self.queue.iter().position(|waiting| *waiting == request) {
            self.queue.remove(place);
        }
    }

    /// Returns the first, and how often it heard the bell.
    pub(super) fn front(&self) -> Option<(RequestId, u64)> {
        self.queue.front().map(|front| (*front, self.heard))
    }

    /// Returns how often a request heard the bell, if it is the first.
    pub(super) fn heard(&self, request: RequestId) -> Option<u64> {
        self.front().filter(|(front, _)| *front == request).map(|(_, heard)| heard)
    }

    /// Takes note that the first has heard the bell.
    pub(super) fn hear(&mut self, request: RequestId, rings: u64) {
        if self.queue.front() == Some(&request) {
            self.heard = rings;
        }
    }
}
