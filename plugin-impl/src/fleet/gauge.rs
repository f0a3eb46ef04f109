//! Gauges: the known remaining quota of a pool of an account.
//!
//! Plans ask each gauge, so a plan's share is a single word, read without a lock. The windows behind the
//! word are merged under a short lock, and the word is stored before the unlock, so the final word always
//! belongs to the final windows. No admission and no cell depends on a gauge.

use pointsman_core::ids::ModelId;
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::quota::outlook::{Outlook, OutlookWord};
use pointsman_core::quota::reading::{Reading, Windows};
use pointsman_core::request::catalog::Pool;
use pointsman_core::time::Millis;
use smallvec::SmallVec;

use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering, RwLock, unpoisoned};

/// The known remaining quota of a pool of an account.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// An [`OutlookWord`] of the windows for every model.
    word: AtomicU64,
    /// Whether any model has windows of its own.
    any_model: AtomicBool,
    /// The words of models counted apart, by the callers' names of the models.
    by_model: RwLock<Vec<(ModelSet, OutlookWord)>>,
    windows: Mutex<Windows>,
}

impl Gauge {
    /// Returns the outlook for `model`: an atomic load, and a map look-up if any model has own windows.
    #[inline]
    pub(super) fn outlook(&self, model: &ModelId, now: Millis) -> OutlookWord {
        let for_all = self.for_all();
        self.own(model).into_iter().fold(for_all, |tightest, own| tightest.tighter(own, now))
    }

    /// Returns the last binding reading of a model, or of the windows for every model, until the window
    /// resets; see [`OutlookWord::binding`].
    pub(super) fn binding(&self, model: Option<&ModelId>, now: Millis) -> Outlook {
        let for_all = self.for_all().binding(now);
        let own = model.map(|model| self.own(model)).unwrap_or_default();
        own.into_iter().fold(for_all, |tightest, own| tightest.tighter(own.binding(now)))
    }

    #[inline]
    fn for_all(&self) -> OutlookWord {
        OutlookWord(self.word.load(Ordering::Acquire))
    }

    #[inline]
    fn own(&self, model: &ModelId) -> SmallVec<[OutlookWord; 2]> {
        if !self.any_model.load(Ordering::Acquire) {
            return SmallVec::new();
        }
        let by_model = unpoisoned(self.by_model.read());
        by_model.iter().filter(|(models, _)| models.covers(model.as_str())).map(|(_, word)| *word).collect()
    }

    /// Takes readings in. `pool` maps the upstream's model names to the callers' names.
    pub(super) fn take_in(&self, readings: Vec<Reading>, pool: &Pool, now: Millis) {
        if readings.is_empty() {
            return;
        }
        let mut windows = unpoisoned(self.windows.lock());
        readings.into_iter().for_each(|reading| windows.join(reading));
        self.word.store(windows.word(None, now).0, Ordering::Release);
        if windows.models().next().is_some() {
            *unpoisoned(self.by_model.write()) = words(&windows, pool, now);
            self.any_model.store(true, Ordering::Release);
        }
    }

    /// Returns the known windows.
    pub(super) fn windows(&self) -> Windows {
        unpoisoned(self.windows.lock()).clone()
    }
}

fn words(windows: &Windows, pool: &Pool, now: Millis) -> Vec<(ModelSet, OutlookWord)> {
    let mut words: Vec<(ModelSet, OutlookWord)> = Vec::new();
    for models in windows.models() {
        if words.iter().any(|(known, _)| known == models) {
            continue;
        }
        let word = windows.word(Some(models), now);
        let is_alias = |(asked, named): &(&String, &String)| models.covers(named) && !models.covers(asked);
        let aliases = pool.models.iter().filter(is_alias);
        words.extend(aliases.map(|(asked, _)| (ModelSet::One(ModelId::new(asked)), word)));
        words.push((models.clone(), word));
    }
    words
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::formats::Envelope;
    use pointsman_core::ids::{PoolId, WindowId};
    use pointsman_core::request::catalog::{Endpoint, MAX_IN_FLIGHT, Scope};

    use super::*;

    const NOW: Millis = Millis(160_000);

    fn pool() -> Pool {
        Pool {
            name: PoolId::new("gemini-cli"),
            title: "Gemini CLI".into(),
            endpoints: vec![Endpoint("http://upstream.example".into())],
            envelope: Envelope::None,
            models: [("flash".to_owned(), "flash-preview".to_owned())].into(),
            scope: Scope::Pool,
            max_in_flight: MAX_IN_FLIGHT,
        }
    }

    fn reading(model: Option<&str>, remaining: u16) -> Reading {
        Reading {
            window: WindowId::new("requests"),
            model: model.map(ModelSet::read),
            remaining: Some(remaining),
            count: None,
            reset: None,
            observed: NOW,
        }
    }

    fn remaining(gauge: &Gauge, model: &str) -> Option<u16> {
        gauge.outlook(&ModelId::new(model), NOW).at(NOW).remaining
    }

    #[test]
    fn a_model_is_known_by_both_its_names() {
        let gauge = Gauge::default();
        assert_eq!(remaining(&gauge, "flash"), None);
        gauge.take_in(vec![reading(Some("flash-preview"), 120), reading(None, 600)], &pool(), NOW);
        assert_eq!((remaining(&gauge, "flash"), remaining(&gauge, "flash-preview")), (Some(120), Some(120)));
        assert_eq!(remaining(&gauge, "pro"), Some(600));
        assert_eq!(gauge.windows().readings().len(), 2);
    }

    #[test]
    fn a_later_reading_replaces_an_earlier_one() {
        let gauge = Gauge::default();
        let later = Reading { observed: Millis(NOW.0 + 1_000), ..reading(None, 900) };
        gauge.take_in(vec![later.clone()], &pool(), NOW);
        gauge.take_in(vec![reading(None, 100)], &pool(), NOW);
        assert_eq!((remaining(&gauge, "m"), gauge.windows().readings()), (Some(900), &[later][..]));
    }
}
