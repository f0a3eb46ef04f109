//! The allowance, shared between threads.

use std::sync::PoisonError;

use crate::admission::cell::Deny;
use crate::admission::probe::Early;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::time::Millis;

use super::state::{AllowancePermit, AllowanceState, By, Closure, Experience};

/// An allowance's state, shared between threads.
///
/// Each change is a transition of [`AllowanceState`] under a lock with no other use. Readers, far more
/// frequent than admissions, read a copy of the denial in one word. The copy is written under the lock and
/// never mixes two states; an admission asks again.
#[derive(Debug, Default)]
pub struct Allowance {
    state: Mutex<AllowanceState>,
    /// The present denial, with its end; see [`PublishedSign`].
    sign: AtomicU64,
}

/// A denial in a word: the end in milliseconds, then whether ends are predictable, and the kind in the two
/// lowest bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PublishedSign(u64);

impl PublishedSign {
    const PROBE: u64 = 1;
    const PREDICTED: u64 = 2;
    const OVER_CAPACITY: u64 = 3;
    const FORESEES: u64 = 4;

    fn of(state: &AllowanceState) -> Self {
        let foresees = if state.foresees() { Self::FORESEES } else { 0 };
        let Some(Closure { until, by }) = state.closed() else { return Self(foresees) };
        let kind = match by {
            By::Probe => Self::PROBE,
            By::Predicted { over_capacity: false } => Self::PREDICTED,
            By::Predicted { over_capacity: true } => Self::OVER_CAPACITY,
        };
        Self(until.0 << 3 | foresees | kind)
    }

    #[inline]
    fn closed(self) -> Option<Closure> {
        let by = match self.0 & 3 {
            Self::PROBE => By::Probe,
            Self::PREDICTED => By::Predicted { over_capacity: false },
            Self::OVER_CAPACITY => By::Predicted { over_capacity: true },
            _ => return None,
        };
        Some(Closure { until: Millis(self.0 >> 3), by })
    }
}

impl Allowance {
    /// Returns the denial, if there is one. The denial ranks; only [`Allowance::admit`] admits.
    #[inline]
    pub fn denial(&self, now: Millis) -> Option<Deny> {
        PublishedSign(self.sign.load(Ordering::Acquire)).closed()?.denial(now)
    }

    /// Takes a slot; see [`AllowanceState::admit`].
    ///
    /// # Errors
    /// [`Deny`] with its end.
    pub fn admit(&self, exceeds: bool, now: Millis) -> Result<AllowancePermit, Deny> {
        self.change(|state| state.admit(exceeds, now))
    }

    /// Returns whether the end is predicted, not estimated.
    #[inline]
    pub fn foresees(&self) -> bool {
        self.sign.load(Ordering::Acquire) & PublishedSign::FORESEES != 0
    }

    /// Joins an early probe; see [`AllowanceState::probe_early`].
    pub fn probe_early(&self, early: Early, now: Millis) -> Option<AllowancePermit> {
        self.change(|state| state.probe_early(early, now))
    }

    /// Counts a success; see [`AllowanceState::confirm`].
    pub fn confirm(&self, allowance_permit: AllowancePermit) -> bool {
        self.change(|state| state.confirm(allowance_permit))
    }

    /// Counts a 429; see [`AllowanceState::refuse`].
    pub fn refuse(
        &self,
        allowance_permit: AllowancePermit,
        told: Option<Millis>,
        guess: Millis,
        now: Millis,
    ) -> Option<Millis> {
        self.change(|state| state.refuse(allowance_permit, told, guess, now))
    }

    /// Takes an uncounted admission back; see [`AllowanceState::forgive`].
    pub fn forgive(&self, allowance_permit: AllowancePermit) {
        self.change(|state| state.forgive(allowance_permit));
    }

    /// Counts an abandoned attempt; see [`AllowanceState::abandon`].
    pub fn abandon(&self, allowance_permit: AllowancePermit) {
        self.change(|state| state.abandon(allowance_permit));
    }

    /// Returns the figures for people.
    pub fn experience(&self) -> Experience {
        self.lock().experience()
    }

    /// Returns whether anything is learned.
    pub fn is_predicted(&self) -> bool {
        self.experience().capacity.is_some()
    }

    /// Forgets everything, on the operator's order.
    pub fn reset(&self) {
        self.change(|state| *state = AllowanceState::default());
    }

    fn change<T>(&self, act: impl FnOnce(&mut AllowanceState) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state);
        self.sign.store(PublishedSign::of(&state).0, Ordering::Release);
        result
    }

    fn lock(&self) -> MutexGuard<'_, AllowanceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
