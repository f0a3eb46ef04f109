//! The policy for choosing accounts: the numbers of `hybrid`, and session affinity.

use pointsman_core::admission::health_stats::{Rates, Refill};
use pointsman_core::planning::affinity::Rules;
use pointsman_core::planning::strategy::hybrid::{Numbers, Quota, Weights};

use super::protection::thousandths_of;
use super::reader::Fields;
use super::report::Report;
use super::settings::{
    AFFINITY, AFFINITY_KEYS, HEALTH_FAILURE, HEALTH_LIMIT, HEALTH_MAX, HEALTH_RECOVERY, HEALTH_START,
    HEALTH_SUCCESS, HEALTH_USABLE, HYBRID, HYBRID_KEYS, MEMORY, PATIENCE, QUOTA_CRITICAL, QUOTA_LOW,
    QUOTA_UNKNOWN, SESSIONS, STICKY, TOKENS, TOKENS_PER_MINUTE, WARM, WEIGHT_BUSY, WEIGHT_HEALTH,
    WEIGHT_IDLE, WEIGHT_QUOTA, WEIGHT_TOKENS,
};

pub(super) fn hybrid(top: &Fields<'_>, report: &mut Report) -> Numbers {
    let fields = top.section(&HYBRID, &HYBRID_KEYS, report);
    Numbers {
        rates: rates(&fields, report),
        usable: fields.read_or_default(&HEALTH_USABLE, report),
        weights: Weights {
            health: fields.read_or_default(&WEIGHT_HEALTH, report),
            tokens: fields.read_or_default(&WEIGHT_TOKENS, report),
            quota: fields.read_or_default(&WEIGHT_QUOTA, report),
            idle: fields.read_or_default(&WEIGHT_IDLE, report),
            busy: fields.read_or_default(&WEIGHT_BUSY, report),
        },
        sticky: fields.read_or_default(&STICKY, report),
        quota: Quota {
            critical: thousandths_of(&fields, &QUOTA_CRITICAL, report),
            low: thousandths_of(&fields, &QUOTA_LOW, report),
            unknown: thousandths_of(&fields, &QUOTA_UNKNOWN, report),
        },
    }
}

fn rates(fields: &Fields<'_>, report: &mut Report) -> Rates {
    let tokens = fields.read_or_default(&TOKENS, report);
    Rates {
        health: Refill {
            start: fields.read_or_default(&HEALTH_START, report),
            max: fields.read_or_default(&HEALTH_MAX, report),
            per_hour: fields.read_or_default(&HEALTH_RECOVERY, report).into(),
        },
        success: fields.read_or_default(&HEALTH_SUCCESS, report),
        limit: fields.read_or_default(&HEALTH_LIMIT, report),
        failure: fields.read_or_default(&HEALTH_FAILURE, report),
        tokens: Refill {
            start: tokens,
            max: tokens,
            per_hour: 60 * u32::from(fields.read_or_default(&TOKENS_PER_MINUTE, report)),
        },
    }
}

pub(super) fn affinity(top: &Fields<'_>, report: &mut Report) -> Rules {
    let fields = top.section(&AFFINITY, &AFFINITY_KEYS, report);
    Rules {
        patience: fields.read_or_default(&PATIENCE, report),
        warm: fields.read_or_default(&WARM, report),
        memory: fields.read_or_default(&MEMORY, report),
        sessions: fields.read_or_default(&SESSIONS, report).into(),
    }
}
