//! The policy for choosing accounts: `hybrid`, session affinity, retry budgets, quota protection.

use pointsman_core::admission::budget::Terms;
use pointsman_core::admission::health_stats::{Rates, Refill};
use pointsman_core::ids::ModelId;
use pointsman_core::planning::affinity::Rules;
use pointsman_core::planning::strategy::hybrid::{Numbers, Quota, Weights};
use pointsman_core::quota::protection::{Floors, Level};

use crate::edges::config::reading::Fields;
use crate::edges::config::reading::problem::Problem;
use crate::edges::config::settings::setting::Setting;
use crate::edges::config::settings::{
    AFFINITY, AFFINITY_KEYS, HARD, HEALTH_FAILURE, HEALTH_LIMIT, HEALTH_MAX, HEALTH_RECOVERY, HEALTH_START,
    HEALTH_SUCCESS, HEALTH_USABLE, HYBRID, HYBRID_KEYS, MEMORY, PATIENCE, PROTECTED_MODELS, PROTECTION_KEYS,
    PROTECTION_OF_MODEL, QUOTA_CRITICAL, QUOTA_LOW, QUOTA_PROTECTION, QUOTA_UNKNOWN, RETRY_BUDGET,
    RETRY_BUDGET_KEYS, RETRY_FLOOR, RETRY_SHARE, SESSIONS, SOFT, STICKY, TOKENS, TOKENS_PER_MINUTE, WARM,
    WEIGHT_BUSY, WEIGHT_DRAIN, WEIGHT_HEALTH, WEIGHT_IDLE, WEIGHT_QUOTA, WEIGHT_TOKENS,
};
use crate::edges::config::values::{Percent, Shape};

pub(crate) fn hybrid(top: &Fields<'_>) -> Numbers {
    let fields = top.section(&HYBRID, &HYBRID_KEYS);
    Numbers {
        rates: rates(&fields),
        usable: fields.read_or_default(&HEALTH_USABLE),
        weights: Weights {
            health: fields.read_or_default(&WEIGHT_HEALTH),
            tokens: fields.read_or_default(&WEIGHT_TOKENS),
            quota: fields.read_or_default(&WEIGHT_QUOTA),
            idle: fields.read_or_default(&WEIGHT_IDLE),
            busy: fields.read_or_default(&WEIGHT_BUSY),
            drain: fields.read_or_default(&WEIGHT_DRAIN),
        },
        sticky: fields.read_or_default(&STICKY),
        quota: Quota {
            critical: thousandths_of(&fields, &QUOTA_CRITICAL),
            low: thousandths_of(&fields, &QUOTA_LOW),
            unknown: thousandths_of(&fields, &QUOTA_UNKNOWN),
        },
    }
}

fn rates(fields: &Fields<'_>) -> Rates {
    let tokens = fields.read_or_default(&TOKENS);
    Rates {
        health: Refill {
            start: fields.read_or_default(&HEALTH_START),
            max: fields.read_or_default(&HEALTH_MAX),
            per_hour: fields.read_or_default(&HEALTH_RECOVERY).into(),
        },
        success: fields.read_or_default(&HEALTH_SUCCESS),
        limit: fields.read_or_default(&HEALTH_LIMIT),
        failure: fields.read_or_default(&HEALTH_FAILURE),
        tokens: Refill {
            start: tokens,
            max: tokens,
            per_hour: 60 * u32::from(fields.read_or_default(&TOKENS_PER_MINUTE)),
        },
    }
}

pub(crate) fn affinity(top: &Fields<'_>) -> Rules {
    let fields = top.section(&AFFINITY, &AFFINITY_KEYS);
    Rules {
        patience: fields.read_or_default(&PATIENCE),
        warm: fields.read_or_default(&WARM),
        memory: fields.read_or_default(&MEMORY),
        sessions: fields.read_or_default(&SESSIONS).into(),
    }
}

/// Reads the terms of the retry budgets.
pub(crate) fn retry_budget(top: &Fields<'_>) -> Terms {
    let fields = top.section(&RETRY_BUDGET, &RETRY_BUDGET_KEYS);
    let share: f64 = fields.read_or_default(&RETRY_SHARE);
    Terms { share: (share * 10.0).round() as u16, floor: fields.read_or_default(&RETRY_FLOOR) }
}

/// Reads `quota_protection` of the top level, an account or a pool.
pub(crate) fn protection(fields: &Fields<'_>) -> Level {
    let Some(entry) = fields.get(&QUOTA_PROTECTION) else { return Level::default() };
    let fields = entry.fields(&PROTECTION_KEYS);
    let own = floors(&fields);
    let models = fields
        .get(&PROTECTED_MODELS)
        .map(|entry| entry.members(&PROTECTED_MODELS.form.allowed()))
        .unwrap_or_default();
    let models = models
        .into_iter()
        .map(|(name, entry)| (ModelId::new(name), floors(&entry.fields(&PROTECTION_OF_MODEL))));
    Level { floors: own, models: models.collect() }
}

fn floors(fields: &Fields<'_>) -> Floors {
    let (soft, hard) = (fields.read(&SOFT), fields.read(&HARD));
    if let (Some(soft), Some(hard)) = (soft, hard)
        && hard > soft
    {
        fields.entry().error(Problem::ProtectionOrder { soft, hard });
    }
    Floors { soft: soft.map(thousandths), hard: hard.map(thousandths) }
}

/// Reads a percentage in thousandths.
pub(crate) fn thousandths_of(fields: &Fields<'_>, setting: &Setting<Percent>) -> u16 {
    thousandths(fields.read_or_default(setting))
}

fn thousandths(percent: f64) -> u16 {
    (percent * 10.0).round() as u16
}
