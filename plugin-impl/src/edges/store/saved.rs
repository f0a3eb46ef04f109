//! What the store knows of an account, in the terms of the fleet.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use pointsman_core::admission::cell::Limit;
use pointsman_core::ids::{AccountId, PoolId, WindowId};
use pointsman_core::quota::model_set::ModelSet;
use pointsman_core::quota::outlook::FRESH;
use pointsman_core::quota::reading::{Count, Reading};
use pointsman_core::state::{Key, Kind, Ledger, Record, SavedReading, Stamped, StoredLimit};
use pointsman_core::time::{Now, UnixMillis};

/// A limit in the store. The latest report wins, since a later report may shorten a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedLimit {
    pub heard: UnixMillis,
    /// Whether the upstream reported the limit; otherwise an estimate.
    pub known: bool,
    pub until: UnixMillis,
}

/// The known facts of an account.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    pub limits: BTreeMap<(PoolId, Option<ModelSet>), SavedLimit>,
}

impl SavedLimit {
    /// Converts the limit for a cell. An estimate stays an estimate.
    pub fn limit(self, now: Now) -> Limit {
        let until = now.mono_of(self.until);
        if self.known { Limit::Reported { until } } else { Limit::Predicted { until } }
    }

    pub(super) fn fact(self) -> StoredLimit {
        StoredLimit { known: self.known, until: self.until }
    }
}

impl Saved {
    pub(super) fn of(ledger: &Ledger, account: &AccountId) -> Self {
        let reset = match ledger.get(&Key::of(Kind::Account, account, &[])) {
            Some(Record::Account(orders)) => orders.reset,
            Some(_) | None => UnixMillis(0),
        };
        let records = ledger.of_account(Kind::Limit, account.as_str());
        let limits = records.filter_map(|(key, record)| {
            let (_, pool, models, limit) = limit_of(key, record)?;
            // What was heard before the operator's reset is forgotten.
            (limit.heard > reset).then_some(((pool, models), limit))
        });
        Self { limits: limits.collect() }
    }
}

/// Returns the record of a reading.
pub fn reading_record((account, pool): (&AccountId, &PoolId), reading: &Reading, now: Now) -> (Key, Record) {
    let model = reading.model.as_ref().map(ToString::to_string).unwrap_or_default();
    let key = Key::of(Kind::Reading, account, &[pool.as_str(), reading.window.as_str(), &model]);
    let fact = SavedReading {
        remaining: Reverse(reading.remaining),
        count: reading.count.map(|count| (count.remaining, count.limit)),
        reset: reading.reset.map(|reset| now.wall_of(reset)),
    };
    (key, Record::Reading(Stamped::new(now.wall_of(reading.observed), fact)))
}

/// Reads a record of a reading. A window that was reset since says nothing.
pub fn reading_of(
    key: &Key,
    record: &Stamped<SavedReading>,
    now: Now,
) -> Option<(AccountId, PoolId, Reading)> {
    let SavedReading { remaining, count, reset } = record.fact;
    let is_over = |reset: UnixMillis| reset <= now.wall;
    let is_old = now.wall.0.saturating_sub(record.at.0) >= FRESH.as_millis().try_into().unwrap_or(u64::MAX);
    if reset.map_or(is_old, is_over) {
        return None;
    }
    let reading = Reading {
        window: WindowId::new(key.name(2)?),
        model: key.name(3).map(ModelSet::read),
        remaining: remaining.0,
        count: count.map(|(remaining, limit)| Count { remaining, limit }),
        reset: reset.map(|reset| now.mono_of(reset)),
        observed: now.past_of(record.at),
    };
    Some((AccountId::new(key.name(0)?), PoolId::new(key.name(1)?), reading))
}

/// Returns the key of a limit.
pub fn limit_key(account: &AccountId, pool: &PoolId, models: Option<&ModelSet>) -> Key {
    let models = models.map(ToString::to_string).unwrap_or_default();
    Key::of(Kind::Limit, account, &[pool.as_str(), &models])
}

/// Reads a record of a limit.
pub fn limit_of(key: &Key, record: &Record) -> Option<(AccountId, PoolId, Option<ModelSet>, SavedLimit)> {
    let Record::Limit(limit) = record else { return None };
    let saved = SavedLimit { heard: limit.at, known: limit.fact.known, until: limit.fact.until };
    let (account, pool) = (AccountId::new(key.name(0)?), PoolId::new(key.name(1)?));
    Some((account, pool, key.name(2).map(ModelSet::read), saved))
}
