//! Bounds on requests in flight, waiting requests, and retries.

use pointsman_core::admission::cap::MAX_CAP;

use super::super::form::{Compound, Count, Percent};
use super::super::setting::{Section, Setting};

/// The form of each value of [`CAPS_OF_MODELS`].
pub(in crate::edges::config) const CAP: Count = Count { from: 1, to: MAX_CAP };

pub(in crate::edges::config) static CONCURRENCY: Setting<Compound> = Setting {
    name: "concurrency",
    form: Compound("a map"),
    default: "",
    help: "How many requests may be under way at once; see [Concurrency](#concurrency).",
};

pub(in crate::edges::config) static CONCURRENCY_KEYS: Section = Section {
    title: "Concurrency",
    help: "In `concurrency` of a provider. Each is a cap of its own, besides `max_in_flight` of pools. A request \
           that finds one full waits in line; it is busy, and never told as a rate limit.",
    keys: &[&CAP_TOTAL, &CAP_OF_ACCOUNTS, &CAPS_OF_MODELS],
};

pub(in crate::edges::config) static CAP_TOTAL: Setting<Count> = Setting {
    name: "total",
    form: CAP,
    default: "",
    help: "How many requests the provider may have under way, over all accounts.",
};

pub(in crate::edges::config) static CAP_OF_ACCOUNTS: Setting<Count> = Setting {
    name: "account",
    form: CAP,
    default: "",
    help: "How many requests each account may have under way, over all its pools.",
};

pub(in crate::edges::config) static CAPS_OF_MODELS: Setting<Compound> = Setting {
    name: "models",
    form: Compound("a map of model names, or beginnings of names such as `claude-opus-*`, to whole numbers"),
    default: "",
    help: "How many requests for these models may be under way, over all accounts. The first that matches \
           counts.",
};

pub(in crate::edges::config) static CAP_OF_ACCOUNT: Setting<Count> = Setting {
    name: "concurrency",
    form: CAP,
    default: "",
    help: "How many of its requests may be under way in all pools together; by default what its provider's \
           `concurrency` says of accounts.",
};

pub(in crate::edges::config) static RETRY_BUDGET: Setting<Compound> = Setting {
    name: "retry_budget",
    form: Compound("a map"),
    default: "",
    help: "How many retries a provider is sent; see [Retry budget](#retry-budget).",
};

pub(in crate::edges::config) static RETRY_BUDGET_KEYS: Section = Section {
    title: "Retry budget",
    help: "In `retry_budget`; each provider has one of its own. A retry is an attempt that follows at once on no \
           answer, a 5xx or a lack of capacity. Moving on from a limit or a rejected credential is none, and \
           neither is the first attempt after waiting for a closed way to open. Without a retry left the \
           failure is delivered, with `x-pointsman-reason: retry-budget`.",
    keys: &[&RETRY_SHARE, &RETRY_FLOOR],
};

pub(in crate::edges::config) static RETRY_SHARE: Setting<Percent> = Setting {
    name: "share",
    form: Percent,
    default: "20%",
    help: "How many retries there may be, as a share of the requests of the last seconds.",
};

pub(in crate::edges::config) static RETRY_FLOOR: Setting<Count> = Setting {
    name: "floor",
    form: Count { from: 0, to: 1_000 },
    default: "10",
    help: "How many retries there may be besides, in each ten seconds.",
};

pub(in crate::edges::config) static MAX_WAITING: Setting<Count> = Setting {
    name: "max_waiting",
    form: Count { from: 1, to: 60_000 },
    default: "1000",
    help: "How many requests that may use the same accounts wait in line; who comes then is told so at once.",
};
