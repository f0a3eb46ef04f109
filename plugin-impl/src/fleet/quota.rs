//! The quota of a pool: what the upstream told of it in a cell, and what experience tells beside it.

use pointsman_core::allowance::{Allowance, Experience, Ticket};
use pointsman_core::cell::{Cell, CellState, Confirmed, Deny, Limit, LimitSeen, Settled, Stamp, Touch};
use pointsman_core::time::Millis;

use super::keyed::Rest;

/// What one pool of an account lets in.
#[derive(Debug, Default)]
pub(super) struct Quota {
    cell: Cell,
    allowance: Allowance,
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

    /// Takes a place. Neither of the two admits against the other.
    ///
    /// # Errors
    /// [`Deny`] of the one that denies.
    pub(super) fn admit(&self, bound: u16, explores: bool, now: Millis) -> Result<Grant, Deny> {
        let stamp = self.cell.admit(Touch::Lease { bound }, now)?;
        match self.allowance.admit(explores, now) {
            Ok(ticket) => Ok(Grant { stamp, ticket: Some(ticket) }),
            Err(deny) => {
                self.cell.release(stamp);
                Err(deny)
            }
        }
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
        let guess = self.guess(limit, now);
        let predicted =
            grant.ticket.take().and_then(|ticket| self.allowance.refuse(ticket, told, guess, now));
        let limit = match (limit, predicted) {
            (Limit::Guessed(_), Some(until)) => Limit::Learned { until },
            (limit, _) => limit,
        };
        self.cell.settle_limit(grant.stamp, limit, now)
    }

    /// Returns the end that the cell would guess. That the streak may grow meanwhile only makes it shorter.
    fn guess(&self, limit: Limit, now: Millis) -> Millis {
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

    /// Takes in a limit from elsewhere.
    pub(super) fn learn(&self, limit: Limit, now: Millis) -> Settled {
        self.cell.learn(limit, now)
    }

    /// Forgets everything, by order of the operator.
    pub(super) fn reset(&self) {
        self.cell.reset();
        self.allowance.reset();
    }
}

impl Grant {
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
