//! The effect of a quota endpoint's answer on a limit.

use std::time::Duration;

use super::{Reading, Windows};
use crate::admission::cell::LimitSeen;
use crate::quota::model_set::ModelSet;
use crate::time::Millis;

/// Longer than any limit of a rate.
const LONG: Duration = Duration::from_secs(10 * 60);

/// The known quota of one model.
enum ReportedQuota {
    /// Every window has some left; the last of the windows ends at `longest`, if each reported its end.
    Left { longest: Option<Millis> },
    /// Nothing is left until `until`.
    Spent { until: Millis },
    /// Undecided.
    Unclear,
}

impl Windows {
    /// Returns the end of a limit according to reports since `asked`, the instant of seeing `limit`; none
    /// leaves the limit unchanged. `model` holds the limit's models, as the pool names them.
    ///
    /// A report replaces a guess. A hint is cut to the end of the exhausted window. If no window is
    /// exhausted, a hint is over if longer than every window, or long at all: shorter limits belong to
    /// windows not reported by quota endpoints. A hint is doubted once: if the next attempt is refused, the
    /// hint was right. If models of a pool have windows of their own and disagree, the limit's model is
    /// unknown, and the limit stays.
    pub fn amended_end(
        &self,
        limit: LimitSeen,
        model: Option<&ModelSet>,
        asked: Millis,
        now: Millis,
    ) -> Option<Millis> {
        // If the limit's model is unknown, every candidate model must agree.
        let quotas = self.subjects(model).into_iter().map(|model| self.quota_of(model, asked, now));
        let all = quotas.reduce(ReportedQuota::joined)?;
        let end = match all {
            ReportedQuota::Unclear => return None,
            ReportedQuota::Spent { until } => until,
            // Quota is left, so the guess was wrong.
            ReportedQuota::Left { .. } if !limit.known => now,
            // A second consecutive trip proves the hint right: doubt it only once.
            ReportedQuota::Left { longest }
                if limit.consecutive_trips < 2 && is_long(limit, longest, now) =>
            {
                now
            }
            ReportedQuota::Left { .. } => return None,
        };
        // A report replaces a guess in either direction, but only shortens a hint.
        (!limit.known || end < limit.until).then_some(end)
    }

    /// Returns the end of the limit of `models` according to the head of an answer to a request sent at `sent`,
    /// after the limit began; none leaves the limit unchanged.
    ///
    /// A head may report some of the windows only. So a window of the very models has to report quota left, and
    /// a head only ends a limit, never moves the end.
    pub fn ended_by_head(
        &self,
        limit: LimitSeen,
        models: &ModelSet,
        sent: Millis,
        now: Millis,
    ) -> Option<Millis> {
        let is_left = |reading: &Reading| reading.remaining.is_some_and(|remaining| remaining > 0);
        let mut own = self.readings().iter().filter(|reading| reading.model.as_ref() == Some(models));
        let is_reported = own.any(|reading| reading.observed >= sent && is_left(reading));
        let end = if is_reported { self.amended_end(limit, Some(models), sent, now) } else { None };
        end.filter(|end| *end <= now)
    }

    /// The candidate models of a limit; one entry without a name if no window is for a single model.
    fn subjects<'a>(&'a self, model: Option<&'a ModelSet>) -> Vec<Option<&'a ModelSet>> {
        if model.is_some() {
            return vec![model];
        }
        let mut models: Vec<_> = self.models().map(Some).collect();
        models.sort_unstable();
        models.dedup();
        if models.is_empty() { vec![None] } else { models }
    }

    fn quota_of(&self, model: Option<&ModelSet>, asked: Millis, now: Millis) -> ReportedQuota {
        let is_for = |own: &ModelSet| match model {
            Some(ModelSet::One(one)) => own.covers(one.as_str()),
            Some(ModelSet::Naming(_)) | None => Some(own) == model,
        };
        let applies =
            |reading: &&Reading| reading.at(now).is_some() && reading.model.as_ref().is_none_or(is_for);
        let live = || self.readings().iter().filter(applies);
        let is_answered = live().any(|reading| reading.observed >= asked);
        let remaining = |reading: &Reading| reading.at(now).and_then(|told| told.remaining);
        // Every live window must be reported, and at least one after the question.
        if !is_answered || live().any(|reading| remaining(reading).is_none()) {
            return ReportedQuota::Unclear;
        }
        // All exhausted windows must reset, so the latest reset counts; one unknown reset leaves it open.
        let spent: Vec<_> = live().filter(|reading| remaining(reading) == Some(0)).collect();
        let ends = |readings: &mut dyn Iterator<Item = &Reading>| {
            readings.map(|reading| reading.reset).try_fold(Millis::START, |last, end| Some(last.max(end?)))
        };
        if spent.is_empty() {
            return ReportedQuota::Left { longest: ends(&mut live()) };
        }
        ends(&mut spent.into_iter()).map_or(ReportedQuota::Unclear, |until| ReportedQuota::Spent { until })
    }
}

/// Returns whether a hint is too long for a window not reported by quota endpoints.
fn is_long(hint: LimitSeen, longest_window: Option<Millis>, now: Millis) -> bool {
    hint.until.since(now) > LONG || longest_window.is_some_and(|longest| longest < hint.until)
}

impl ReportedQuota {
    /// Joins the quotas of two models. If both are exhausted, the earlier end counts.
    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Left { longest: one }, Self::Left { longest: other }) => {
                Self::Left { longest: one.zip(other).map(|(one, other)| one.max(other)) }
            }
            (Self::Spent { until: one }, Self::Spent { until: other }) => {
                Self::Spent { until: one.min(other) }
            }
            (Self::Left { .. } | Self::Spent { .. } | Self::Unclear, _) => Self::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::backoff::Schedule;
    use crate::admission::cell::{CellPermit, CellState, Limit};
    use crate::ids::WindowId;

    const ASKED: Millis = Millis(160_000);
    const NOW: Millis = Millis(160_800);

    fn told(model: Option<&str>, remaining: u16, reset: u64) -> Reading {
        Reading {
            window: WindowId::new("requests"),
            model: model.map(ModelSet::read),
            remaining: Some(remaining),
            count: None,
            reset: Some(Millis(NOW.0 + reset)),
            observed: NOW,
        }
    }

    /// A guess of a minute.
    fn guess() -> LimitSeen {
        let (state, _) = CellState::default().settle_limit(
            CellPermit::default(),
            Limit::Estimated(Schedule::QUOTA),
            ASKED,
        );
        state.limit(ASKED).expect("a limit")
    }

    /// A hint of `millis` milliseconds from now.
    fn hint(millis: u64) -> LimitSeen {
        let limit = Limit::Reported { until: Millis(NOW.0 + millis) };
        CellState::default().learn(limit, ASKED).0.limit(ASKED).expect("a limit")
    }

    /// Checks the end of a limit, in milliseconds from now.
    fn check(limit: LimitSeen, model: Option<&str>, readings: &[Reading], expected: Option<u64>) {
        let mut windows = Windows::default();
        readings.iter().for_each(|reading| windows.join(reading.clone()));
        let end = windows
            .amended_end(limit, model.map(ModelSet::read).as_ref(), ASKED, NOW)
            .map(|end| end.since(NOW).as_millis());
        assert_eq!(end, expected.map(u128::from), "{limit:?} {readings:?}");
    }

    #[test]
    fn a_guess_gives_way_to_what_the_upstream_says() {
        check(guess(), None, &[told(None, 10, 900_000)], Some(0));
        check(guess(), None, &[told(None, 0, 900_000)], Some(900_000));
        check(guess(), None, &[told(None, 0, 5_000)], Some(5_000));
    }

    #[test]
    fn a_hint_is_over_when_it_is_long_or_longer_than_every_window() {
        check(hint(3_600_000), None, &[told(None, 10, 9_000_000)], Some(0));
        let mut proved = hint(3_600_000);
        proved.consecutive_trips = 2;
        check(proved, None, &[told(None, 10, 9_000_000)], None);
        check(hint(9_000), None, &[told(None, 10, 5_000)], Some(0));
        check(hint(3_000), None, &[told(None, 10, 5_000)], None);
        check(hint(9_000), None, &[told(None, 0, 5_000)], Some(5_000));
        check(hint(3_000), None, &[told(None, 0, 5_000)], None);
    }

    #[test]
    fn what_was_told_before_counts_for_nothing() {
        let before = Reading { observed: Millis(ASKED.0 - 1), ..told(None, 10, 900_000) };
        check(guess(), None, std::slice::from_ref(&before), None);
        check(
            guess(),
            None,
            &[Reading { remaining: Some(0), ..before }, told(Some("m"), 10, 5_000)],
            Some(900_000),
        );
        check(guess(), None, &[], None);
    }

    #[test]
    fn models_that_do_not_agree_decide_nothing() {
        let (some, none) = (told(Some("flash"), 10, 900_000), told(Some("pro"), 0, 5_000));
        check(guess(), None, &[some.clone(), none.clone()], None);
        check(guess(), Some("flash"), &[some.clone(), none.clone()], Some(0));
        check(guess(), Some("pro"), &[some, none.clone()], Some(5_000));
        check(guess(), None, &[told(Some("flash"), 0, 900_000), none], Some(5_000));
    }

    #[test]
    fn a_window_that_told_no_share_or_no_end_decides_nothing() {
        check(guess(), None, &[Reading { remaining: None, ..told(None, 0, 5_000) }], None);
        check(guess(), None, &[Reading { reset: None, ..told(None, 0, 5_000) }], None);
        check(guess(), None, &[Reading { reset: None, ..told(None, 1, 5_000) }], Some(0));
        check(hint(9_000), None, &[Reading { reset: None, ..told(None, 1, 5_000) }], None);
    }

    #[test]
    fn a_head_ends_the_limit_of_models_whose_own_window_has_some_left() {
        let opus = ModelSet::read("*opus*");
        let ended = |limit, readings: &[Reading]| {
            let mut windows = Windows::default();
            readings.iter().for_each(|reading| windows.join(reading.clone()));
            windows.ended_by_head(limit, &opus, ASKED, NOW).is_some()
        };
        let (left, spent) = (told(Some("*opus*"), 800, 9_000_000), told(Some("*opus*"), 0, 9_000_000));
        let all = told(None, 500, 5_000);
        assert!(ended(hint(3_600_000), &[left.clone(), all.clone()]));
        assert!(ended(guess(), std::slice::from_ref(&left)));
        // Windows of other models, of all models, used up or from before the limit end nothing.
        assert!(!ended(hint(3_600_000), std::slice::from_ref(&all)));
        assert!(!ended(hint(3_600_000), &[told(Some("*sonnet*"), 800, 9_000_000), all.clone()]));
        assert!(!ended(hint(3_600_000), &[spent, all.clone()]));
        assert!(!ended(hint(3_600_000), &[Reading { observed: Millis(ASKED.0 - 1), ..left.clone() }, all]));
        // Nothing is left of the windows of all models, so the models cannot be served either.
        assert!(!ended(hint(3_600_000), &[left, told(None, 0, 9_000_000)]));
    }
}
