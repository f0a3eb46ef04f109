//! The known windows of one pool.

use std::cmp::Reverse;

use super::Reading;
use crate::quota::model_set::ModelSet;
use crate::quota::outlook::{Outlook, OutlookWord, WHOLE};
use crate::time::Millis;

/// The most windows kept for a pool: some for the account, and one for each of its models.
pub const MAX_WINDOWS: usize = 64;

/// Readings of one pool, one for each window.
///
/// Joining is commutative and idempotent: the later of two readings of a window counts, in any order and
/// number of arrivals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    /// Sorted by window and model.
    readings: Vec<Reading>,
}

impl Windows {
    /// Takes a reading in. A full set drops the window with the oldest report.
    pub fn join(&mut self, reading: Reading) {
        let place = |known: &Reading| (&known.window, &known.model).cmp(&(&reading.window, &reading.model));
        match self.readings.binary_search_by(place) {
            Ok(known) if later(&self.readings[known], &reading) => {}
            Ok(known) => self.readings[known] = reading,
            Err(place) => self.readings.insert(place, reading),
        }
        if self.readings.len() > MAX_WINDOWS {
            let oldest = (0..self.readings.len()).min_by_key(|at| self.readings[*at].observed);
            self.readings.remove(oldest.unwrap_or(0));
        }
    }

    /// Returns the readings, sorted by window and model.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// Returns the models with windows of their own.
    pub fn models(&self) -> impl Iterator<Item = &ModelSet> {
        self.readings.iter().filter_map(|reading| reading.model.as_ref())
    }

    /// Packs the known windows of every model (none), or of `model` only.
    pub fn word(&self, model: Option<&ModelSet>, now: Millis) -> OutlookWord {
        let own = |reading: &&Reading| reading.model.as_ref() == model;
        let live =
            || self.readings.iter().filter(own).filter_map(|reading| Some((reading, reading.at(now)?)));
        let told = || live().filter_map(|(reading, outlook)| Some((outlook.remaining?, reading, outlook)));
        let tightness =
            |(remaining, _, outlook): &(u16, &Reading, Outlook)| (*remaining, Reverse(outlook.reset));
        let Some((_, tightest, outlook)) = told().min_by_key(tightness) else {
            return OutlookWord::default();
        };
        let after = outlook.reset.unwrap_or(now);
        let others = told().filter(|(_, reading, _)| !std::ptr::eq(*reading, tightest));
        let others =
            others.filter_map(|(_, reading, _)| reading.at(after).or(reading.at(now))?.remaining).min();
        OutlookWord::pack(outlook, others.unwrap_or(WHOLE), tightest.observed)
    }

    /// Returns the instant until which `model` has nothing left, if live readings name the exhausted window
    /// and its end.
    pub fn spent_until(&self, model: &str, now: Millis) -> Option<Millis> {
        let applying = self.readings.iter().filter(|reading| reading.is_for(model));
        let spent = applying.filter_map(|reading| reading.at(now)).filter(|told| told.remaining == Some(0));
        // Of one without an end nobody knows whether it is the shorter.
        spent.map(|told| told.reset).try_fold(None, |latest, reset| Some(latest.max(Some(reset?)))).flatten()
    }
}

/// Returns whether `known` is newer than `other`. At equal instants the tighter counts.
fn later(known: &Reading, other: &Reading) -> bool {
    let key =
        |reading: &Reading| (reading.observed, Reverse(reading.remaining), reading.count, reading.reset);
    key(known) > key(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::WindowId;

    const NOW: Millis = Millis(160_000);

    /// A reading at [`NOW`]: window, model, thousandths, milliseconds until the reset.
    fn reading(window: &str, model: Option<&str>, remaining: u16, reset: Option<u64>) -> Reading {
        Reading {
            window: WindowId::new(window),
            model: model.map(ModelSet::read),
            remaining: Some(remaining),
            count: None,
            reset: reset.map(|millis| Millis(NOW.0 + millis)),
            observed: NOW,
        }
    }

    fn windows(readings: impl IntoIterator<Item = Reading>) -> Windows {
        let mut windows = Windows::default();
        readings.into_iter().for_each(|reading| windows.join(reading));
        windows
    }

    fn of_account(readings: impl IntoIterator<Item = Reading>, after: u64) -> (Option<u16>, Option<u64>) {
        let outlook = windows(readings).word(None, NOW).at(Millis(NOW.0 + after));
        (outlook.remaining, outlook.reset.map(|reset| reset.0 - NOW.0))
    }

    #[test]
    fn the_tightest_window_is_the_outlook() {
        let both = || [reading("5h", None, 300, Some(60_000)), reading("7d", None, 700, Some(600_000))];
        assert_eq!(of_account(both(), 0), (Some(300), Some(60_000)));
        assert_eq!(of_account(both(), 60_000), (Some(700), None));
        assert_eq!(of_account(both(), 300_000), (None, None));
        assert_eq!(of_account([], 0), (None, None));
    }

    #[test]
    fn a_window_that_resets_before_the_tightest_is_whole_then() {
        let both = [reading("1m", None, 300, Some(10_000)), reading("5h", None, 200, Some(60_000))];
        assert_eq!(of_account(both, 60_000), (Some(1_000), None));
    }

    #[test]
    fn a_window_without_a_share_says_nothing_of_what_is_left() {
        let untold = Reading { remaining: None, ..reading("7d", None, 0, Some(600_000)) };
        assert_eq!(of_account([untold.clone()], 0), (None, None));
        assert_eq!(of_account([untold, reading("5h", None, 300, None)], 0), (Some(300), None));
    }

    #[test]
    fn models_have_windows_of_their_own() {
        let both =
            windows([reading("requests", None, 900, None), reading("requests", Some("pro"), 10, None)]);
        let remaining =
            |model: Option<&str>| both.word(model.map(ModelSet::read).as_ref(), NOW).at(NOW).remaining;
        assert_eq!(
            (remaining(None), remaining(Some("pro")), remaining(Some("flash"))),
            (Some(900), Some(10), None)
        );
    }

    /// Checks the end of an exhausted `m`, in milliseconds from now.
    fn check_spent(readings: &[Reading], expected: Option<u64>) {
        let spent = windows(readings.iter().cloned()).spent_until("m", NOW);
        assert_eq!(spent.map(|until| until.0 - NOW.0), expected, "{readings:?}");
    }

    #[test]
    fn what_is_used_up_ends_with_its_latest_window() {
        let (week, day) = (reading("7d", None, 0, Some(9_000)), reading("1d", None, 0, Some(5_000)));
        check_spent(&[week, day.clone()], Some(9_000));
        check_spent(&[day.clone(), reading("7d", None, 1, Some(9_000))], Some(5_000));
        check_spent(&[day.clone(), reading("requests", None, 0, None)], None);
        check_spent(&[day.clone(), reading("requests", Some("other"), 0, None)], Some(5_000));
        check_spent(&[reading("7d", None, 1, Some(9_000))], None);
        check_spent(
            &[Reading { observed: Millis(0), reset: Some(Millis(u64::MAX)), ..day }],
            Some(u64::MAX - NOW.0),
        );
        check_spent(&[], None);
    }

    #[test]
    fn windows_are_bounded_and_the_oldest_goes() {
        let many = (0..200_u64).map(|at| Reading {
            observed: Millis(at),
            ..reading("requests", Some(&at.to_string()), 1, None)
        });
        let kept = windows(many);
        assert_eq!(kept.readings().len(), MAX_WINDOWS);
        assert!(kept.readings().iter().all(|reading| reading.observed >= Millis(200 - MAX_WINDOWS as u64)));
    }

    proptest! {
        #[test]
        fn order_and_duplicates_do_not_matter(
            told in prop::collection::vec((0..4_u8, 0..2_u8, 0..3_u16, 0..3_u64, 0..3_u64), 0..12), turn: usize,
        ) {
            let read = |(window, model, remaining, reset, observed): (u8, u8, u16, u64, u64)| Reading {
                observed: Millis(observed),
                ..reading(&window.to_string(), (model > 0).then_some("m"), remaining, Some(reset))
            };
            let readings: Vec<_> = told.into_iter().map(read).collect();
            let mut turned = readings.clone();
            turned.rotate_left(turn % readings.len().max(1));
            turned.extend(readings.iter().rev().cloned());
            prop_assert_eq!(windows(turned), windows(readings));
        }
    }
}
