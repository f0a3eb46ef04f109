//! The transitions of a cell, as pure functions of its state.

use std::time::Duration;

use crate::backoff::Schedule;
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
    /// It is counted in `in_flight`.
    pub(super) counted: bool,
}

impl Stamp {
    /// Says whether this admission tries whether a limit is over.
    pub const fn is_probe(self) -> bool {
        self.probe
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
    /// [`allowance`](crate::allowance). An explorer may try it all the same where that is due.
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
        Ok((state, Stamp { epoch: self.epoch, probe, counted }))
    }

    /// Takes note of a good head. The lease stays; its stamp is no probe any more.
    pub fn confirm(self, stamp: Stamp) -> (Self, Stamp, Confirmed) {
        let settled = Stamp { probe: false, ..stamp };
        if stamp.epoch != self.epoch {
            return (self, settled, Confirmed::Stale);
        }
        let confirmed = match (stamp.probe, self.opening) {
            (false, _) | (true, Opening::Open) => Confirmed::Open,
            (true, Opening::One) => Confirmed::Over,
            (true, Opening::Two | Opening::Four) => Confirmed::Wider,
        };
        let state = Self {
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
        if stamp.epoch == self.epoch { state.trip(limit, now) } else { state.learn(limit, now) }
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
mod tests {
    use super::*;

    const T: Millis = Millis(160_000);
    const RATE: Limit = Limit::Guessed(Schedule::RATE);
    const LEASE: Touch = Touch::Lease { bound: 100 };

    fn at(millis: u64) -> Millis {
        Millis(T.0 + millis)
    }

    fn known(millis: u64) -> Limit {
        Limit::Known { until: at(millis) }
    }

    fn admitted(state: CellState, now: Millis) -> (CellState, Stamp) {
        state.admit(LEASE, now).expect("a place")
    }

    /// Takes `n` leases of an open cell.
    fn leased(n: usize) -> (CellState, Vec<Stamp>) {
        let mut state = CellState::default();
        let stamps = (0..n)
            .map(|_| {
                let (next, stamp) = admitted(state, T);
                state = next;
                stamp
            })
            .collect();
        (state, stamps)
    }

    fn tripped(limit: Limit) -> CellState {
        let (state, stamps) = leased(1);
        state.settle_limit(stamps[0], limit, T).0
    }

    #[test]
    fn a_stale_success_does_not_lift_a_limit() {
        let (state, stamps) = leased(2);
        let (limited, _) = state.settle_limit(stamps[0], known(60_000), T);
        let (after, stamp, confirmed) = limited.confirm(stamps[1]);
        assert_eq!((after, confirmed), (limited, Confirmed::Stale));
        assert_eq!(after.release(stamp), CellState { in_flight: 0, ..limited });
    }

    #[test]
    fn ten_429s_of_one_burst_are_one_trip() {
        let (state, stamps) = leased(10);
        let (first, settled) = state.settle_limit(stamps[0], RATE, T);
        assert_eq!(settled, Settled::Tripped { until: at(30_000) });
        let last = stamps[1..].iter().fold(first, |state, stamp| {
            let (state, settled) = state.settle_limit(*stamp, RATE, at(900));
            assert_eq!(settled, Settled::Folded);
            state
        });
        assert_eq!(last, CellState { in_flight: 0, ..first });
        assert_eq!(last.streak, 1);
    }

    #[test]
    fn a_limit_only_moves_forward() {
        let limited = tripped(known(60_000));
        let shorter = limited.learn(known(10_000), T).0;
        assert_eq!(shorter, limited);
        let longer = limited.learn(known(90_000), T).0;
        assert_eq!(longer.until, Word::round_up(at(90_000)));
        assert_eq!(longer.epoch, limited.epoch, "the same event, only longer");
    }

    #[test]
    fn a_trip_never_shortens_a_limit_that_was_learned_meanwhile() {
        let (state, stamps) = leased(1);
        let later = CellState { until: at(500_000), known: true, ..state };
        let (state, _) = later.settle_limit(stamps[0], RATE, T);
        assert_eq!((state.until, state.known), (Word::round_up(at(500_000)), true));
    }

    #[test]
    fn a_hint_of_nothing_lasts_half_a_second() {
        assert_eq!(tripped(known(0)).until, Word::round_up(at(500)));
    }

    #[test]
    fn nobody_is_admitted_before_the_end_and_one_at_it() {
        let limited = tripped(known(60_000));
        let until = limited.until;
        assert_eq!(limited.admit(LEASE, Millis(until.0 - 1)), Err(Deny::Limited { until, known: true }));
        let (probing, stamp) = admitted(limited, until);
        assert!(stamp.is_probe());
        assert_eq!(probing.admit(LEASE, until), Err(Deny::Probing));
    }

    #[test]
    fn a_cell_opens_by_good_heads_one_two_four_all() {
        let mut state = tripped(known(1_000));
        let now = state.until;
        for (places, confirmed) in [(1, Confirmed::Over), (2, Confirmed::Wider), (4, Confirmed::Wider)] {
            let mut stamps = Vec::new();
            while let Ok((next, stamp)) = state.admit(LEASE, now) {
                state = next;
                stamps.push(stamp);
            }
            assert_eq!(stamps.len(), places);
            let (next, _, what) = state.confirm(stamps[0]);
            assert_eq!(what, confirmed);
            state = stamps[1..].iter().fold(next, |state, stamp| state.release(*stamp));
        }
        assert_eq!((state.opening, state.pending), (Opening::Open, 0));
        assert!(!admitted(state, now).1.is_probe());
    }

    #[test]
    fn streams_from_before_the_trip_do_not_stand_in_the_way_of_the_probe() {
        let (state, stamps) = leased(10);
        let (limited, _) = state.settle_limit(stamps[0], known(1_000), T);
        assert_eq!(limited.in_flight, 9);
        assert!(admitted(limited, limited.until).1.is_probe());
    }

    #[test]
    fn a_probe_that_was_cancelled_gives_its_place_to_the_next() {
        let limited = tripped(known(1_000));
        let (probing, stamp) = admitted(limited, limited.until);
        let free = probing.release(stamp);
        assert_eq!(free, limited);
        assert!(admitted(free, limited.until).1.is_probe());
    }

    #[test]
    fn a_failed_probe_grows_the_streak_and_with_it_the_guess() {
        let first = tripped(Limit::Guessed(Schedule::QUOTA));
        assert_eq!((first.streak, first.until.since(T).as_secs()), (1, 60));
        let (probing, stamp) = admitted(first, first.until);
        let (second, _) = probing.settle_limit(stamp, Limit::Guessed(Schedule::QUOTA), first.until);
        assert_eq!((second.streak, second.until.since(first.until).as_secs()), (2, 300));
    }

    #[test]
    fn a_good_probe_forgets_the_streak() {
        let limited = tripped(RATE);
        let (probing, stamp) = admitted(limited, limited.until);
        let (state, _, confirmed) = probing.confirm(stamp);
        assert_eq!((confirmed, state.streak), (Confirmed::Over, 0));
    }

    #[test]
    fn an_old_hint_that_is_still_in_force_closes_a_cell_that_has_opened() {
        let (state, stamps) = leased(2);
        let (limited, _) = state.settle_limit(stamps[0], known(1_000), T);
        let later = at(5_000);
        let (probing, probe) = admitted(limited, later);
        let (open, _, _) = probing.confirm(probe);
        let (closed, settled) = open.settle_limit(stamps[1], known(60_000), later);
        assert!(matches!(settled, Settled::Tripped { .. }));
        assert_ne!(closed.epoch, open.epoch, "a success that did not know of it must not open it");
        assert_eq!(closed.streak, 0, "and it is no strike");
    }

    #[test]
    fn an_old_guess_adds_nothing() {
        let (state, stamps) = leased(2);
        let (limited, _) = state.settle_limit(stamps[0], RATE, T);
        let (after, settled) = limited.settle_limit(stamps[1], RATE, at(25_000));
        assert_eq!((after.until, settled), (limited.until, Settled::Folded));
    }

    #[test]
    fn a_reading_ends_the_limit_that_was_seen_and_one_probe_tries() {
        let limited = tripped(RATE);
        let seen = limited.limit(T).expect("a limit");
        let (over, moved) = limited.amend(seen, at(800), at(800));
        assert!(moved);
        let (probing, probe) = admitted(over, over.until);
        assert!(probe.is_probe() && over.until < at(816));
        assert_eq!(probing.admit(LEASE, over.until), Err(Deny::Probing));
        assert_eq!(probing.settle_limit(probe, RATE, over.until).0.streak, 2);
    }

    #[test]
    fn a_reading_moves_the_end_either_way() {
        let limited = tripped(RATE);
        let seen = limited.limit(T).expect("a limit");
        for end in [10_000, 90_000] {
            let (moved, _) = limited.amend(seen, at(end), at(800));
            assert_eq!((moved.until, moved.known), (Word::round_up(at(end)), true));
        }
    }

    #[test]
    fn a_reading_leaves_a_limit_alone_that_began_or_grew_after_it() {
        let (state, stamps) = leased(3);
        let (first, _) = state.settle_limit(stamps[0], RATE, T);
        let seen = first.limit(T).expect("a limit");
        let (grown, _) = first.settle_limit(stamps[1], known(60_000), at(100));
        assert_eq!(grown.amend(seen, at(200), at(200)), (grown, false));
        let (probing, probe) = admitted(first, first.until);
        let (second, _) = probing.settle_limit(probe, RATE, first.until);
        assert_eq!(second.amend(seen, first.until, first.until), (second, false));
        assert_eq!(first.amend(seen, first.until, first.until), (first, false), "it is over by itself");
    }

    #[test]
    fn a_full_cell_denies_until_a_lease_is_released() {
        let (state, stamps) = leased(2);
        let touch = Touch::Lease { bound: 2 };
        assert_eq!(state.admit(touch, T), Err(Deny::Full));
        assert!(state.release(stamps[0]).admit(touch, T).is_ok());
    }

    #[test]
    fn a_gate_is_passed_without_being_counted() {
        let (state, stamp) = CellState::default().admit(Touch::Pass, T).expect("open");
        assert_eq!(state, CellState::default());
        assert_eq!(state.confirm(stamp).0, CellState::default());
    }

    #[test]
    fn the_operator_opens_a_cell_and_old_leases_cannot_close_it_with_a_guess() {
        let (state, stamps) = leased(2);
        let (limited, _) = state.settle_limit(stamps[0], RATE, T);
        let open = limited.reset();
        assert_eq!((open.until, open.in_flight), (Millis::START, 1));
        assert_eq!(open.settle_limit(stamps[1], RATE, T).1, Settled::Folded);
    }
}
