//! Bounds on requests in flight, waiting requests, retries, and request bodies.

use pointsman_core::admission::cap::MAX_CAP;

use super::TIMEOUT;
use crate::edges::config::settings::setting::{Section, Setting};
use crate::edges::config::values::amount::{Size, Time};
use crate::edges::config::values::{Compound, Count, Percent};

/// The form of each value of [`CAPS_OF_MODELS`].
pub(crate) const CAP: Count = Count { from: 1, to: MAX_CAP };

pub(crate) static CONCURRENCY: Setting<Compound> = Setting {
    name: "concurrency",
    form: Compound("a map"),
    default: "",
    help: "How many requests may be under way at once; see [Concurrency](#concurrency).",
};

pub(crate) static CONCURRENCY_KEYS: Section = Section {
    title: "Concurrency",
    help: "In `concurrency` of a provider. Each is a cap of its own, besides `max_in_flight` of pools. A request \
           that finds one full waits in line; it is busy, and never told as a rate limit.",
    keys: &[&CAP_TOTAL, &CAP_OF_ACCOUNTS, &CAPS_OF_MODELS],
};

pub(crate) static CAP_TOTAL: Setting<Count> = Setting {
    name: "total",
    form: CAP,
    default: "",
    help: "How many requests the provider may have under way, over all accounts.",
};

pub(crate) static CAP_OF_ACCOUNTS: Setting<Count> = Setting {
    name: "account",
    form: CAP,
    default: "",
    help: "How many requests each account may have under way, over all its pools.",
};

pub(crate) static CAPS_OF_MODELS: Setting<Compound> = Setting {
    name: "models",
    form: Compound("a map of model names, or beginnings of names such as `claude-opus-*`, to whole numbers"),
    default: "",
    help: "How many requests for these models may be under way, over all accounts. The first that matches \
           counts.",
};

pub(crate) static CAP_OF_ACCOUNT: Setting<Count> = Setting {
    name: "concurrency",
    form: CAP,
    default: "",
    help: "How many of its requests may be under way in all pools together; by default what its provider's \
           `concurrency` says of accounts.",
};

pub(crate) static RETRY_BUDGET: Setting<Compound> = Setting {
    name: "retry_budget",
    form: Compound("a map"),
    default: "",
    help: "How many retries a provider is sent; see [Retry budget](#retry-budget).",
};

pub(crate) static RETRY_BUDGET_KEYS: Section = Section {
    title: "Retry budget",
    help: "In `retry_budget`; each provider has one of its own. A retry is an attempt that follows at once on no \
           answer, a 5xx or a lack of capacity. Moving on from a limit or a rejected credential is none, and \
           neither is the first attempt after waiting for a closed way to open. Without a retry left the \
           failure is delivered, with `x-pointsman-reason: retry-budget`.",
    keys: &[&RETRY_SHARE, &RETRY_FLOOR],
};

pub(crate) static RETRY_SHARE: Setting<Percent> = Setting {
    name: "share",
    form: Percent,
    default: "20%",
    help: "How many retries there may be, as a share of the requests of the last seconds.",
};

pub(crate) static RETRY_FLOOR: Setting<Count> = Setting {
    name: "floor",
    form: Count { from: 0, to: 1_000 },
    default: "10",
    help: "How many retries there may be besides, in each ten seconds.",
};

pub(crate) static MAX_WAITING: Setting<Count> = Setting {
    name: "max_waiting",
    form: Count { from: 1, to: 60_000 },
    default: "1000",
    help: "How many requests that may use the same accounts wait in line; who comes then is told so at once.",
};

pub(crate) static MAX_BODY: Setting<Size> = Setting {
    name: "max_body",
    form: Size { from: 1 << 10, to: 1 << 30 },
    default: "32MiB",
    help: "The longest request body that is accepted.",
};

pub(crate) static MAX_BODIES: Setting<Size> = Setting {
    name: "max_bodies",
    form: Size { from: 1 << 20, to: 1 << 40 },
    default: "512MiB",
    help: "How much memory the request bodies take together that the gateway receives, or keeps until their answers \
           begin; a compressed body counts as received and as unpacked. A request that does not fit gets 503 with `retry-after: 1`. Never less than `max_body`.",
};

pub(crate) static BODY_TIMEOUT: Setting<Time> = Setting {
    name: "body_timeout",
    form: TIMEOUT,
    default: "120s",
    help: "How long a request's body may take to reach the gateway; a slower one gets 408.",
};
