//! The policy for choosing accounts: the numbers of `hybrid`, session affinity, quota protection.

use std::time::Duration;

use crate::edges::config::settings::setting::{Section, Setting};
use crate::edges::config::values::amount::Time;
use crate::edges::config::values::{Compound, Count, Percent, Weight};

pub(crate) static HYBRID_KEYS: Section = Section {
    title: "Hybrid",
    help: "In `hybrid`. Points are what accounts are compared by; the most go first.",
    keys: &[
        &HEALTH_START,
        &HEALTH_MAX,
        &HEALTH_USABLE,
        &HEALTH_SUCCESS,
        &HEALTH_LIMIT,
        &HEALTH_FAILURE,
        &HEALTH_RECOVERY,
        &TOKENS,
        &TOKENS_PER_MINUTE,
        &QUOTA_CRITICAL,
        &QUOTA_LOW,
        &QUOTA_UNKNOWN,
        &WEIGHT_HEALTH,
        &WEIGHT_TOKENS,
        &WEIGHT_QUOTA,
        &WEIGHT_IDLE,
        &WEIGHT_BUSY,
        &WEIGHT_DRAIN,
        &STICKY,
    ],
};

const HEALTH: Count = Count { from: 0, to: 1_000 };

const fn health(name: &'static str, default: &'static str, help: &'static str) -> Setting<Count> {
    Setting { name, form: HEALTH, default, help }
}

pub(crate) static HEALTH_START: Setting<Count> =
    health("health_start", "70", "The health that a pool of an account begins with.");
pub(crate) static HEALTH_MAX: Setting<Count> = health("health_max", "100", "The best health.");
pub(crate) static HEALTH_USABLE: Setting<Count> =
    health("health_usable", "50", "Below this health an account comes after all others.");
pub(crate) static HEALTH_SUCCESS: Setting<Count> = health("health_success", "1", "What a good answer adds.");
pub(crate) static HEALTH_LIMIT: Setting<Count> =
    health("health_limit", "10", "What a limit takes, once for each limit.");
pub(crate) static HEALTH_FAILURE: Setting<Count> =
    health("health_failure", "20", "What a failure takes that is the account's own and no limit.");
pub(crate) static HEALTH_RECOVERY: Setting<Count> =
    health("health_recovery", "2", "What comes back by itself in an hour.");

pub(crate) static TOKENS: Setting<Count> = Setting {
    name: "tokens",
    form: Count { from: 1, to: 10_000 },
    default: "50",
    help: "How many tokens a pool of an account can hold. Each request takes one; without any it still serves.",
};

pub(crate) static TOKENS_PER_MINUTE: Setting<Count> = Setting {
    name: "tokens_per_minute",
    form: Count { from: 0, to: 10_000 },
    default: "6",
    help: "How many tokens come back in a minute.",
};

pub(crate) static QUOTA_CRITICAL: Setting<Percent> = Setting {
    name: "quota_critical",
    form: Percent,
    default: "5%",
    help: "Below this remaining share of its quota an account comes after the others.",
};

pub(crate) static QUOTA_LOW: Setting<Percent> = Setting {
    name: "quota_low",
    form: Percent,
    default: "10%",
    help: "Below this remaining share its quota counts nothing.",
};

pub(crate) static QUOTA_UNKNOWN: Setting<Percent> = Setting {
    name: "quota_unknown",
    form: Percent,
    default: "50%",
    help: "The share that is assumed where nothing is known.",
};

const fn weight(name: &'static str, default: &'static str, help: &'static str) -> Setting<Weight> {
    Setting { name, form: Weight, default, help }
}

pub(crate) static WEIGHT_HEALTH: Setting<Weight> =
    weight("weight_health", "2", "The points of each point of health.");
pub(crate) static WEIGHT_TOKENS: Setting<Weight> =
    weight("weight_tokens", "5", "The points of each hundredth of the tokens.");
pub(crate) static WEIGHT_QUOTA: Setting<Weight> =
    weight("weight_quota", "3", "The points of each hundredth of the quota.");
pub(crate) static WEIGHT_IDLE: Setting<Weight> =
    weight("weight_idle", "0.1", "The points of each second since the last use, up to an hour.");
pub(crate) static WEIGHT_BUSY: Setting<Weight> = weight(
    "weight_busy",
    "10",
    "The points that each request under way takes, for an account of weight 1; twice the weight, half of it.",
);

pub(crate) static WEIGHT_DRAIN: Setting<Weight> = weight(
    "weight_drain",
    "4",
    "The points of each hundredth of a reset's nearness (within an hour 100, in a week 0), with `drain: soonest-reset`.",
);

pub(crate) static STICKY: Setting<Count> = Setting {
    name: "sticky",
    form: Count { from: 0, to: 10_000 },
    default: "700",
    help: "The points of the account that the request's session was on. A session moves when another account \
           is better by more.",
};

pub(crate) static AFFINITY_KEYS: Section = Section {
    title: "Affinity",
    help: "In `affinity`. It holds for the strategies hybrid, sticky and headroom.",
    keys: &[&PATIENCE, &WARM, &MEMORY, &SESSIONS],
};

pub(crate) static PATIENCE: Setting<Time> = Setting {
    name: "patience",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(300) },
    default: "5s",
    help: "The longest that a request waits for its session's own account while others could serve it. It is \
           what a cold prompt cache is worth.",
};

pub(crate) static WARM: Setting<Time> = Setting {
    name: "warm",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(86_400) },
    default: "5m",
    help: "How long a prompt is cached upstream after its last use. A session that was silent for longer does \
           not wait for its account.",
};

pub(crate) static MEMORY: Setting<Time> = Setting {
    name: "memory",
    form: Time { from: Duration::from_secs(1), to: Duration::from_secs(7 * 86_400) },
    default: "1h",
    help: "How long a session is remembered after its last request.",
};

pub(crate) static SESSIONS: Setting<Count> = Setting {
    name: "sessions",
    form: Count { from: 100, to: 60_000 },
    default: "10000",
    help: "How many sessions are remembered; those that were silent for the longest time are forgotten first.",
};

const PROTECTION_HELP: &str = "In `quota_protection` of the top level, of an account or of a pool. A pool's goes \
    before an account's, and that before the top level's, for each key by itself; what is said of a model goes \
    before all of them. It goes by what providers report: a quota of which nothing is known is not protected, \
    and what is under way when a floor is reached still goes through.";

pub(crate) static PROTECTION_OF_MODEL: Section = Section {
    title: "Quota protection of a model",
    help: "In `models` of `quota_protection`, by the name that requests use.",
    keys: &[&SOFT, &HARD],
};

pub(crate) static PROTECTED_MODELS: Setting<Compound> = Setting {
    name: "models",
    form: Compound("a map of model names to maps with the keys soft, hard"),
    default: "",
    help: "What holds for single models; see [Quota protection of a model](#quota-protection-of-a-model).",
};

pub(crate) static PROTECTION_KEYS: Section =
    Section { title: "Quota protection", help: PROTECTION_HELP, keys: &[&SOFT, &HARD, &PROTECTED_MODELS] };

pub(crate) static SOFT: Setting<Percent> = Setting {
    name: "soft",
    form: Percent,
    default: "",
    help: "Below this remaining share an account comes after all others.",
};

pub(crate) static HARD: Setting<Percent> = Setting {
    name: "hard",
    form: Percent,
    default: "",
    help: "Below this remaining share an account is left out until its window resets. Not above `soft`.",
};
