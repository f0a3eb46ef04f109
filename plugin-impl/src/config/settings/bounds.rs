//! Settings of how much may be under way.

use pointsman_core::cap::MAX_CAP;

use super::super::form::{Compound, Count};
use super::super::setting::{Section, Setting};

/// The form of each value of [`CAPS_OF_MODELS`].
pub(in crate::config) const CAP: Count = Count { from: 1, to: MAX_CAP };

pub(in crate::config) static CONCURRENCY: Setting<Compound> = Setting {
    name: "concurrency",
    form: Compound("a map"),
    default: "",
    help: "How many requests may be under way at once; see [Concurrency](#concurrency).",
};

pub(in crate::config) static CONCURRENCY_KEYS: Section = Section {
    title: "Concurrency",
    help: "In `concurrency` of a provider. Each is a cap of its own, besides `max_in_flight` of pools. A request \
           that finds one full waits in line; it is busy, and never told as a rate limit.",
    keys: &[&CAP_TOTAL, &CAP_OF_ACCOUNTS, &CAPS_OF_MODELS],
};

pub(in crate::config) static CAP_TOTAL: Setting<Count> = Setting {
    name: "total",
    form: CAP,
    default: "",
    help: "How many requests the provider may have under way, over all accounts.",
};

pub(in crate::config) static CAP_OF_ACCOUNTS: Setting<Count> = Setting {
    name: "account",
    form: CAP,
    default: "",
    help: "How many requests each account may have under way, over all its pools.",
};

pub(in crate::config) static CAPS_OF_MODELS: Setting<Compound> = Setting {
    name: "models",
    form: Compound("a map of model names, or beginnings of names such as `claude-opus-*`, to whole numbers"),
    default: "",
    help: "How many requests for these models may be under way, over all accounts. The first that matches \
           counts.",
};

pub(in crate::config) static CAP_OF_ACCOUNT: Setting<Count> = Setting {
    name: "concurrency",
    form: CAP,
    default: "",
    help: "How many of its requests may be under way in all pools together; by default what its provider's \
           `concurrency` says of accounts.",
};
