//! The quota of a pool: what the upstream told of it in a cell, and what experience tells beside it.

use std::time::Duration;

use pointsman_core::admission::allowance::{Allowance, Experience, Ticket};
use pointsman_core::admission::cell::{
    Cell, CellState, Confirmed, Deny, Limit, LimitSeen, Settled, Stamp, Touch,
};
use pointsman_core::admission::knock::{Knock, Knocks, Spacing};
use pointsman_core::time::Millis;

use super::keyed::Rest;

/// What one pool of an account lets in.
#[derive(Debug, Default)]
pub(super) struct Quota {
    cell: Cell,
    allowance: Allowance,
    knocks: Knocks,
}

/// An instant that does not come.
const NEVER: Millis = Millis(u64::MAX);

/// How a request comes to a pool.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// It is open.
    Usual,
    /// It asks for more than experience says there is, because nothing else is open.
    Explorer,
    /// Before the end of a limit that is a guess.
    Knock(Terms<'a>),
}

/// What knocks keep to.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub knock: Knock,
    /// What all accounts of the provider have in common.
    pub spacing: &'a Spacing,
    /// How long nobody else knocks at the provider.
    pub apart: Duration,
    pub recheck: Duration,
}

/// From when on a guess may be tried; see [`knock`](pointsman_core::admission::knock).
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    pub(super) last_resort: Millis,
    pub(super) recheck: Option<Millis>,
}

/// What a lease holds of it.
#[derive(Debug)]
pub(super) struct Grant {
    stamp: Stamp,
    /// Gone as soon as it is known what became of the attempt.
    ticket: Option<Ticket>,
}

/// How much a failed attempt is to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toll {
    /// Nothing: it was not sent, or refused for another reason.
    None,
    /// One request, for all that is known.
    Counted,
}

impl Quota {
    /// Returns what the cell says.
    pub(super) fn state(&self) -> CellState {
        self.cell.state()
    }

    /// Returns what experience says.
    pub(super) fn experience(&self) -> Experience {
        self.allowance.experience()
    }

    /// Says why the cell would admit nobody, if so.
    #[inline]
    pub(super) fn denial(&self, bound: u16, now: Millis) -> Option<Deny> {
        self.cell.denial(Touch::Lease { bound }, now)
    }

    /// Says why experience would admit nobody, if so.
    #[inline]
    pub(super) fn learned(&self, now: Millis) -> Option<Deny> {
        self.allowance.denial(now)
    }

    /// Says from when on it may be tried early, where the limit in force is a guess. While somebody does,
    /// nobody else may.
    pub(super) fn guess(&self, bound: u16, recheck: Duration, now: Millis) -> Option<Guess> {
        let state = self.cell.state();
        if !state.is_guess(now) || self.allowance.foresees() {
            return None;
        }
        if state.knock(Touch::Lease { bound }, now).is_err() {
            return Some(Guess { last_resort: NEVER, recheck: None });
        }
        let rhythm = self.knocks.rhythm();
        let due = |knock| rhythm.due(knock, recheck);
        Some(Guess { last_resort: due(Knock::LastResort).unwrap_or(NEVER), recheck: due(Knock::Recheck) })
    }

    /// Takes a place. Neither of the two admits against the other.
    ///
    /// # Errors
    /// [`Deny`] of the one that denies.
    pub(super) fn admit(&self, bound: u16, entry: Entry<'_>, now: Millis) -> Result<Grant, Deny> {
        let touch = Touch::Lease { bound };
        let stamp = match entry {
            Entry::Usual | Entry::Explorer => self.cell.admit(touch, now)?,
            Entry::Knock(_) => self.cell.knock(touch, now)?,
        };
        let admitted = match entry {
            Entry::Knock(terms) if stamp.is_early() => self.knock(&terms, now),
            Entry::Explorer => self.allowance.admit(true, now).map(Some),
            Entry::Usual | Entry::Knock(_) => self.allowance.admit(false, now).map(Some),
        };
        match admitted {
            Ok(ticket) => Ok(Grant { stamp, ticket }),
            Err(deny) => {
                self.cell.release(stamp);
                Err(deny)
            }
        }
    }

    /// Asks whether it is time to knock, for somebody who has the cell's only place for that. The provider's
    /// spacing comes last, so that nobody takes from it in vain.
    fn knock(&self, terms: &Terms<'_>, now: Millis) -> Result<Option<Ticket>, Deny> {
        let closed = |until| Deny::Limited { until, known: false };
        if self.allowance.foresees() {
            return Err(closed(self.cell.state().until));
        }
        let due = self.knocks.rhythm().due(terms.knock, terms.recheck).unwrap_or(NEVER);
        if now < due {
            return Err(closed(due));
        }
        terms.spacing.take(terms.apart, now).map_err(closed)?;
        self.knocks.knocked(terms.recheck, now);
        Ok(self.allowance.knock(now))
    }

    /// Takes note of a good head. Returns what it did to the cell, and whether more may go than before.
    pub(super) fn confirm(&self, grant: &mut Grant) -> (Confirmed, bool) {
        let (stamp, confirmed) = self.cell.confirm(grant.stamp);
        grant.stamp = stamp;
        let more = grant.ticket.take().is_some_and(|ticket| self.allowance.confirm(ticket));
        (confirmed, more || matches!(confirmed, Confirmed::Over | Confirmed::Wider))
    }

    /// Gives a place back with the news of a limit. Where nobody told until when, experience does.
    pub(super) fn limit(&self, mut grant: Grant, limit: Limit, now: Millis) -> Settled {
        let told = match limit {
            Limit::Known { until } => Some(until),
            Limit::Learned { .. } | Limit::Guessed(_) => None,
        };
        let guess = self.guessed_end(limit, now);
        let predicted =
            grant.ticket.take().and_then(|ticket| self.allowance.refuse(ticket, told, guess, now));
        let limit = match (limit, predicted) {
            (Limit::Guessed(_), Some(until)) => Limit::Learned { until },
            (limit, _) => limit,
        };
        self.begin_knocks(&grant, limit, guess, now);
        self.cell.settle_limit(grant.stamp, limit, now)
    }

    /// A guess that begins may be knocked at from now on. Before it begins, so that nobody goes by the last one.
    fn begin_knocks(&self, grant: &Grant, limit: Limit, guess: Millis, now: Millis) {
        let end = match limit {
            Limit::Known { .. } => return,
            Limit::Learned { until } => until,
            Limit::Guessed(_) => guess,
        };
        if self.cell.state().trips_by(grant.stamp) {
            self.knocks.begin(now, end);
        }
    }

    /// Returns the end that the cell would guess. That the streak may grow meanwhile only makes it shorter.
    fn guessed_end(&self, limit: Limit, now: Millis) -> Millis {
        match limit {
            Limit::Known { until } | Limit::Learned { until } => until,
            Limit::Guessed(schedule) => now.after(schedule.span(self.cell.state().streak + 1)),
        }
    }

    /// Gives a place back. Without a word on what it cost, the upstream has counted it.
    pub(super) fn release(&self, mut grant: Grant, toll: Toll) {
        if let Some(ticket) = grant.ticket.take() {
            match toll {
                Toll::None => self.allowance.forgive(ticket),
                Toll::Counted => self.allowance.abandon(ticket),
            }
        }
        self.cell.release(grant.stamp);
    }

    /// Moves the end of a limit; see [`Cell::amend`]. Where quota is back, experience was wrong about when, and
    /// begins anew.
    pub(super) fn amend(&self, seen: LimitSeen, end: Millis, now: Millis) -> bool {
        let moved = self.cell.amend(seen, end, now);
        if moved && end <= now {
            self.allowance.reset();
        }
        moved
    }

    /// Takes in a limit of an earlier life. What experience had predicted is a guess by now, because the
    /// experience is gone.
    pub(super) fn recall(&self, limit: Limit, now: Millis) -> Settled {
        if let Limit::Learned { until } = limit {
            self.knocks.begin(now, until);
        }
        self.cell.recall(limit, now)
    }

    /// Forgets everything, by order of the operator.
    pub(super) fn reset(&self) {
        self.cell.reset();
        self.allowance.reset();
    }
}

impl Grant {
    /// Says whether it was let in before the end of a guess.
    pub(super) fn is_knock(&self) -> bool {
        self.stamp.is_early()
    }

    /// Says whether it tries whether something is over, or more than was learned.
    pub(super) fn is_trial(&self) -> bool {
        self.stamp.is_probe() || self.ticket.is_some_and(Ticket::is_trial)
    }
}

impl Rest for Quota {
    fn is_at_rest(&self) -> bool {
        self.cell.state().is_at_rest() && !self.allowance.is_learned()
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::admission::backoff::Schedule;

    use super::*;

    const NOW: Millis = Millis(1_000_000);
    /// A whole tick of the cell later.
    const LATER: Millis = Millis(1_008_000);

    /// A pool that met a 429 without a hint, after it had let three in.
    fn guessing() -> (Quota, LimitSeen) {
        let quota = Quota::default();
        let [mut well @ .., last] = [(); 4].map(|()| quota.admit(9, Entry::Usual, NOW).expect("a place"));
        for grant in &mut well {
            quota.confirm(grant);
        }
        let settled = quota.limit(last, Limit::Guessed(Schedule::QUOTA), NOW);
        assert!(matches!(settled, Settled::Tripped { until } if until > LATER), "{settled:?}");
        assert_eq!(quota.experience().used, 3);
        let seen = quota.state().limit(NOW).expect("a limit");
        (quota, seen)
    }

    #[test]
    fn experience_begins_anew_where_a_reading_says_that_quota_is_back() {
        let (quota, seen) = guessing();
        assert!(quota.learned(LATER).is_some(), "experience holds back as long as the limit does");
        assert!(quota.amend(seen, LATER, LATER));
        assert_eq!((quota.experience(), quota.learned(LATER)), (Experience::default(), None));
        let mut probe = quota.admit(9, Entry::Usual, LATER).expect("nothing holds it back");
        assert_eq!(quota.confirm(&mut probe).0, Confirmed::Over);
    }

    #[test]
    fn experience_stays_where_a_reading_only_tells_when_quota_will_be_back() {
        let (quota, seen) = guessing();
        let before = quota.experience();
        assert!(quota.amend(seen, LATER, NOW));
        assert_eq!(quota.experience(), before);
        assert!(!quota.amend(seen, NOW, NOW), "another limit is in force than was seen");
        assert_eq!(quota.experience(), before);
    }
}
