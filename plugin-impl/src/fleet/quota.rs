//! The quota of a pool: a cell for the upstream's limits and an allowance for experience.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use pointsman_core::admission::allowance::{Allowance, AllowancePermit, Experience};
use pointsman_core::admission::cell::{
    Cell, CellPermit, CellState, Confirmed, Deny, Limit, LimitSeen, Settled, Touch,
};
use pointsman_core::admission::probe::{Early, EarlyProbes, Probe, Spacing};
use pointsman_core::response::outcome::LimitKind;
use pointsman_core::time::Millis;

use super::keyed::Rest;

/// The admission state of a pool of an account: the cell, the allowance and the probe schedule.
#[derive(Debug, Default)]
pub(super) struct Quota {
    cell: Cell,
    allowance: Allowance,
    early_probes: EarlyProbes,
    kind: LastKind,
}

/// The kind of the last limit, for people: no decision depends on the kind.
#[derive(Debug, Default)]
struct LastKind(AtomicU8);

impl LastKind {
    const ALL: [LimitKind; 4] =
        [LimitKind::Unknown, LimitKind::Quota, LimitKind::Rate, LimitKind::Concurrency];

    fn get(&self) -> LimitKind {
        Self::ALL[usize::from(self.0.load(Ordering::Relaxed)) % Self::ALL.len()]
    }

    fn set(&self, kind: LimitKind) {
        let at = Self::ALL.iter().position(|known| *known == kind).unwrap_or_default();
        self.0.store(at as u8, Ordering::Relaxed);
    }
}

/// An instant beyond every clock.
const NEVER: Millis = Millis(u64::MAX);

/// The kind of an admission.
#[derive(Clone, Copy, Debug)]
pub enum AdmissionKind<'a> {
    /// The pool is open.
    Usual,
    /// The request tests a limit.
    Probe(Probe, EarlyTerms<'a>),
}

/// The terms of an early probe.
#[derive(Clone, Copy, Debug)]
pub struct EarlyTerms<'a> {
    /// The spacing of probes over the provider's accounts.
    pub spacing: &'a Spacing,
    /// The least time to the next probe at the provider.
    pub apart: Duration,
    pub recheck: Duration,
}

/// The earliest times of early probes; see [`probe`](pointsman_core::admission::probe).
#[derive(Clone, Copy, Debug)]
pub(super) struct EarlyTimes {
    /// The time of a last-resort probe; `None` for a reported limit.
    pub(super) last_resort: Option<Millis>,
    pub(super) recheck: Option<Millis>,
}

impl EarlyTimes {
    /// Joins the times of two limits in force together: the later time holds.
    pub(super) fn joined(self, other: Self) -> Self {
        let later = |(one, other): (Millis, Millis)| one.max(other);
        Self {
            last_resort: self.last_resort.zip(other.last_resort).map(later),
            recheck: self.recheck.zip(other.recheck).map(later),
        }
    }
}

/// A lease's permit for a quota.
///
/// The default is the permit of a request admitted before the quota existed.
#[derive(Debug, Default)]
pub(super) struct AdmissionPermit {
    cell_permit: CellPermit,
    /// The allowance's ticket, consumed by the attempt's result.
    allowance_permit: Option<AllowancePermit>,
}

/// The charge of a failed attempt at the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    /// No charge: the request was not sent, or refused for a reason besides quota.
    None,
    /// A charge of a request, the safe assumption.
    Counted,
}

impl Quota {
    /// Returns the state of the cell.
    pub(super) fn state(&self) -> CellState {
        self.cell.state()
    }

    /// Returns the kind of the last limit.
    pub(super) fn kind(&self) -> LimitKind {
        self.kind.get()
    }

    /// Remembers the kind of a limit that has begun.
    pub(super) fn note_kind(&self, kind: LimitKind) {
        self.kind.set(kind);
    }

    /// Returns the state of the allowance.
    pub(super) fn experience(&self) -> Experience {
        self.allowance.experience()
    }

    /// Returns the cell's denial, if the cell would admit no request.
    #[inline]
    pub(super) fn denial(&self, bound: u16, now: Millis) -> Option<Deny> {
        self.cell.denial(Touch::Lease { bound }, now)
    }

    /// Returns the allowance's denial, if the allowance would admit no request.
    #[inline]
    pub(super) fn learned(&self, now: Millis) -> Option<Deny> {
        self.allowance.denial(now)
    }

    /// Returns the times of early probes, if a limit is in force and may be tried early. While a probe is
    /// out, no second probe is due.
    pub(super) fn early(&self, bound: u16, recheck: Duration, now: Millis) -> Option<EarlyTimes> {
        let (state, rhythm) = (self.cell.state(), self.early_probes.rhythm());
        let is_told = now < state.until && state.known;
        // Nothing to probe: the limit is over, its end is predicted, or its reported end is near.
        if now >= state.until || self.allowance.foresees() || is_told && !rhythm.is_long(state.until) {
            return None;
        }
        // A probe is already out, or the bound leaves no room.
        if state.recheck(Touch::Lease { bound }, now).is_err() {
            return Some(EarlyTimes { last_resort: (!is_told).then_some(NEVER), recheck: None });
        }
        let due = |early| rhythm.due(early, recheck);
        let last_resort = due(Early::LastResort).unwrap_or(NEVER);
        Some(EarlyTimes { last_resort: (!is_told).then_some(last_resort), recheck: due(Early::Recheck) })
    }

    /// Takes a permit from the cell and from the allowance. Both have to agree.
    ///
    /// # Errors
    /// [`Deny`] of the cell or of the allowance.
    pub(super) fn admit(
        &self,
        bound: u16,
        entry: AdmissionKind<'_>,
        now: Millis,
    ) -> Result<AdmissionPermit, Deny> {
        let touch = Touch::Lease { bound };
        // The cell first: it knows the upstream's limits and counts requests in flight.
        let cell_permit = match entry {
            AdmissionKind::Usual | AdmissionKind::Probe(Probe::AfterReset | Probe::OverCapacity, _) => {
                self.cell.admit(touch, now)?
            }
            AdmissionKind::Probe(Probe::Early(Early::LastResort), _) => self.cell.last_resort(touch, now)?,
            AdmissionKind::Probe(Probe::Early(Early::Recheck), _) => self.cell.recheck(touch, now)?,
        };
        // Then experience. An early probe goes by the probe schedule, because the limit may be over by
        // then.
        let admitted = match entry {
            AdmissionKind::Probe(Probe::Early(early), terms) if cell_permit.is_early() => {
                self.may_probe_early(early, &terms, now).map(|()| self.allowance.probe_early(early, now))
            }
            AdmissionKind::Probe(Probe::OverCapacity, _) => self.allowance.admit(true, now).map(Some),
            AdmissionKind::Usual | AdmissionKind::Probe(Probe::AfterReset | Probe::Early(_), _) => {
                self.allowance.admit(false, now).map(Some)
            }
        };
        match admitted {
            Ok(allowance_permit) => Ok(AdmissionPermit { cell_permit, allowance_permit }),
            Err(deny) => {
                // No permit is kept where the two do not agree.
                self.cell.release(cell_permit);
                Err(deny)
            }
        }
    }

    /// Checks the schedule of early probes, for a request with the cell's only probe permit.
    fn may_probe_early(&self, early: Early, terms: &EarlyTerms<'_>, now: Millis) -> Result<(), Deny> {
        let (state, rhythm) = (self.cell.state(), self.early_probes.rhythm());
        let closed = |until| Deny::Limited { until, known: state.known };
        if self.allowance.foresees() || state.known && !rhythm.is_long(state.until) {
            return Err(closed(state.until));
        }
        let due = rhythm.due(early, terms.recheck).unwrap_or(NEVER);
        if now < due { Err(closed(due)) } else { Ok(()) }
    }

    /// Records an early probe on the schedule.
    pub(super) fn probed(&self, terms: &EarlyTerms<'_>, now: Millis) {
        self.early_probes.probed(terms.recheck, now);
    }

    /// Confirms a good response head. Returns the effect on the cell, and whether more requests may go than
    /// before.
    pub(super) fn confirm(&self, admission_permit: &mut AdmissionPermit) -> (Confirmed, bool) {
        let (cell_permit, confirmed) = self.cell.confirm(admission_permit.cell_permit);
        admission_permit.cell_permit = cell_permit;
        let more = admission_permit
            .allowance_permit
            .take()
            .is_some_and(|allowance_permit| self.allowance.confirm(allowance_permit));
        (confirmed, more || matches!(confirmed, Confirmed::Over | Confirmed::Wider))
    }

    /// Settles a grant with a limit. Without a reported reset time, the allowance predicts the end.
    pub(super) fn limit(&self, mut admission_permit: AdmissionPermit, limit: Limit, now: Millis) -> Settled {
        let told = match limit {
            Limit::Reported { until } => Some(until),
            Limit::Predicted { .. } | Limit::Estimated(_) => None,
        };
        let guess = self.estimated_end(limit, now);
        // The allowance learns from the refusal, and may predict the end of the limit from earlier windows.
        let predicted = admission_permit
            .allowance_permit
            .take()
            .and_then(|allowance_permit| self.allowance.refuse(allowance_permit, told, guess, now));
        let limit = match (limit, predicted) {
            // A prediction beats an estimate, and a reported end beats both.
            (Limit::Estimated(_), Some(until)) => Limit::Predicted { until },
            (limit, _) => limit,
        };
        self.begin_early_probes(&admission_permit, limit, guess, now);
        self.cell.settle_limit(admission_permit.cell_permit, limit, now)
    }

    /// Starts the probe schedule of a limit. The schedule starts before the limit, so that no request goes
    /// by the last schedule.
    fn begin_early_probes(
        &self,
        admission_permit: &AdmissionPermit,
        limit: Limit,
        guess: Millis,
        now: Millis,
    ) {
        let end = match limit {
            Limit::Reported { until } | Limit::Predicted { until } => until,
            Limit::Estimated(_) => guess,
        };
        if self.cell.state().trips_by(admission_permit.cell_permit) {
            self.early_probes.begin(now, end);
        }
    }

    /// Returns the end estimated by the cell. Another trip meanwhile would only make the result too short.
    fn estimated_end(&self, limit: Limit, now: Millis) -> Millis {
        match limit {
            Limit::Reported { until } | Limit::Predicted { until } => until,
            Limit::Estimated(schedule) => now.after(schedule.span(self.cell.state().consecutive_trips + 1)),
        }
    }

    /// Gives a permit back. A dropped lease counts as charged by the upstream.
    pub(super) fn release(&self, mut admission_permit: AdmissionPermit, charge: Charge) {
        if let Some(allowance_permit) = admission_permit.allowance_permit.take() {
            match charge {
                Charge::None => self.allowance.forgive(allowance_permit),
                Charge::Counted => self.allowance.abandon(allowance_permit),
            }
        }
        self.cell.release(admission_permit.cell_permit);
    }

    /// Moves the end of a limit; see [`Cell::amend`]. If the quota is already back, the experience of the
    /// reset time was wrong, and the allowance is reset.
    pub(super) fn amend(&self, seen: LimitSeen, end: Millis, now: Millis) -> bool {
        let moved = self.cell.amend(seen, end, now);
        if moved && end <= now {
            self.allowance.reset();
        }
        moved
    }

    /// Returns the instant of the limit's begin, or of the last early probe.
    pub(super) fn last_refused(&self) -> Millis {
        self.early_probes.rhythm().last()
    }

    /// Restores a stored limit. A predicted limit is restored as estimated, because the experience is gone.
    pub(super) fn recall(&self, limit: Limit, now: Millis) -> Settled {
        match limit {
            Limit::Reported { until } | Limit::Predicted { until } => self.early_probes.begin(now, until),
            Limit::Estimated(_) => {}
        }
        self.cell.recall(limit, now)
    }

    /// Takes over the last report of another process. Returns whether the cell changed.
    ///
    /// A reported end, or that a limit is over, holds here as well. An estimate is taken only where there is
    /// no limit: this process may know better.
    pub(super) fn take_over(&self, limit: Limit, now: Millis) -> bool {
        match (limit, self.cell.state().limit(now)) {
            (Limit::Reported { until }, Some(seen)) => self.cell.amend(seen, until, now),
            (Limit::Reported { .. } | Limit::Predicted { .. }, None) => {
                matches!(self.recall(limit, now), Settled::Tripped { .. })
            }
            (Limit::Predicted { .. } | Limit::Estimated(_), _) => false,
        }
    }

    /// Resets the cell and the allowance by order of the operator.
    pub(super) fn reset(&self) {
        self.cell.reset();
        self.allowance.reset();
    }
}

impl AdmissionPermit {
    /// Returns whether the permit is for an early probe, before the limit's end.
    pub(super) fn is_early_probe(&self) -> bool {
        self.cell_permit.is_early()
    }

    /// Returns whether the permit is for a probe, of a limit's end or of more than the learned capacity.
    pub(super) fn is_probe(&self) -> bool {
        self.cell_permit.is_probe() || self.allowance_permit.is_some_and(AllowancePermit::is_probe)
    }
}

impl Rest for Quota {
    fn is_at_rest(&self) -> bool {
        self.cell.state().is_at_rest() && !self.allowance.is_predicted()
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::admission::backoff::Schedule;

    use super::*;

    const NOW: Millis = Millis(1_000_000);
    /// A whole tick of the cell later.
    const LATER: Millis = Millis(1_008_000);

    /// Returns a pool limited by a 429 without a reset time, after three good requests.
    fn guessing() -> (Quota, LimitSeen) {
        let quota = Quota::default();
        let [mut well @ .., last] =
            [(); 4].map(|()| quota.admit(9, AdmissionKind::Usual, NOW).expect("a place"));
        for admission_permit in &mut well {
            quota.confirm(admission_permit);
        }
        let settled = quota.limit(last, Limit::Estimated(Schedule::QUOTA), NOW);
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
        let mut probe = quota.admit(9, AdmissionKind::Usual, LATER).expect("nothing holds it back");
        assert_eq!(quota.confirm(&mut probe).0, Confirmed::Over);
    }

    #[test]
    fn what_another_process_heard_last_holds_and_its_guess_replaces_nothing() {
        let (reported, guess) = (|until| Limit::Reported { until }, |until| Limit::Predicted { until });
        let far = Millis(LATER.0 + 64_000);
        let end = |quota: &Quota| quota.state().limit(NOW).map(|limit| (limit.until, limit.known));
        let quota = Quota::default();
        assert!(quota.take_over(guess(LATER), NOW));
        assert_eq!(end(&quota), Some((LATER, false)), "a guess stays a guess");
        assert!(!quota.take_over(guess(far), NOW));
        assert!(quota.take_over(reported(far), NOW));
        assert_eq!(end(&quota), Some((far, true)));
        assert!(quota.take_over(reported(NOW), NOW), "it is over");
        assert_eq!(end(&quota), None);
        assert!(!quota.take_over(reported(NOW), NOW));
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
