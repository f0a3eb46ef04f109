//! Quota polls: asking for the remaining quota of a pool of an account, a single poll at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pointsman_core::admission::cell::LimitSeen;
use pointsman_core::ids::ModelId;
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::quota::reading::Reading;
use pointsman_core::request::catalog::Pool;
use pointsman_core::time::Millis;

use super::account::Account;

/// The most failures to lengthen the pause: 64 times the usual pause.
const MAX_FAILURES: u32 = 6;

/// A limit moved by an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The callers' names of the limited models; `None` for the pool.
    pub models: Option<ModelSet>,
    pub end: Millis,
}

/// The right to poll. During a poll, no second poll of the pool starts; the drop sets the time of the next
/// poll.
#[derive(Debug)]
pub struct Inquiry {
    account: Arc<Account>,
    pool: usize,
    /// The limits in force at the poll's start, with the callers' names of the models. An answer says
    /// nothing about a limit begun later.
    seen: Vec<(Option<ModelSet>, LimitSeen)>,
    asked: Millis,
    pause: Duration,
}

impl Inquiry {
    /// Starts a poll of a pool, unless a poll is in progress or not yet due.
    pub fn begin(account: &Arc<Account>, pool: usize, pause: Duration, now: Millis) -> Option<Self> {
        if !account.pools[pool].timetable.take(now) {
            return None;
        }
        let seen = account.pools[pool].generating().limits(now);
        Some(Self { account: account.clone(), pool, seen, asked: now, pause })
    }

    /// Returns the account.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Takes the answer in, and returns the moved limits. `described` is the pool's configuration.
    pub fn answered(self, readings: Vec<Reading>, described: &Pool, now: Millis) -> Vec<Moved> {
        let slot = &self.account.pools[self.pool];
        slot.failures.store(0, Ordering::Relaxed);
        slot.gauge.take_in(readings, described, now);
        let windows = slot.gauge.windows();
        let mut moved = Vec::new();
        // Only limits older than the question: the answer may not know of a later 429 yet.
        for (models, limit) in &self.seen {
            let named = models.as_ref().map(|models| as_named(models, described));
            let end = windows.amended_end(*limit, named.as_ref(), self.asked, now);
            let Some(end) = end else { continue };
            // Compare and move: a limit replaced meanwhile stays.
            if slot.generating().amend(models.as_ref(), *limit, end, now) {
                moved.push(Moved { models: models.clone(), end });
            }
        }
        if !moved.is_empty() {
            self.account.notifier.notify();
        }
        moved
    }

    /// Records a poll without an answer. The pause doubles.
    pub fn failed(mut self) {
        let failures = &self.account.pools[self.pool].failures;
        let in_a_row = failures.load(Ordering::Relaxed).saturating_add(1).min(MAX_FAILURES);
        failures.store(in_a_row, Ordering::Relaxed);
        self.pause = self.pause.saturating_mul(1 << in_a_row);
    }
}

/// Returns models as the pool names them.
pub(super) fn as_named(models: &ModelSet, described: &Pool) -> ModelSet {
    match models {
        ModelSet::One(model) => ModelSet::One(ModelId::new(described.model(model.as_str()))),
        ModelSet::Naming(_) => models.clone(),
    }
}

impl Drop for Inquiry {
    fn drop(&mut self) {
        self.account.pools[self.pool].timetable.give_back(self.asked.after(self.pause));
    }
}
