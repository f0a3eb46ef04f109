//! Readings: an upstream's report on one window of a pool.
//!
//! A pool can have several windows at once, such as five hours and seven days, each with its own reset. A
//! reading is about a single window; [`Windows`] joins the readings of a pool, and the tightest live window
//! makes the [`Outlook`]. Readings never admit: a limit is in the cell. They give plans the remaining
//! quota, and correct a hint about the end of a limit.
//!
//! `headers` reads them from the head of any provider's answer, and `quota` from the answer of a quota
//! endpoint. `amendment` holds the effect of a quota endpoint's answer on a limit.

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

/// An upstream's report on one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub window: WindowId,
    /// The models of the window, as the pool names them; none if the window covers every model.
    pub model: Option<ModelSet>,
    /// The remaining share, in thousandths; none if only the reset was reported.
    pub remaining: Option<u16>,
    /// The remaining count, if reported as a count.
    pub count: Option<Count>,
    /// The instant of the window's reset to full.
    pub reset: Option<Millis>,
    /// The arrival of the report.
    pub observed: Millis,
}

/// The remaining count out of a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    pub remaining: u64,
    pub limit: u64,
}

impl Count {
    /// Returns the share in thousandths. A non-empty remainder never rounds to zero.
    fn share(self) -> u16 {
        let Self { remaining, limit } = self;
        if remaining == 0 {
            return 0;
        }
        // In thousandths; 128 bits, since counts times 1,000 may exceed 64.
        let share = u128::from(remaining) * u128::from(WHOLE) / u128::from(limit.max(1));
        (share.min(WHOLE.into()) as u16).max(1)
    }
}

/// Returns a fraction in thousandths, if it is a number. A non-empty remainder never rounds to zero.
fn share_of(remaining: f64) -> Option<u16> {
    if !remaining.is_finite() {
        return None;
    }
    if remaining <= 0.0 {
        return Some(0);
    }
    Some(((remaining.min(1.0) * f64::from(WHOLE)).round() as u16).max(1))
}

/// Returns the models of a window by the window's name: `7d_opus` covers the models called `opus`.
fn models_of(window: &str) -> Option<ModelSet> {
    let (_, name) = window.split_once('_')?;
    Some(ModelSet::Naming(name.to_lowercase().into()))
}

impl Reading {
    /// Returns the outlook at `now`, or none if the reading is stale. After its reset a window is whole
    /// again.
    pub fn at(&self, now: Millis) -> Option<Outlook> {
        // An old report says nothing about requests sent elsewhere since.
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

/// Caps the reported end of a limit: if the upstream's own readings name the exhausted window, the limit
/// lasts no longer than the window.
///
/// `spent_until` is the end of the exhausted window; see [`Windows::spent_until`].
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
