//! The transitions of an allowance, as functions of its state.

use crate::admission::cell::Deny;
use crate::admission::probe::{Early, Probe};
use crate::time::Millis;

use super::pace::Pace;
use super::window::{Window, WindowStep};

/// The learned allowance of a pool: a window or a pace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AllowanceState {
    shape: AllowanceModel,
    /// The number of spans between resets, modulo 65,536, so that late news is not taken for news of the
    /// current span.
    turn: u16,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every pool has the large one, and both are copied as a whole"
)]
enum AllowanceModel {
    Window(Window),
    Pace(Pace),
}

impl Default for AllowanceModel {
    fn default() -> Self {
        Self::Window(Window::default())
    }
}

/// The record of an admission, kept by its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an admission that comes to nothing is given back"]
pub struct AllowancePermit {
    pub(super) turn: u16,
    pub(super) sent: Millis,
    /// The purpose, if the admission tests a limit; none for an ordinary request with a place.
    pub(super) probe: Option<Probe>,
}

/// The closure of an allowance, until an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closure {
    pub(super) until: Millis,
    pub(super) by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// An unanswered probe.
    Probe,
    Predicted {
        over_capacity: bool,
    },
}

impl Closure {
    #[inline]
    pub(super) fn denial(self, now: Millis) -> Option<Deny> {
        if now >= self.until {
            return None;
        }
        Some(match self.by {
            By::Probe => Deny::Probing,
            By::Predicted { over_capacity } => Deny::Predicted { until: self.until, over_capacity },
        })
    }
}

impl AllowancePermit {
    /// Returns whether a refusal of this admission is to be expected.
    pub const fn is_probe(self) -> bool {
        self.probe.is_some()
    }
}

/// The learned figures for display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Experience {
    /// The requests per span, once learned.
    pub capacity: Option<u32>,
    /// The requests admitted since the last reset.
    pub used: u32,
    /// The span from one reset to the next, in milliseconds, once learned.
    pub span: Option<u64>,
    /// The end of the current closure, if any. May be past.
    pub until: Option<Millis>,
}

impl AllowanceState {
    /// Returns why the allowance admits nothing at `now`, if so.
    pub fn denial(&self, now: Millis) -> Option<Deny> {
        self.closed().and_then(|closed| closed.denial(now))
    }

    /// Returns the current closure and its end. May be past.
    pub(super) fn closed(&self) -> Option<Closure> {
        match &self.shape {
            AllowanceModel::Window(window) => window.closed(),
            AllowanceModel::Pace(pace) => pace.closed(),
        }
    }

    /// Takes a place. With `exceeds`, the request may go only as an over-capacity probe.
    ///
    /// # Errors
    /// [`Deny`] with the end of the closure.
    pub fn admit(&mut self, exceeds: bool, now: Millis) -> Result<AllowancePermit, Deny> {
        if let Some(deny) = self.denial(now)
            && !(exceeds && matches!(deny, Deny::Predicted { over_capacity: true, .. }))
        {
            return Err(deny);
        }
        let probe = match &mut self.shape {
            AllowanceModel::Window(window) => {
                let (probe, next) = window.admit(now);
                self.go_on(next);
                probe
            }
            AllowanceModel::Pace(pace) => pace.admit(now),
        };
        Ok(AllowancePermit { turn: self.turn, sent: now, probe })
    }

    /// Returns whether experience predicts the end of the closure. Otherwise the end is a guess.
    pub(super) fn foresees(&self) -> bool {
        match &self.shape {
            AllowanceModel::Window(window) => window.foresees(),
            AllowanceModel::Pace(_) => true,
        }
    }

    /// Joins an early probe, if the allowance is closed by a guess. The cell has a single place for early
    /// probes.
    pub fn probe_early(&self, early: Early, now: Millis) -> Option<AllowancePermit> {
        let is_guess = self.denial(now).is_some() && !self.foresees();
        let probe = Some(Probe::Early(early));
        is_guess.then_some(AllowancePermit { turn: self.turn, sent: now, probe })
    }

    /// Records a good head. Returns whether more requests may go than before.
    pub fn confirm(&mut self, allowance_permit: AllowancePermit) -> bool {
        if allowance_permit.turn != self.turn {
            return false;
        }
        match &mut self.shape {
            AllowanceModel::Window(window) => {
                let more = window.frees_a_place(allowance_permit);
                let next = window.confirm(allowance_permit);
                self.go_on(next);
                more
            }
            AllowanceModel::Pace(pace) => pace.confirm(allowance_permit),
        }
    }

    /// Records a 429 with the reported end, if any, and otherwise the guessed end. Returns the predicted
    /// end, if the 429 belongs to the current span.
    pub fn refuse(
        &mut self,
        allowance_permit: AllowancePermit,
        told: Option<Millis>,
        guess: Millis,
        now: Millis,
    ) -> Option<Millis> {
        if allowance_permit.turn != self.turn {
            if let AllowanceModel::Window(window) = &mut self.shape {
                // The answer belongs to an earlier span: it can only correct the capacity.
                window.refuse_late(self.turn.wrapping_sub(allowance_permit.turn));
            }
            return None;
        }
        match &mut self.shape {
            AllowanceModel::Window(window) => window.refuse(allowance_permit, told, guess, now),
            AllowanceModel::Pace(pace) => {
                let until = pace.refuse(allowance_permit, told, now);
                self.turn = self.turn.wrapping_add(1);
                if let Some(window) = pace.as_window(told, now) {
                    self.change(AllowanceModel::Window(window));
                    return None;
                }
                until
            }
        }
    }

    /// Takes back an admission not counted by the upstream: the request was not sent, or failed for a
    /// reason other than quota.
    pub fn forgive(&mut self, allowance_permit: AllowancePermit) {
        if allowance_permit.turn == self.turn {
            match &mut self.shape {
                AllowanceModel::Window(window) => window.forgive(allowance_permit),
                AllowanceModel::Pace(pace) => pace.forgive(allowance_permit),
            }
        }
    }

    /// Records an abandoned attempt. The upstream has presumably counted the attempt.
    pub fn abandon(&mut self, allowance_permit: AllowancePermit) {
        if allowance_permit.turn == self.turn {
            match &mut self.shape {
                AllowanceModel::Window(window) => window.abandon(allowance_permit),
                AllowanceModel::Pace(pace) => pace.abandon(allowance_permit),
            }
        }
    }

    /// Returns the learned figures for display.
    pub fn experience(&self) -> Experience {
        let experience = match &self.shape {
            AllowanceModel::Window(window) => window.experience(),
            AllowanceModel::Pace(pace) => pace.experience(),
        };
        let learned = self.closed().filter(|closed| closed.by != By::Probe);
        Experience { until: learned.map(|closed| closed.until), ..experience }
    }

    fn go_on(&mut self, next: WindowStep) {
        match next {
            WindowStep::Same => {}
            WindowStep::Another => self.turn = self.turn.wrapping_add(1),
            WindowStep::Pace(pace) => self.change(AllowanceModel::Pace(pace)),
        }
    }

    fn change(&mut self, shape: AllowanceModel) {
        self.shape = shape;
        self.turn = self.turn.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests;
