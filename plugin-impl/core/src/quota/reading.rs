//! Readings: what an upstream reported of a window of a pool.
//!
//! A pool can have several windows at once, such as five hours and seven days, each with its own reset. A
//! reading tells of one of them; [`Windows`] joins what was told of all, and the tightest that is live makes the
//! [`Outlook`]. Readings never admit: a limit is in the cell. They tell plans what is left, and correct what a
//! hint said of the end of a limit.
//!
//! `headers` reads them from the head of an answer, whoever wrote it, and `quota` from the answer of a quota
//! endpoint. What the latter changes of a limit is in `amendment`.

mod amendment;
mod headers;
mod quota;
mod windows;

use crate::ids::WindowId;
use crate::quota::model_set::ModelSet;
use crate::quota::outlook::{FRESH, Outlook, WHOLE};
use crate::response::outcome::Hint;
use crate::time::Millis;

pub use self::headers::in_headers;
pub(crate) use self::headers::window_of_claim;
pub use self::quota::in_quota_answer;
pub use self::windows::{MAX_WINDOWS, Windows};

/// What an upstream reported of one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub window: WindowId,
    /// The models that the window is for, as the pool names them; none where it is for all.
    pub model: Option<ModelSet>,
    /// What is left, in thousandths; none where only the reset was told.
    pub remaining: Option<u16>,
    /// The same as a count, where it was told as one.
    pub count: Option<Count>,
    /// When the window is whole again.
    pub reset: Option<Millis>,
    /// When the report arrived.
    pub observed: Millis,
}

/// How many of how many are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    pub remaining: u64,
    pub limit: u64,
}

impl Count {
    /// Returns the share in thousandths. What is left at all is never told as nothing.
    fn share(self) -> u16 {
        let Self { remaining, limit } = self;
        if remaining == 0 {
            return 0;
        }
        let share = u128::from(remaining) * u128::from(WHOLE) / u128::from(limit.max(1));
        (share.min(WHOLE.into()) as u16).max(1)
    }
}

/// Returns a fraction in thousandths, where it is a number. What is left at all is never told as nothing.
fn share_of(remaining: f64) -> Option<u16> {
    if !remaining.is_finite() {
        return None;
    }
    if remaining <= 0.0 {
        return Some(0);
    }
    Some(((remaining.min(1.0) * f64::from(WHOLE)).round() as u16).max(1))
}

/// Returns the models that a window is of by its name: `7d_opus` is of those that are called so.
fn models_of(window: &str) -> Option<ModelSet> {
    let (_, name) = window.split_once('_')?;
    Some(ModelSet::Naming(name.to_lowercase().into()))
}

impl Reading {
    /// Returns what it says at `now`, or nothing where it is stale. After its reset a window is whole again.
    pub fn at(&self, now: Millis) -> Option<Outlook> {
        if now >= self.observed.after(FRESH) {
            return None;
        }
        if self.reset.is_some_and(|reset| reset <= now) {
            return Some(Outlook { remaining: Some(WHOLE), reset: None });
        }
        Some(Outlook { remaining: self.remaining, reset: self.reset })
    }

    fn is_for(&self, model: &str) -> bool {
        self.model.as_ref().is_none_or(|own| own.covers(model))
    }
}

/// Corrects the end that an upstream told of a limit: when its own readings name the window that is used up,
/// the limit lasts no longer than that window.
///
/// `spent_until` is the end of what is used up; see [`Windows::spent_until`].
pub fn capped(hint: Hint, spent_until: Option<Millis>) -> Hint {
    match (hint, spent_until) {
        (Hint::Until { until, source }, Some(end)) if end < until => Hint::Until { until: end, source },
        (Hint::Until { .. } | Hint::Doubted { .. } | Hint::Unknown, _) => hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::outcome::HintSource;

    #[test]
    fn a_share_is_nothing_only_when_nothing_is_left() {
        let share = |remaining, limit| Count { remaining, limit }.share();
        assert_eq!((share(0, 50), share(1, 50), share(25, 50), share(50, 50)), (0, 20, 500, 1_000));
        assert_eq!((share(1, 1_000_000), share(7, 0), share(u64::MAX, 1)), (1, 1_000, 1_000));
        assert_eq!((share_of(0.42), share_of(0.000_01), share_of(0.0)), (Some(420), Some(1), Some(0)));
        assert_eq!((share_of(-0.3), share_of(1.7), share_of(f64::NAN)), (Some(0), Some(1_000), None));
    }

    fn told(until: Option<u64>) -> Hint {
        let source = HintSource::RetryInfo;
        until.map_or(Hint::Unknown, |until| Hint::Until { until: Millis(until), source })
    }

    #[test]
    fn a_hint_is_made_shorter_and_never_longer() {
        for (hint, spent, result) in [
            (Some(9_000), Some(5_000), Some(5_000)),
            (Some(5_000), Some(9_000), Some(5_000)),
            (Some(9_000), None, Some(9_000)),
            (None, Some(5_000), None),
        ] {
            assert_eq!(capped(told(hint), spent.map(Millis)), told(result), "{hint:?} {spent:?}");
        }
    }
}
