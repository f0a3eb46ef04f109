//! The transitions of a cell (a circuit breaker and an in-flight count in one word), as pure functions of
//! its state.

use std::time::Duration;

use crate::admission::backoff::Schedule;
use crate::time::Millis;

use super::word::{IN_FLIGHT_MAX, TRIPS_MAX, Word};

/// The shortest limit, so that an upstream with "retry after 0" is not hammered.
pub(super) const SHORTEST_LIMIT: Duration = Duration::from_millis(500);

/// The number of trips of a cell, modulo 2,048.
///
/// A wrap within one attempt would need 2,048 trips: a quarter of an hour even of the shortest limits. An
/// attempt's head arrives within minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch(pub(super) u16);

impl Epoch {
    fn next(self) -> Self {
        Self((self.0 + 1) % Word::EPOCHS)
    }
}

/// The half-open ramp: how far a cell has opened again after a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ramp {
    /// No bound on unconfirmed attempts.
    #[default]
    Open,
    /// One unconfirmed attempt at a time: the probe.
    One,
    Two,
    Four,
}

impl Ramp {
    /// Returns the most unconfirmed attempts that may be under way; none means any number.
    #[inline]
    const fn places(self) -> Option<u8> {
        match self {
            Self::Open => None,
            Self::One => Some(1),
            Self::Two => Some(2),
            Self::Four => Some(4),
        }
    }

    const fn wider(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::Four,
            Self::Four | Self::Open => Self::Open,
        }
    }
}

/// The state of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellState {
    /// The cell admits nothing before this instant.
    pub until: Millis,
    /// Whether the upstream reported `until`; otherwise `until` is a guess.
    pub known: bool,
    pub epoch: Epoch,
    /// Consecutive trips, at most 7.
    pub consecutive_trips: u8,
    pub ramp: Ramp,
    /// Unconfirmed attempts of the current epoch, counted while the cell is opening.
    pub pending: u8,
    /// Unsettled leases of every epoch.
    pub in_flight: u16,
}

/// The record of an admission, kept by its lease.
///
/// The default is the record of a pass through a cell never used before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "an admission that is not settled occupies its place for ever"]
pub struct CellPermit {
    pub(super) epoch: Epoch,
    /// Whether the admission takes a place of an opening cell.
    pub(super) probe: bool,
    /// The end of the limit at admission, for an admission before that end.
    pub(super) early: Option<EndSeen>,
    /// Whether `in_flight` counts the admission.
    pub(super) counted: bool,
}

/// The end of a limit, as an early admission saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndSeen {
    until: Millis,
    known: bool,
}

impl CellPermit {
    /// Returns whether this admission tests whether a limit is over.
    pub const fn is_probe(self) -> bool {
        self.probe
    }

    /// Returns whether this admission tests a limit before its end.
    pub const fn is_early(self) -> bool {
        self.early.is_some()
    }
}

/// How a cell counts an admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// As a lease, up to `bound` leases.
    Lease { bound: u16 },
    /// Not at all: the cell is only a gate.
    Pass,
}

/// Why a cell admits nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deny {
    /// The cell is limited until this instant.
    Limited { until: Millis, known: bool },
    /// Experience predicts a refusal until this instant; see [`allowance`](crate::admission::allowance). An
    /// over-capacity probe may still try if `over_capacity`.
    Predicted { until: Millis, over_capacity: bool },
    /// Unanswered probes hold every place of the opening cell.
    Probing,
    /// The cell has as many leases as its bound allows.
    Full,
}

/// The cause and end of a cell's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Until an instant reported by the upstream.
    Reported { until: Millis },
    /// Until an instant predicted by experience: the upstream reported none.
    Predicted { until: Millis },
    /// For a span that grows with consecutive trips: the upstream reported no end.
    Estimated(Schedule),
}

/// A limit as seen at an instant; see [`CellState::amend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSeen {
    pub until: Millis,
    /// Whether the upstream reported `until`; otherwise `until` is a guess.
    pub known: bool,
    /// Consecutive trips, the trip of this limit included.
    pub consecutive_trips: u8,
    epoch: Epoch,
}

/// The effect of a good head on a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Nothing was in doubt.
    Open,
    /// The limit is over: the first good head since its end.
    Over,
    /// A further good head of an opening cell.
    Wider,
    /// The attempt began before the limit was known, so the good head does not lift the limit.
    Stale,
}

/// The effect of a limit on a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// A limit began.
    Tripped { until: Millis },
    /// The cell already knows the limit of this event.
    Folded,
}

impl CellState {
    /// Returns why the cell admits nothing at `now`, if so.
    ///
    /// Planning and sending share this check.
    #[inline]
    pub fn denial(self, touch: Touch, now: Millis) -> Option<Deny> {
        if now < self.until {
            return Some(Deny::Limited { until: self.until, known: self.known });
        }
        // A half-open cell admits probes only, 1, 2 or 4 at a time.
        if self.ramp.places().is_some_and(|places| self.pending >= places) {
            return Some(Deny::Probing);
        }
        match touch {
            Touch::Lease { bound } if self.in_flight >= bound.min(IN_FLIGHT_MAX) => Some(Deny::Full),
            Touch::Lease { .. } | Touch::Pass => None,
        }
    }

    /// Takes a place, or returns why not.
    ///
    /// # Errors
    /// [`Deny`], with an instant if a wait has a known end.
    pub fn admit(self, touch: Touch, now: Millis) -> Result<(Self, CellPermit), Deny> {
        if let Some(deny) = self.denial(touch, now) {
            return Err(deny);
        }
        // Every admission of a half-open cell is a probe and takes a place until its head.
        let probe = self.ramp != Ramp::Open;
        let counted = matches!(touch, Touch::Lease { .. });
        let state = Self {
            pending: self.pending + u8::from(probe),
            in_flight: self.in_flight + u16::from(counted),
            ..self
        };
        Ok((state, CellPermit { epoch: self.epoch, probe, early: None, counted }))
    }

    /// Returns whether the limit in force at `now` is a guess.
    #[inline]
    pub fn is_guess(self, now: Millis) -> bool {
        now < self.until && !self.known
    }

    /// Takes the probe's place before the limit ends; the limit stays in force for everybody else. Only a
    /// guess can be probed; a limit already over admits as usual.
    ///
    /// # Errors
    /// [`Deny`], as if the limit had ended.
    pub fn last_resort(self, touch: Touch, now: Millis) -> Result<(Self, CellPermit), Deny> {
        if self.is_guess(now) { self.recheck(touch, now) } else { self.admit(touch, now) }
    }

    /// Takes the probe's place before the limit ends, reported or not.
    ///
    /// # Errors
    /// [`Deny`], as if the limit had ended.
    pub fn recheck(self, touch: Touch, now: Millis) -> Result<(Self, CellPermit), Deny> {
        if now >= self.until {
            return self.admit(touch, now);
        }
        // Admit as if the limit had ended, then put the limit's end back for everybody else.
        let ended = Self { until: now, ..self };
        let (state, cell_permit) = ended.admit(touch, now)?;
        Ok((Self { until: self.until, ..state }, CellPermit { early: Some(self.end()), ..cell_permit }))
    }

    const fn end(self) -> EndSeen {
        EndSeen { until: self.until, known: self.known }
    }

    /// Records a good head. The lease stays, but its stamp no longer marks a probe.
    ///
    /// The good head of an early probe ends the limit. If the limit changed meanwhile, the probe knew
    /// nothing of the change, and the limit stays.
    pub fn confirm(self, cell_permit: CellPermit) -> (Self, CellPermit, Confirmed) {
        let settled = CellPermit { probe: false, early: None, ..cell_permit };
        if cell_permit.epoch != self.epoch {
            return (self, settled, Confirmed::Stale);
        }
        // The end moved after this early probe went: give the place back, keep the newer limit.
        if cell_permit.early.is_some_and(|seen| seen != self.end()) {
            let counted = CellPermit { counted: false, ..cell_permit };
            return (self.release(counted), settled, Confirmed::Stale);
        }
        // Only a probe's good head widens the ramp: 1, 2, 4, then open.
        let confirmed = match (cell_permit.probe, self.ramp) {
            (false, _) | (true, Ramp::Open) => Confirmed::Open,
            (true, Ramp::One) => Confirmed::Over,
            (true, Ramp::Two | Ramp::Four) => Confirmed::Wider,
        };
        let state = Self {
            // An early probe's success ends the limit at once.
            until: if cell_permit.early.is_some() { Millis::START } else { self.until },
            consecutive_trips: 0,
            ramp: if cell_permit.probe { self.ramp.wider() } else { self.ramp },
            pending: self.pending.saturating_sub(u8::from(cell_permit.probe)),
            ..self
        };
        (state.without_pending_when_open(), settled, confirmed)
    }

    /// Gives a place back and leaves the limit alone.
    #[must_use]
    pub fn release(self, cell_permit: CellPermit) -> Self {
        let own = cell_permit.probe && cell_permit.epoch == self.epoch;
        Self {
            pending: self.pending.saturating_sub(u8::from(own)),
            in_flight: self.in_flight.saturating_sub(u16::from(cell_permit.counted)),
            ..self
        }
    }

    /// Gives a place back and reports the cell as limited.
    pub fn settle_limit(self, cell_permit: CellPermit, limit: Limit, now: Millis) -> (Self, Settled) {
        let state = self.release(cell_permit);
        if self.trips_by(cell_permit) {
            state.trip(limit, now)
        } else if cell_permit.epoch == self.epoch {
            state.outlast(cell_permit, limit, now)
        } else {
            state.learn(limit, now)
        }
    }

    /// Returns whether a limit met by the holder of `cell_permit` would begin a new trip.
    pub fn trips_by(self, cell_permit: CellPermit) -> bool {
        cell_permit.epoch == self.epoch && cell_permit.early.is_none()
    }

    /// The limit has outlasted an early probe: the limit stays, and no trip is counted. A newly reported
    /// end replaces the end seen by the probe, sooner or later, because the probe asked after the limit
    /// began.
    fn outlast(self, cell_permit: CellPermit, limit: Limit, now: Millis) -> (Self, Settled) {
        let Limit::Reported { until } = limit else { return (self, Settled::Folded) };
        // The limit ended or changed since the probe went: its answer counts as news from elsewhere.
        if now >= self.until || cell_permit.early != Some(self.end()) {
            return self.learn(limit, now);
        }
        let until = Word::round_up(until.max(now.after(SHORTEST_LIMIT)));
        (Self { until, known: true, ..self }, Settled::Folded)
    }

    /// Applies a limit not met by a lease of the current epoch: an old lease's limit, or news from
    /// elsewhere.
    ///
    /// A reported end moves a limit forward and never back; a guess adds nothing.
    pub fn learn(self, limit: Limit, now: Millis) -> (Self, Settled) {
        let Limit::Reported { until } = limit else { return (self, Settled::Folded) };
        let until = Word::round_up(until);
        if until <= self.until || until <= now {
            return (self, Settled::Folded);
        }
        if now < self.until {
            return (Self { until, known: true, ..self }, Settled::Folded);
        }
        (self.close(until, true), Settled::Tripped { until })
    }

    /// Restores a limit from an earlier run. A reported limit is applied like other news; any other limit
    /// is restored as a guess, unless a limit is already in force.
    pub fn recall(self, limit: Limit, now: Millis) -> (Self, Settled) {
        match limit {
            // A cell counts in ticks, so what is just over would come back for the rest of one.
            Limit::Reported { until } if now < until => self.learn(limit, now),
            Limit::Predicted { until } if now < until && self.until <= now => {
                let until = Word::round_up(until);
                (self.close(until, false), Settled::Tripped { until })
            }
            Limit::Reported { .. } | Limit::Predicted { .. } | Limit::Estimated(_) => (self, Settled::Folded),
        }
    }

    /// Returns the limit in force at `now`, as a reference for a question to the upstream.
    pub fn limit(self, now: Millis) -> Option<LimitSeen> {
        let Self { until, known, consecutive_trips, epoch, .. } = self;
        (now < until).then_some(LimitSeen { until, known, consecutive_trips, epoch })
    }

    /// Moves the end of the limit `seen` to `end`, the upstream's answer to a question asked at that time.
    /// Returns whether the end moved.
    ///
    /// A limit that began or grew meanwhile is unknown to the answer, and stays. After an early end, one
    /// probe tests the cell as after any limit.
    pub fn amend(self, seen: LimitSeen, end: Millis, now: Millis) -> (Self, bool) {
        if self.limit(now) != Some(seen) {
            return (self, false);
        }
        // A limit that is over holds nothing back for the rest of a tick.
        let until = if end <= now { Word::round_down(now) } else { Word::round_up(end) };
        (Self { until, known: true, ..self }, true)
    }

    /// Returns whether the cell is fully open and has no lease.
    pub fn is_at_rest(self) -> bool {
        self.ramp == Ramp::Open && self.in_flight == 0
    }

    /// Opens the cell by order of the operator. Leases under way can no longer change the cell's limit.
    #[must_use]
    pub fn reset(self) -> Self {
        Self { epoch: self.epoch.next(), in_flight: self.in_flight, ..Self::default() }
    }

    fn trip(self, limit: Limit, now: Millis) -> (Self, Settled) {
        let consecutive_trips = (self.consecutive_trips + 1).min(TRIPS_MAX);
        let (end, known) = match limit {
            Limit::Reported { until } => (until.max(now.after(SHORTEST_LIMIT)), true),
            Limit::Predicted { until } => (until.max(now.after(SHORTEST_LIMIT)), false),
            Limit::Estimated(schedule) => (now.after(schedule.span(consecutive_trips)), false),
        };
        // A trip never shortens a limit: the later end wins, with its quality.
        let known = if end >= self.until { known } else { self.known };
        let until = end.max(self.until);
        (Self { consecutive_trips, ..self.close(until, known) }, Settled::Tripped { until })
    }

    fn close(self, until: Millis, known: bool) -> Self {
        let until = Word::round_up(until);
        Self { until, known, epoch: self.epoch.next(), ramp: Ramp::One, pending: 0, ..self }
    }

    fn without_pending_when_open(self) -> Self {
        Self { pending: if self.ramp == Ramp::Open { 0 } else { self.pending }, ..self }
    }
}

#[cfg(test)]
mod tests;
