//! Settings of an account.

use super::super::form::{Choice, Compound, Count, Switch, Text};
use super::super::setting::{Section, Setting};
use super::{CAP_OF_ACCOUNT, IN_FLIGHT, PROXY, QUOTA_PROTECTION, SECRET};

pub(in crate::edges::config) static ACCOUNT: Section = Section {
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
        &ENABLED,
        &PROXY,
        &MAX_IN_FLIGHT_OF_ACCOUNT,
        &CAP_OF_ACCOUNT,
        &QUOTA_PROTECTION,
    ],
};

pub(in crate::edges::config) static ID: Setting<Text> = Setting {
    name: "id",
    form: Text("provider:label, such as anthropic:work"),
    default: "",
    help: "Its name. Needed.",
};

pub(in crate::edges::config) static API_KEY: Setting<Compound> =
    Setting { name: "api_key", form: SECRET, default: "", help: "A key that is sent as it is." };

pub(in crate::edges::config) static ACCESS_TOKEN: Setting<Compound> = Setting {
    name: "access_token",
    form: SECRET,
    default: "",
    help: "A token that somebody else keeps fresh.",
};

pub(in crate::edges::config) static REFRESH_TOKEN: Setting<Compound> = Setting {
    name: "refresh_token",
    form: SECRET,
    default: "",
    help: "A token that access tokens are made from. The provider needs `oauth`.",
};

/// Whoever asks proves itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::edges::config) struct Caller;

pub(in crate::edges::config) static CREDENTIAL: Setting<Choice<Caller>> = Setting {
    name: "credential",
    form: Choice(&[("caller", Caller)]),
    default: "",
    help: "`caller` uses the credential that the agent itself sent, unchanged, for that agent's requests only. \
           It is stored nowhere, each caller has limits of its own, and a request that sends none does not \
           use the account. While the account can serve it goes before all others. Of each wire format one \
           account may have it.",
};

pub(in crate::edges::config) static PROJECT: Setting<Text> = Setting {
    name: "project",
    form: Text("a project id"),
    default: "",
    help: "The project that the envelope code-assist names.",
};

pub(in crate::edges::config) static WEIGHT: Setting<Count> = Setting {
    name: "weight",
    form: Count { from: 1, to: 100 },
    default: "1",
    help: "Its share of the requests, compared with the other accounts.",
};

pub(in crate::edges::config) static ENABLED: Setting<Switch> =
    Setting { name: "enabled", form: Switch, default: "true", help: "Whether it is used at all." };

pub(in crate::edges::config) static MAX_IN_FLIGHT_OF_ACCOUNT: Setting<Count> = Setting {
    name: "max_in_flight",
    form: IN_FLIGHT,
    default: "",
    help: "How many of its requests may be under way in one pool; by default as many as the pool allows.",
};
