//! The transitions of a cell, as pure functions of its state.

use std::time::Duration;

use crate::admission::backoff::Schedule;
use crate::time::Millis;

use super::word::{IN_FLIGHT_MAX, STREAK_MAX, Word};

/// What a limit lasts at the least, so that an upstream that says "retry after 0" is not hammered.
pub(super) const SHORTEST_LIMIT: Duration = Duration::from_millis(500);

/// Counts the trips of a cell, modulo 2,048.
///
/// It would wrap onto itself only after 2,048 trips within one attempt, which is a quarter of an hour
/// even of the shortest limits, and an attempt's head arrives within minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epoch(pub(super) u16);

impl Epoch {
    fn next(self) -> Self {
        Self((self.0 + 1) % Word::EPOCHS)
    }
}

/// How far a cell has opened again after a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opening {
    /// Nothing is held back.
    #[default]
    Open,
    /// One unconfirmed attempt at a time: the probe.
    One,
    Two,
    Four,
}

impl Opening {
    /// Returns how many attempts may be under way that have not been confirmed, or none for any number.
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
    /// Nobody is admitted before this instant.
    pub until: Millis,
    /// The upstream said so; else it is a guess.
    pub known: bool,
    pub epoch: Epoch,
    /// Trips in a row, at most 7.
    pub streak: u8,
    pub opening: Opening,
    /// Unconfirmed attempts of this epoch, counted while the cell is opening.
    pub pending: u8,
    /// Leases that have not been settled, of every epoch.
    pub in_flight: u16,
}

/// What a lease remembers of its admission.
///
/// The default is that of somebody who passed when the cell had never been used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "an admission that is not settled occupies its place for ever"]
pub struct Stamp {
    pub(super) epoch: Epoch,
    /// It takes one of the places of an opening cell.
    pub(super) probe: bool,
    /// It was taken before the end of the limit, which was this one then.
    pub(super) early: Option<EndSeen>,
    /// It is counted in `in_flight`.
    pub(super) counted: bool,
}

/// The end of a limit as somebody saw it who came before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndSeen {
    until: Millis,
    known: bool,
}

impl Stamp {
    /// Says whether this admission tries whether a limit is over.
    pub const fn is_probe(self) -> bool {
        self.probe
    }

    /// Says whether this admission tries a limit before its end.
    pub const fn is_early(self) -> bool {
        self.early.is_some()
    }
}

/// How an admission is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// As one of at most so many leases.
    Lease { bound: u16 },
    /// Not at all: the cell is a gate that one passes.
    Pass,
}

/// Why a cell admits nobody now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deny {
    /// Nobody before this instant.
    Limited { until: Millis, known: bool },
    /// Experience says that nobody would be let in before this instant; see
    /// [`allowance`](crate::admission::allowance). An explorer may try it all the same where that is due.
    Learned { until: Millis, explorable: bool },
    /// The places of an opening cell are taken by probes that have not been answered.
    Probing,
    /// As many leases as the cell may have.
    Full,
}

/// What closes a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Until an instant that the upstream told.
    Known { until: Millis },
    /// Until an instant that experience predicts, because it did not tell.
    Learned { until: Millis },
    /// For a span that grows with the streak, because it did not tell.
    Guessed(Schedule),
}

/// A limit as it was seen at an instant; see [`CellState::amend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSeen {
    pub until: Millis,
    /// The upstream said so; else it is a guess.
    pub known: bool,
    /// Trips in a row, this one among them.
    pub streak: u8,
    epoch: Epoch,
}

/// What a good head did to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// Nothing was in doubt.
    Open,
    /// A limit is over: the first good head since it ended.
    Over,
    /// One more good head of a cell that is opening.
    Wider,
    /// The attempt began before the limit was known, and so did not lift it.
    Stale,
}

/// What a limit did to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// A limit began.
    Tripped { until: Millis },
    /// It is the same event as the limit that the cell knows.
    Folded,
}

impl CellState {
    /// Says why nobody is admitted at `now`, if so.
    ///
    /// The check that plans and the check that sends are this one function.
    #[inline]
    pub fn denial(self, touch: Touch, now: Millis) -> Option<Deny> {
        if now < self.until {
            return Some(Deny::Limited { until: self.until, known: self.known });
        }
        if self.opening.places().is_some_and(|places| self.pending >= places) {
            return Some(Deny::Probing);
        }
        match touch {
            Touch::Lease { bound } if self.in_flight >= bound.min(IN_FLIGHT_MAX) => Some(Deny::Full),
            Touch::Lease { .. } | Touch::Pass => None,
        }
    }

    /// Takes a place, or says why not.
    ///
    /// # Errors
    /// [`Deny`], with the instant where waiting has one.
    pub fn admit(self, touch: Touch, now: Millis) -> Result<(Self, Stamp), Deny> {
        if let Some(deny) = self.denial(touch, now) {
            return Err(deny);
        }
        let probe = self.opening != Opening::Open;
        let counted = matches!(touch, Touch::Lease { .. });
        let state = Self {
            pending: self.pending + u8::from(probe),
            in_flight: self.in_flight + u16::from(counted),
            ..self
        };
        Ok((state, Stamp { epoch: self.epoch, probe, early: None, counted }))
    }

    /// Says whether the limit in force at `now` is a guess.
    #[inline]
    pub fn is_guess(self, now: Millis) -> bool {
        now < self.until && !self.known
    }

    /// Takes the place of the probe before the limit has ended, which goes on for all others. Only a guess lets
    /// somebody knock; one that has ended meanwhile admits as usual.
    ///
    /// # Errors
    /// [`Deny`], as if the limit had ended.
    pub fn knock(self, touch: Touch, now: Millis) -> Result<(Self, Stamp), Deny> {
        if self.is_guess(now) { self.recheck(touch, now) } else { self.admit(touch, now) }
    }

    /// Takes the place of the probe before the limit has ended, told or not.
    ///
    /// # Errors
    /// [`Deny`], as if the limit had ended.
    pub fn recheck(self, touch: Touch, now: Millis) -> Result<(Self, Stamp), Deny> {
        if now >= self.until {
            return self.admit(touch, now);
        }
        let ended = Self { until: now, ..self };
        let (state, stamp) = ended.admit(touch, now)?;
        Ok((Self { until: self.until, ..state }, Stamp { early: Some(self.end()), ..stamp }))
    }

    const fn end(self) -> EndSeen {
        EndSeen { until: self.until, known: self.known }
    }

    /// Takes note of a good head. The lease stays; its stamp is no probe any more.
    ///
    /// That of a knock ends the limit. What somebody was told meanwhile it did not know, and leaves.
    pub fn confirm(self, stamp: Stamp) -> (Self, Stamp, Confirmed) {
        let settled = Stamp { probe: false, early: None, ..stamp };
        if stamp.epoch != self.epoch {
            return (self, settled, Confirmed::Stale);
        }
        if stamp.early.is_some_and(|seen| seen != self.end()) {
            let counted = Stamp { counted: false, ..stamp };
            return (self.release(counted), settled, Confirmed::Stale);
        }
        let confirmed = match (stamp.probe, self.opening) {
            (false, _) | (true, Opening::Open) => Confirmed::Open,
            (true, Opening::One) => Confirmed::Over,
            (true, Opening::Two | Opening::Four) => Confirmed::Wider,
        };
        let state = Self {
            until: if stamp.early.is_some() { Millis::START } else { self.until },
            streak: 0,
            opening: if stamp.probe { self.opening.wider() } else { self.opening },
            pending: self.pending.saturating_sub(u8::from(stamp.probe)),
            ..self
        };
        (state.without_pending_when_open(), settled, confirmed)
    }

    /// Gives a place back, without a word on the limit.
    #[must_use]
    pub fn release(self, stamp: Stamp) -> Self {
        let own = stamp.probe && stamp.epoch == self.epoch;
        Self {
            pending: self.pending.saturating_sub(u8::from(own)),
            in_flight: self.in_flight.saturating_sub(u16::from(stamp.counted)),
            ..self
        }
    }

    /// Gives a place back with the news that the cell is limited.
    pub fn settle_limit(self, stamp: Stamp, limit: Limit, now: Millis) -> (Self, Settled) {
        let state = self.release(stamp);
        if self.trips_by(stamp) {
            state.trip(limit, now)
        } else if stamp.epoch == self.epoch {
            state.outlast(stamp, limit, now)
        } else {
            state.learn(limit, now)
        }
    }

    /// Says whether a limit that the holder of `stamp` meets would begin a new one.
    pub fn trips_by(self, stamp: Stamp) -> bool {
        stamp.epoch == self.epoch && stamp.early.is_none()
    }

    /// The limit has outlasted a knock: it stays, and that is no strike. An end that the upstream tells now
    /// replaces the one that the knock saw, be it sooner or later, because it was asked after the limit began.
    fn outlast(self, stamp: Stamp, limit: Limit, now: Millis) -> (Self, Settled) {
        let Limit::Known { until } = limit else { return (self, Settled::Folded) };
        if now >= self.until || stamp.early != Some(self.end()) {
            return self.learn(limit, now);
        }
        let until = Word::round_up(until.max(now.after(SHORTEST_LIMIT)));
        (Self { until, known: true, ..self }, Settled::Folded)
    }

    /// Takes in a limit that no lease of this epoch met: an old one, or news from elsewhere.
    ///
    /// It moves a limit forward and never back; a guess of somebody who knew less adds nothing.
    pub fn learn(self, limit: Limit, now: Millis) -> (Self, Settled) {
        let Limit::Known { until } = limit else { return (self, Settled::Folded) };
        let until = Word::round_up(until);
        if until <= self.until || until <= now {
            return (self, Settled::Folded);
        }
        if now < self.until {
            return (Self { until, known: true, ..self }, Settled::Folded);
        }
        (self.close(until, true), Settled::Tripped { until })
    }

    /// Takes in a limit that was kept from an earlier life. What was told is news as any other; what was not told is
    /// a guess again, where no limit is in force that knows better.
    pub fn recall(self, limit: Limit, now: Millis) -> (Self, Settled) {
        match limit {
            // A cell counts in ticks, so what is just over would come back for the rest of one.
            Limit::Known { until } if now < until => self.learn(limit, now),
            Limit::Learned { until } if now < until && self.until <= now => {
                let until = Word::round_up(until);
                (self.close(until, false), Settled::Tripped { until })
            }
            Limit::Known { .. } | Limit::Learned { .. } | Limit::Guessed(_) => (self, Settled::Folded),
        }
    }

    /// Returns the limit in force at `now`, for whoever asks the upstream about it.
    pub fn limit(self, now: Millis) -> Option<LimitSeen> {
        let Self { until, known, streak, epoch, .. } = self;
        (now < until).then_some(LimitSeen { until, known, streak, epoch })
    }

    /// Moves the end of a limit to where the upstream puts it that was asked when `seen` was seen. Returns
    /// whether it did.
    ///
    /// Of a limit that began or grew meanwhile the answer knows nothing, and it stays. What is over early is
    /// tried by one probe, as any other limit that has ended.
    pub fn amend(self, seen: LimitSeen, end: Millis, now: Millis) -> (Self, bool) {
        if self.limit(now) != Some(seen) {
            return (self, false);
        }
        (Self { until: Word::round_up(end.max(now)), known: true, ..self }, true)
    }

    /// Says whether nothing is known against the cell and nobody holds it.
    pub fn is_at_rest(self) -> bool {
        self.opening == Opening::Open && self.in_flight == 0
    }

    /// Opens the cell by order of the operator. Leases that are under way cannot touch it any more.
    #[must_use]
    pub fn reset(self) -> Self {
        Self { epoch: self.epoch.next(), in_flight: self.in_flight, ..Self::default() }
    }

    fn trip(self, limit: Limit, now: Millis) -> (Self, Settled) {
        let streak = (self.streak + 1).min(STREAK_MAX);
        let (end, known) = match limit {
            Limit::Known { until } => (until.max(now.after(SHORTEST_LIMIT)), true),
            Limit::Learned { until } => (until.max(now.after(SHORTEST_LIMIT)), false),
            Limit::Guessed(schedule) => (now.after(schedule.span(streak)), false),
        };
        let known = if end >= self.until { known } else { self.known };
        let until = end.max(self.until);
        (Self { streak, ..self.close(until, known) }, Settled::Tripped { until })
    }

    fn close(self, until: Millis, known: bool) -> Self {
        let until = Word::round_up(until);
        Self { until, known, epoch: self.epoch.next(), opening: Opening::One, pending: 0, ..self }
    }

    fn without_pending_when_open(self) -> Self {
        Self { pending: if self.opening == Opening::Open { 0 } else { self.pending }, ..self }
    }
}

#[cfg(test)]
mod tests;
