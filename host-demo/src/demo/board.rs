//! The notes of subagents and host during the demo: the callers' side of the evidence, and the input of the
//! live view.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pointsman_api::Notice;

use super::evidence::{Call, Ending, Seen};
use super::scenario::SUBAGENTS;

/// The shared board. Each method holds the lock for a moment and calls nothing meanwhile.
pub(crate) struct Board {
    started: Instant,
    notes: Mutex<Notes>,
}

/// The content of the board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// One per subagent, in their order.
    pub(crate) seats: Vec<Seat>,
    pub(crate) made: u64,
    pub(crate) calls: Vec<Call>,
    pub(crate) notices: Vec<Seen>,
}

/// A subagent's present state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seat {
    pub(crate) activity: Activity,
    pub(crate) since_ms: u64,
    pub(crate) answered: u64,
}

/// A subagent's activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Activity {
    #[default]
    Thinking,
    /// Waits for the head of an answer to this model.
    Asking(&'static str),
    /// Reads the body of an answer from this model.
    Reading(&'static str),
    Done,
}

impl Board {
    /// Makes a board; its time starts at once.
    pub(crate) fn new() -> Self {
        let seats = vec![Seat::default(); SUBAGENTS.len()];
        Self { started: Instant::now(), notes: Mutex::new(Notes { seats, ..Notes::default() }) }
    }

    /// Returns the milliseconds since the start.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the instant of the start.
    pub(crate) const fn started(&self) -> Instant {
        self.started
    }

    /// Returns the number of a new request.
    pub(crate) fn number(&self) -> u64 {
        let mut notes = self.notes();
        notes.made += 1;
        notes.made
    }

    /// Notes a subagent's activity.
    pub(crate) fn does(&self, subagent: usize, activity: Activity) {
        let since_ms = self.now_ms();
        if let Some(seat) = self.notes().seats.get_mut(subagent) {
            *seat = Seat { activity, since_ms, answered: seat.answered };
        }
    }

    /// Notes the end of a request.
    pub(crate) fn ended(&self, subagent: usize, call: Call) {
        let mut notes = self.notes();
        if let Some(seat) = notes.seats.get_mut(subagent) {
            seat.answered += u64::from(call.ending == Ending::Answered);
        }
        notes.calls.push(call);
    }

    /// Notes a notice.
    pub(crate) fn notice(&self, notice: &Notice) {
        let seen = Seen {
            at_ms: self.now_ms(),
            account: notice.account.to_string(),
            severity: notice.severity.0,
            text: notice.text.to_string(),
        };
        self.notes().notices.push(seen);
    }

    /// Returns a copy of the board's content.
    pub(crate) fn read(&self) -> Notes {
        self.notes().clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Whoever panicked with the lock left whole notes: each method changes them in one step.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// Returns the number of answered requests.
    pub(crate) fn answered(&self) -> usize {
        self.calls.iter().filter(|call| call.ending == Ending::Answered).count()
    }

    /// Returns the answers per second over the last two seconds.
    pub(crate) fn rate(&self, now_ms: u64) -> f64 {
        const SPAN_MS: u64 = 2_000;
        let span = SPAN_MS.min(now_ms).max(1);
        let recent = self.calls.iter().rev().take_while(|call| call.ended_ms + SPAN_MS >= now_ms).count();
        recent as f64 * 1_000.0 / span as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(ended_ms: u64, ending: Ending) -> Call {
        Call { number: 1, ask: SUBAGENTS[0].asks[0], ending, ended_ms }
    }

    #[test]
    fn a_seat_counts_its_answers_only() {
        let board = Board::new();
        board.ended(3, call(1, Ending::Answered));
        board.ended(3, call(2, Ending::Refused(429)));
        let notes = board.read();
        assert_eq!((notes.seats[3].answered, notes.answered(), notes.calls.len()), (1, 1, 2));
    }

    #[test]
    fn the_rate_looks_back_two_seconds() {
        let calls = [1_000, 3_500, 4_000].map(|ended_ms| call(ended_ms, Ending::Answered)).to_vec();
        let notes = Notes { calls, ..Notes::default() };
        assert!((notes.rate(4_000) - 1.0).abs() < 1e-9);
    }
}
