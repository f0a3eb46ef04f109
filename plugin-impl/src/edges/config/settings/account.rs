//! Settings of an account.

use super::provider::{IN_FLIGHT, SECRET};
use super::{CAP_OF_ACCOUNT, PROXY, QUOTA_PROTECTION};
use crate::edges::config::settings::setting::{Section, Setting};
use crate::edges::config::values::{Choice, Compound, Count, Switch, Text};

pub(crate) static ACCOUNT: Section = Section {
    title: "An account",
    help: "In `accounts`. It has one of `api_key`, `access_token`, `refresh_token` and `credential`.",
    keys: &[
        &ID,
        &API_KEY,
        &ACCESS_TOKEN,
        &REFRESH_TOKEN,
        &CREDENTIAL,
        &PROJECT,
        &WEIGHT,
        &PRIORITY,
        &MODELS_OF_ACCOUNT,
        &ENABLED,
        &PROXY,
        &MAX_IN_FLIGHT_OF_ACCOUNT,
        &CAP_OF_ACCOUNT,
        &QUOTA_PROTECTION,
    ],
};

pub(crate) static ID: Setting<Text> = Setting {
    name: "id",
    form: Text("provider:label, such as anthropic:work"),
    default: "",
    help: "Its name. Needed.",
};

pub(crate) static API_KEY: Setting<Compound> =
    Setting { name: "api_key", form: SECRET, default: "", help: "A key that is sent as it is." };

pub(crate) static ACCESS_TOKEN: Setting<Compound> = Setting {
    name: "access_token",
    form: SECRET,
    default: "",
    help: "A token that somebody else keeps fresh.",
};

pub(crate) static REFRESH_TOKEN: Setting<Compound> = Setting {
    name: "refresh_token",
    form: SECRET,
    default: "",
    help: "A token that access tokens are made from. The provider needs `oauth`.",
};

/// Whoever asks proves itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller;

pub(crate) static CREDENTIAL: Setting<Choice<Caller>> = Setting {
    name: "credential",
    form: Choice(&[("caller", Caller)]),
    default: "",
    help: "`caller` uses the credential that the agent itself sent, unchanged, for that agent's requests only. \
           It is stored nowhere, each caller has limits of its own, and a request that sends none does not \
           use the account. While the account can serve it goes before all others. Of each wire format one \
           account may have it.",
};

pub(crate) static PROJECT: Setting<Text> = Setting {
    name: "project",
    form: Text("a project id"),
    default: "",
    help: "The project that the envelope code-assist names.",
};

pub(crate) static WEIGHT: Setting<Count> = Setting {
    name: "weight",
    form: Count { from: 1, to: 100 },
    default: "1",
    help: "Its share of the requests, compared with the other accounts.",
};

pub(crate) static PRIORITY: Setting<Count> = Setting {
    name: "priority",
    form: Count { from: 1, to: 100 },
    default: "50",
    help: "Accounts with a lower number go first, whatever the strategy; the strategy decides among equals. An account \
           with a higher number is used while no account before it is open.",
};

pub(crate) static MODELS_OF_ACCOUNT: Setting<Compound> = Setting {
    name: "models",
    form: Compound("a map with `only` and `never`"),
    default: "",
    help: "The models that the account may be used for; see [Models of an account](#models-of-an-account).",
};

pub(crate) static MODELS_OF_ACCOUNT_KEYS: Section = Section {
    title: "Models of an account",
    help: "In `models` of an account: names of models as callers write them, or beginnings such as `claude-opus-*`. \
           `never` wins over `only`.",
    keys: &[&ONLY_MODELS, &NEVER_MODELS],
};

pub(crate) static ONLY_MODELS: Setting<Compound> = Setting {
    name: "only",
    form: Compound("a list of models"),
    default: "",
    help: "The account is used for these models only; by default for all.",
};

pub(crate) static NEVER_MODELS: Setting<Compound> = Setting {
    name: "never",
    form: Compound("a list of models"),
    default: "",
    help: "The account is never used for these models.",
};

pub(crate) static ENABLED: Setting<Switch> =
    Setting { name: "enabled", form: Switch, default: "true", help: "Whether it is used at all." };

pub(crate) static MAX_IN_FLIGHT_OF_ACCOUNT: Setting<Count> = Setting {
    name: "max_in_flight",
    form: IN_FLIGHT,
    default: "",
    help: "How many of its requests may be under way in one pool; by default as many as the pool allows.",
};
