//! The one place where a cell's word is shared between threads.

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

use super::state::{CellPermit, CellState, Confirmed, Deny, Limit, LimitSeen, Settled, Touch};
use super::word::Word;

/// A cell's state, shared.
///
/// Every method is one transition of [`CellState`] in a compare-and-swap loop: it is applied to the
/// value that is there, or again to the value that came in between. A denial writes nothing.
#[derive(Debug, Default)]
pub struct Cell {
    word: AtomicU64,
}

impl Cell {
    /// Returns the state at some instant between call and return. It ranks; only [`Cell::admit`] admits.
    #[inline]
    pub fn state(&self) -> CellState {
        Word(self.word.load(Ordering::Acquire)).unpack()
    }

    /// Says why nobody would be admitted, if so; see [`CellState::denial`].
    #[inline]
    pub fn denial(&self, touch: Touch, now: Millis) -> Option<Deny> {
        self.state().denial(touch, now)
    }

    /// Takes a place; see [`CellState::admit`].
    ///
    /// # Errors
    /// [`Deny`] says why there is none.
    pub fn admit(&self, touch: Touch, now: Millis) -> Result<CellPermit, Deny> {
        self.transition(|state| state.admit(touch, now))
    }

    /// Takes the probe's place before a guess has ended; see [`CellState::last_resort`].
    ///
    /// # Errors
    /// [`Deny`] says why not.
    pub fn last_resort(&self, touch: Touch, now: Millis) -> Result<CellPermit, Deny> {
        self.transition(|state| state.last_resort(touch, now))
    }

    /// Takes the probe's place before a limit has ended; see [`CellState::recheck`].
    ///
    /// # Errors
    /// [`Deny`] says why not.
    pub fn recheck(&self, touch: Touch, now: Millis) -> Result<CellPermit, Deny> {
        self.transition(|state| state.recheck(touch, now))
    }

    /// Takes note of a good head; see [`CellState::confirm`].
    pub fn confirm(&self, cell_permit: CellPermit) -> (CellPermit, Confirmed) {
        self.apply(|state| {
            let (state, cell_permit, confirmed) = state.confirm(cell_permit);
            (state, (cell_permit, confirmed))
        })
    }

    /// Gives a place back; see [`CellState::release`].
    pub fn release(&self, cell_permit: CellPermit) {
        self.apply(|state| (state.release(cell_permit), ()));
    }

    /// Gives a place back with the news of a limit; see [`CellState::settle_limit`].
    pub fn settle_limit(&self, cell_permit: CellPermit, limit: Limit, now: Millis) -> Settled {
        self.apply(|state| state.settle_limit(cell_permit, limit, now))
    }

    /// Takes in a limit from elsewhere; see [`CellState::learn`].
    pub fn learn(&self, limit: Limit, now: Millis) -> Settled {
        self.apply(|state| state.learn(limit, now))
    }

    /// Takes in a limit of an earlier life; see [`CellState::recall`].
    pub fn recall(&self, limit: Limit, now: Millis) -> Settled {
        self.apply(|state| state.recall(limit, now))
    }

    /// Moves the end of a limit by a reading; see [`CellState::amend`].
    pub fn amend(&self, seen: LimitSeen, end: Millis, now: Millis) -> bool {
        self.apply(|state| state.amend(seen, end, now))
    }

    /// Opens the cell by order of the operator; see [`CellState::reset`].
    pub fn reset(&self) {
        self.apply(|state| (state.reset(), ()));
    }

    fn apply<T>(&self, change: impl Fn(CellState) -> (CellState, T)) -> T {
        match self.transition(|state| Ok::<_, std::convert::Infallible>(change(state))) {
            Ok(result) => result,
            Err(never) => match never {},
        }
    }

    fn transition<T, E>(&self, change: impl Fn(CellState) -> Result<(CellState, T), E>) -> Result<T, E> {
        let mut seen = self.word.load(Ordering::Acquire);
        loop {
            let (state, result) = change(Word(seen).unpack())?;
            let next = Word::pack(state).0;
            if next == seen {
                return Ok(result); // Nothing to write, as when a gate is passed: readers share the line.
            }
            match self.word.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(result),
                Err(current) => seen = current,
            }
        }
    }
}
