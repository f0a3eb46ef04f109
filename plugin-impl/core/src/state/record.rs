//! Records: one of every kind.

use std::time::Duration;

use crate::time::UnixMillis;

use super::account::AccountRecord;
use super::key::{Key, Kind};
use super::stamped::{
    self, Cooldown, LearnedAllowance, Owner, SavedReading, Stamped, StickyAccount, StoredLimit,
};
use super::usage::Usage;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A record of shared state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Account(AccountRecord),
    Limit(Stamped<StoredLimit>),
    Cooldown(Stamped<Cooldown>),
    Reading(Stamped<SavedReading>),
    Learned(Stamped<LearnedAllowance>),
    Sticky(Stamped<StickyAccount>),
    Owner(Stamped<Owner>),
    Usage(Usage),
}

impl Record {
    /// Reads a form, or returns `None` for a form without a required member.
    pub fn read(kind: Kind, form: &str) -> Option<Self> {
        Some(match kind {
            Kind::Account => Self::Account(AccountRecord::read(form)?),
            Kind::Limit => Self::Limit(stamped::read(form)?),
            Kind::Cooldown => Self::Cooldown(stamped::read(form)?),
            Kind::Reading => Self::Reading(stamped::read(form)?),
            Kind::Learned => Self::Learned(stamped::read(form)?),
            Kind::Sticky => Self::Sticky(stamped::read(form)?),
            Kind::Owner => Self::Owner(stamped::read(form)?),
            Kind::Usage => Self::Usage(Usage::read(form)?),
        })
    }

    /// Returns the form.
    pub fn write(&self) -> String {
        match self {
            Self::Account(record) => record.write(),
            Self::Limit(record) => stamped::write(record),
            Self::Cooldown(record) => stamped::write(record),
            Self::Reading(record) => stamped::write(record),
            Self::Learned(record) => stamped::write(record),
            Self::Sticky(record) => stamped::write(record),
            Self::Owner(record) => stamped::write(record),
            Self::Usage(record) => record.write(),
        }
    }

    /// Joins two records of one key. Records of different kinds never share a key; the first stays.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Account(one), Self::Account(other)) => Self::Account(one.joined(other)),
            (Self::Limit(one), Self::Limit(other)) => Self::Limit(one.max(other)),
            (Self::Cooldown(one), Self::Cooldown(other)) => Self::Cooldown(one.max(other)),
            (Self::Reading(one), Self::Reading(other)) => Self::Reading(one.max(other)),
            (Self::Learned(one), Self::Learned(other)) => Self::Learned(one.max(other)),
            (Self::Sticky(one), Self::Sticky(other)) => Self::Sticky(one.max(other)),
            (Self::Owner(one), Self::Owner(other)) => Self::Owner(one.max(other)),
            (Self::Usage(one), Self::Usage(other)) => Self::Usage(one.joined(other)),
            (one, _) => one,
        }
    }

    /// Returns the end of the record's use, by age; orders on accounts are kept for ever.
    pub fn stale_at(&self, key: &Key) -> Option<UnixMillis> {
        let after = |at: UnixMillis, days: u32| {
            let span = DAY.saturating_mul(days).as_millis();
            Some(UnixMillis(at.0.saturating_add(span.try_into().unwrap_or(u64::MAX))))
        };
        match self {
            Self::Account(_) => None,
            Self::Limit(limit) => after(limit.fact.until.max(limit.at), 1),
            Self::Cooldown(cooldown) => after(cooldown.fact.until.max(cooldown.at), 1),
            Self::Reading(reading) => after(reading.at, 8),
            Self::Learned(learned) => after(learned.at, 60),
            Self::Sticky(sticky) => after(sticky.at, 1),
            Self::Owner(owner) => after(owner.at, 30),
            Self::Usage(_) => after(hour_of(key), 90),
        }
    }
}

/// Returns the hour of a usage record: its first name, in seconds of the epoch.
fn hour_of(key: &Key) -> UnixMillis {
    let seconds: u64 = key.name(0).and_then(|hour| hour.parse().ok()).unwrap_or(0);
    UnixMillis(seconds.saturating_mul(1_000))
}
