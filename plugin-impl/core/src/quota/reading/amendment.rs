//! What a quota endpoint's answer changes of a limit.

use std::time::Duration;

use super::{Reading, Windows};
use crate::admission::cell::LimitSeen;
use crate::quota::model_set::ModelSet;
use crate::time::Millis;

/// Longer than any limit of a rate.
const LONG: Duration = Duration::from_secs(10 * 60);

/// What is known of the windows of one model.
enum Quota {
    /// There is some in every window; the last of them ends then, where each told its end.
    Left { longest: Option<Millis> },
    /// There is none until then.
    Spent { until: Millis },
    /// Nothing that decides.
    Unclear,
}

impl Windows {
    /// Returns where a limit ends by what was told since `asked`, the instant at which `limit` was seen; or
    /// nothing where it stays as it is. `model` tells the models that the limit is of, as the pool names them.
    ///
    /// A guess gives way to what the upstream says. A hint is cut to the window that is used up; where none is,
    /// it is over if it is longer than every window there is, or long at all: shorter limits are of windows that
    /// quota endpoints do not tell of. A hint is doubted once: where the next attempt is refused, it was right.
    /// Where a pool has models with windows of their own and they do not agree, nobody knows which of them the
    /// limit is of.
    pub fn amended_end(
        &self,
        limit: LimitSeen,
        model: Option<&ModelSet>,
        asked: Millis,
        now: Millis,
    ) -> Option<Millis> {
        let quotas = self.subjects(model).into_iter().map(|model| self.quota_of(model, asked, now));
        let all = quotas.reduce(Quota::joined)?;
        let end = match all {
            Quota::Unclear => return None,
            Quota::Spent { until } => until,
            Quota::Left { .. } if !limit.known => now,
            Quota::Left { longest } if limit.streak < 2 && is_long(limit, longest, now) => now,
            Quota::Left { .. } => return None,
        };
        (!limit.known || end < limit.until).then_some(end)
    }

    /// The models that a limit may be of; one without a name where no window is of a single model.
    fn subjects<'a>(&'a self, model: Option<&'a ModelSet>) -> Vec<Option<&'a ModelSet>> {
        if model.is_some() {
            return vec![model];
        }
        let mut models: Vec<_> = self.models().map(Some).collect();
        models.sort_unstable();
        models.dedup();
        if models.is_empty() { vec![None] } else { models }
    }

    fn quota_of(&self, model: Option<&ModelSet>, asked: Millis, now: Millis) -> Quota {
        let is_for = |own: &ModelSet| match model {
            Some(ModelSet::One(one)) => own.covers(one.as_str()),
            Some(ModelSet::Naming(_)) | None => Some(own) == model,
        };
        let applies =
            |reading: &&Reading| reading.at(now).is_some() && reading.model.as_ref().is_none_or(is_for);
        let live = || self.readings().iter().filter(applies);
        let is_answered = live().any(|reading| reading.observed >= asked);
        let remaining = |reading: &Reading| reading.at(now).and_then(|told| told.remaining);
        if !is_answered || live().any(|reading| remaining(reading).is_none()) {
            return Quota::Unclear;
        }
        let spent: Vec<_> = live().filter(|reading| remaining(reading) == Some(0)).collect();
        let ends = |readings: &mut dyn Iterator<Item = &Reading>| {
            readings.map(|reading| reading.reset).try_fold(Millis::START, |last, end| Some(last.max(end?)))
        };
        if spent.is_empty() {
            return Quota::Left { longest: ends(&mut live()) };
        }
        ends(&mut spent.into_iter()).map_or(Quota::Unclear, |until| Quota::Spent { until })
    }
}

/// Says whether a hint cannot be of a window that quota endpoints do not tell of.
fn is_long(hint: LimitSeen, longest_window: Option<Millis>, now: Millis) -> bool {
    hint.until.since(now) > LONG || longest_window.is_some_and(|longest| longest < hint.until)
}

impl Quota {
    /// Joins what is known of two models. When each has nothing, the first that has some again counts.
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
    use crate::admission::cell::{CellState, Limit, Stamp};
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
        let (state, _) =
            CellState::default().settle_limit(Stamp::default(), Limit::Guessed(Schedule::QUOTA), ASKED);
        state.limit(ASKED).expect("a limit")
    }

    /// A hint of so many milliseconds after now.
    fn hint(millis: u64) -> LimitSeen {
        let limit = Limit::Known { until: Millis(NOW.0 + millis) };
        CellState::default().learn(limit, ASKED).0.limit(ASKED).expect("a limit")
    }

    /// Checks where a limit ends, in milliseconds after now.
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
        proved.streak = 2;
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
}
