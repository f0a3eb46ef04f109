//! Settings of a provider, and of its pools, families and OAuth client.

use std::time::Duration;

use pointsman_core::formats::format::AuthScheme;
use pointsman_core::formats::{ENVELOPES, Envelope, KINDS, WireFormat};
use pointsman_core::request::catalog::{MAX_IN_FLIGHT, Scope};
use pointsman_core::response::rule::Means;

use super::setting::{Section, Setting};
use super::{CONCURRENCY, QUOTA_PROTECTION};
use crate::edges::config::secrets::source;
use crate::edges::config::values::amount::Time;
use crate::edges::config::values::url::{BaseUrl, EndpointUrl, HostForm, Proxy, QuotaUrl};
use crate::edges::config::values::{Choice, Compound, Count, Text};

pub(super) const IN_FLIGHT: Count = Count { from: 1, to: MAX_IN_FLIGHT };
pub(super) const SECRET: Compound = Compound(source::ALLOWED);
const HEADER_MAP: Compound = Compound("a map of header names to values");
const MODEL_MAP: Compound = Compound("a map of model names to model names");
const URLS: Compound = Compound("a URL with http:// or https://, or a list of them");

/// The form of each element of [`BASE_URL`].
pub(crate) const URL_FORM: EndpointUrl = EndpointUrl;
/// The form of each element of [`HOSTS`].
pub(crate) const HOST_FORM: HostForm = HostForm;

pub(crate) static PROVIDER: Section = Section {
    title: "A provider",
    help: "In `providers`, by name. What is written for a provider of the catalog replaces the catalog's value \
           key by key; `hosts` are added to it. One value can be set by a variable, which wins over the file: \
           `POINTSMAN_PROVIDERS__ACME__BASE_URL` is `base_url` of `acme`.",
    keys: &[
        &KIND,
        &TITLE,
        &BASE_URL,
        &AUTH,
        &HEADERS,
        &PROXY,
        &OAUTH,
        &POOLS,
        &FAMILIES,
        &MODELS,
        &QUOTA_URL,
        &SCOPE,
        &MAX_IN_FLIGHT_OF_POOL,
        &CONCURRENCY,
        &ERRORS,
        &HOSTS,
    ],
};

pub(crate) static ERRORS: Setting<Compound> = Setting {
    name: "errors",
    form: Compound("a list of entries with `means`"),
    default: "",
    help: "What errors of this provider mean, before all that Pointsman knows itself; see [An error](#an-error).",
};

pub(crate) static ERROR: Section = Section {
    title: "An error",
    help: "In `errors` of a provider. All that an entry names has to match; the first entry that matches counts, and \
           `pointsman explain` says so. `errors: [{status: 400, text: plan expired, means: account, for: 10m}]` keeps \
           an account away for ten minutes after that answer.",
    keys: &[&STATUS_OF_ERROR, &CODE_OF_ERROR, &TEXT_OF_ERROR, &MEANS_OF_ERROR, &TIME_OF_ERROR],
};

pub(crate) static STATUS_OF_ERROR: Setting<Count> = Setting {
    name: "status",
    form: Count { from: 400, to: 599 },
    default: "",
    help: "The HTTP status; by default any from 400 on.",
};

pub(crate) static CODE_OF_ERROR: Setting<Text> = Setting {
    name: "code",
    form: Text("a code, type or reason of the error"),
    default: "",
    help: "The type, the code or the reason of the error, regardless of case and separators.",
};

pub(crate) static TEXT_OF_ERROR: Setting<Text> = Setting {
    name: "text",
    form: Text("a part of the message"),
    default: "",
    help: "A part of the message, as written, regardless of case.",
};

pub(crate) static MEANS_OF_ERROR: Setting<Choice<Means>> = Setting {
    name: "means",
    form: Choice(&[
        ("request", Means::Request),
        ("account", Means::Account),
        ("model", Means::Model),
        ("limit", Means::Rate),
        ("capacity", Means::Capacity),
        ("ignore", Means::Ignore),
    ]),
    default: "",
    help: "Needed. `request`: the request is at fault, and the answer is delivered. `account`: the account is, and if \
           another account serves the request, it rests. `model`: the same for the model alone. `limit`: a limit, of \
           the model or the pool by `scope`. `capacity`: no room for the model. `ignore`: the answer is delivered, and \
           nobody is at fault.",
};

pub(crate) static TIME_OF_ERROR: Setting<Time> = Setting {
    name: "for",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(8 * 24 * 3_600) },
    default: "",
    help: "How long account, model or pool are closed; by default until what the answer tells, or for a time that grows.",
};

pub(crate) static KIND: Setting<Choice<WireFormat>> = Setting {
    name: "kind",
    form: Choice(&KINDS),
    default: "",
    help: "The wire format it speaks. Needed for a provider that is not in the catalog.",
};

pub(crate) static TITLE: Setting<Text> = Setting {
    name: "title",
    form: Text("any text"),
    default: "",
    help: "What people call it; by default its name.",
};

pub(crate) static BASE_URL: Setting<Compound> = Setting {
    name: "base_url",
    form: URLS,
    default: "",
    help: "Where it is, with or without a version such as `/v1` at the end. Of several the first that works \
           is used. A pool without its own has the provider's.",
};

pub(crate) static AUTH: Setting<Choice<AuthScheme>> = Setting {
    name: "auth",
    form: Choice(&[
        ("x-api-key", AuthScheme::XApiKey),
        ("bearer", AuthScheme::Bearer),
        ("x-goog-api-key", AuthScheme::XGoogApiKey),
        ("query-key", AuthScheme::QueryKey),
    ]),
    default: "",
    help: "How an API key is sent; by default as the kind does it: anthropic x-api-key, openai bearer, \
           gemini x-goog-api-key. Tokens are always sent as bearer.",
};

pub(crate) static HEADERS: Setting<Compound> = Setting {
    name: "headers",
    form: HEADER_MAP,
    default: "",
    help: "Headers that each request gets. A pool's win over its provider's. Credentials belong to accounts; where a \
           service wants one more, a value is blanked out of answers if its header's name has `key`, `token`, \
           `secret`, `auth`, `cookie`, `password` or `credential` in it.",
};

pub(crate) static PROXY: Setting<Proxy> = Setting {
    name: "proxy",
    form: Proxy,
    default: "",
    help: "A proxy for requests; an account's wins over its provider's.",
};

pub(crate) static OAUTH: Setting<Compound> = Setting {
    name: "oauth",
    form: Compound("a map"),
    default: "",
    help: "Your OAuth client, for accounts with a refresh_token; see [An OAuth client](#an-oauth-client).",
};

pub(crate) static POOLS: Setting<Compound> = Setting {
    name: "pools",
    form: Compound("a map of pool names to pools"),
    default: "",
    help: "Its quota pools; see [A pool](#a-pool). Without any it has one, which bears its name.",
};

pub(crate) static FAMILIES: Setting<Compound> = Setting {
    name: "families",
    form: Compound("a map of family names to families"),
    default: "",
    help: "Its model families; see [A family](#a-family). Without any all models are one family, which bears \
           its name, and all pools serve it.",
};

pub(crate) static MODELS: Setting<Compound> = Setting {
    name: "models",
    form: MODEL_MAP,
    default: "",
    help: "How a model that callers name is named here. A pool's win over its provider's.",
};

pub(crate) static QUOTA_URL: Setting<QuotaUrl> = Setting {
    name: "quota_url",
    form: QuotaUrl,
    default: "",
    help: "Where the provider tells what is left, with the account's credential. The answers of Code Assist \
           (`retrieveUserQuota`, `fetchAvailableModels`) and of Anthropic's usage are understood. A path is \
           appended to the first base URL, and has an effect in the envelope of Code Assist only.",
};

pub(crate) static MAX_IN_FLIGHT_OF_POOL: Setting<Count> = Setting {
    name: "max_in_flight",
    form: IN_FLIGHT,
    default: "4000",
    help: "How many requests of one account may be under way in one pool. A pool's wins over its provider's.",
};

pub(crate) static HOSTS: Setting<Compound> = Setting {
    name: "hosts",
    form: Compound("a list of hosts"),
    default: "",
    help: "Requests to these hosts are taken for this provider, besides those of its base URLs.",
};

pub(crate) static OAUTH_KEYS: Section = Section {
    title: "An OAuth client",
    help: "In `oauth` of a provider. It is yours: none is built in.",
    keys: &[&CLIENT_ID, &CLIENT_SECRET, &TOKEN_URL],
};

pub(crate) static CLIENT_ID: Setting<Text> =
    Setting { name: "client_id", form: Text("any text"), default: "", help: "The client's id. Needed." };

pub(crate) static CLIENT_SECRET: Setting<Compound> =
    Setting { name: "client_secret", form: SECRET, default: "", help: "The client's secret, if it has one." };

pub(crate) static TOKEN_URL: Setting<BaseUrl> =
    Setting { name: "token_url", form: BaseUrl, default: "", help: "Where tokens are refreshed. Needed." };

pub(crate) static POOL: Section = Section {
    title: "A pool",
    help: "In `pools` of a provider, by name.",
    keys: &[
        &TITLE,
        &BASE_URL,
        &ENVELOPE,
        &HEADERS,
        &MODELS,
        &POOL_FAMILIES,
        &SCOPE,
        &QUOTA_URL,
        &MAX_IN_FLIGHT_OF_POOL,
        &QUOTA_PROTECTION,
    ],
};

pub(crate) static ENVELOPE: Setting<Choice<Envelope>> = Setting {
    name: "envelope",
    form: Choice(&ENVELOPES),
    default: "none",
    help: "What is put around a request and taken off the answer.",
};

pub(crate) static POOL_FAMILIES: Setting<Compound> = Setting {
    name: "families",
    form: Compound("a list of families"),
    default: "",
    help: "The families that this pool serves, after the pools that the families name themselves.",
};

pub(crate) static SCOPE: Setting<Choice<Scope>> = Setting {
    name: "scope",
    form: Choice(&[("auto", Scope::Auto), ("pool", Scope::Pool), ("model", Scope::Model)]),
    default: "auto",
    help: "What a limit covers that does not say so itself: with `pool` the whole pool, with `model` and `auto` the model \
           that met it. With `model` each model's requests are counted apart, too. A pool's wins over its provider's. The \
           catalog has `pool` for providers known to count so.",
};

pub(crate) static FAMILY: Section = Section {
    title: "A family",
    help: "In `families` of a provider, by name. Families without patterns come last.",
    keys: &[&PATTERNS, &FAMILY_POOLS],
};

pub(crate) static PATTERNS: Setting<Compound> = Setting {
    name: "patterns",
    form: Compound("a list of texts"),
    default: "",
    help: "A model belongs to the family when its name contains one of these. Without any the family takes \
           what the others leave.",
};

pub(crate) static FAMILY_POOLS: Setting<Compound> = Setting {
    name: "pools",
    form: Compound("a list of pools"),
    default: "",
    help: "The pools that serve it, the preferred one first. Without any: all.",
};
