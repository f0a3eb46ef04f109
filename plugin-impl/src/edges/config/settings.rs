//! All settings there are, each defined once.

mod account;
mod bodies;
mod bounds;
mod policy;

use std::time::Duration;

use pointsman_core::formats::{Envelope, WireFormat};
use pointsman_core::planning::settings::FallbackOrder;
use pointsman_core::request::catalog::{MAX_IN_FLIGHT, Scope};

use super::amount::Time;
use super::form::{Choice, Compound, Count, StrategyName, Switch, Text};
use super::listen::Listen;
use super::provider::AuthScheme;
use super::secret_source;
use super::setting::{Section, Setting};
use super::store::StoreName;
use super::url::{BaseUrl, EndpointUrl, HostForm, OriginForm, Proxy, QuotaUrl};

pub(super) use self::account::*;
pub(super) use self::bodies::{BODY_TIMEOUT, MAX_BODIES, MAX_BODY};
pub(super) use self::bounds::{
    CAP, CAP_OF_ACCOUNT, CAP_OF_ACCOUNTS, CAP_TOTAL, CAPS_OF_MODELS, CONCURRENCY, CONCURRENCY_KEYS,
    MAX_WAITING, RETRY_BUDGET, RETRY_BUDGET_KEYS, RETRY_FLOOR, RETRY_SHARE,
};
pub(super) use self::policy::*;

const IN_FLIGHT: Count = Count { from: 1, to: MAX_IN_FLIGHT };
const TIMEOUT: Time = Time { from: Duration::from_millis(100), to: Duration::from_secs(3_600) };
const SECRET: Compound = Compound(secret_source::ALLOWED);
const HEADER_MAP: Compound = Compound("a map of header names to values");
const MODEL_MAP: Compound = Compound("a map of model names to model names");
const URLS: Compound = Compound("a URL with http:// or https://, or a list of them");

/// The form of each element of [`BASE_URL`].
pub(super) const URL_FORM: EndpointUrl = EndpointUrl;
/// The form of each element of [`HOSTS`].
pub(super) const HOST_FORM: HostForm = HostForm;
/// The form of each element of [`ALLOW_ORIGINS`].
pub(super) const ORIGIN_FORM: OriginForm = OriginForm;

pub(super) static TOP: Section = Section {
    title: "Top level",
    help: "Settings marked with a variable can be set by it, which wins over the file.",
    keys: &[
        &QUOTA_FALLBACK,
        &FALLBACK_ORDER,
        &STRATEGY,
        &HYBRID,
        &AFFINITY,
        &QUIET_MODE,
        &MAX_WAIT,
        &HOLD,
        &QUOTA_REFRESH,
        &RECHECK,
        &MAX_WAITING,
        &INTERACTIVE_FIRST,
        &LISTEN,
        &ALLOW_REMOTE,
        &ALLOW_ORIGINS,
        &ALLOW_HOSTS,
        &STORE,
        &STATE_DIR,
        &RETRY_BUDGET,
        &QUOTA_PROTECTION,
        &POOL_ORDER,
        &TIMEOUTS,
        &MAX_BODY,
        &MAX_BODIES,
        &BODY_TIMEOUT,
        &PROVIDERS,
        &ACCOUNTS,
        &FALLBACKS,
    ],
};

pub(super) static QUOTA_FALLBACK: Setting<Switch> = Setting {
    name: "quota_fallback",
    form: Switch,
    default: "false",
    help: "Whether a request that does not name a quota pool may use another than the preferred one.",
};

pub(super) static FALLBACK_ORDER: Setting<Choice<FallbackOrder>> = Setting {
    name: "fallback_order",
    form: Choice(&[("account-first", FallbackOrder::AccountFirst), ("pool-first", FallbackOrder::PoolFirst)]),
    default: "account-first",
    help: "What comes first when the preferred pool is limited: the other pools of the account, or the \
           preferred pool of the other accounts.",
};

pub(super) static STRATEGY: Setting<StrategyName> = Setting {
    name: "strategy",
    form: StrategyName,
    default: "hybrid",
    help: "How accounts are put in order; see [STRATEGIES.md](STRATEGIES.md).",
};

pub(super) static HYBRID: Setting<Compound> = Setting {
    name: "hybrid",
    form: Compound("a map"),
    default: "",
    help: "The numbers of the strategy `hybrid`; see [Hybrid](#hybrid).",
};

pub(super) static AFFINITY: Setting<Compound> = Setting {
    name: "affinity",
    form: Compound("a map"),
    default: "",
    help: "How sessions are kept on their accounts, by the strategies that do; see [Affinity](#affinity).",
};

pub(super) static QUIET_MODE: Setting<Switch> = Setting {
    name: "quiet_mode",
    form: Switch,
    default: "false",
    help: "Whether to leave out the notices that a pool was exhausted and another is used.",
};

pub(super) static MAX_WAIT: Setting<Time> = Setting {
    name: "max_wait",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(600) },
    default: "120s",
    help: "The longest that one request waits for a place, all its waits together.",
};

pub(super) static HOLD: Setting<Time> = Setting {
    name: "hold",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(24 * 3_600) },
    default: "0s",
    help: "The longest that a streaming request of an agent waits for a place, where that is longer than \
           `max_wait`. The agent gets the head of its answer and then a keep-alive every 5 s, so that it does not \
           give the request up; a failure after that is an error event in the stream. For Claude Code, Codex, \
           Gemini CLI, and opencode over Anthropic Messages and chat completions. `0s` is not at all.",
};

pub(super) static QUOTA_REFRESH: Setting<Time> = Setting {
    name: "quota_refresh",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(24 * 3_600) },
    default: "5m",
    help: "How often, at the most, a quota endpoint is asked about an account that is in use; see `quota_url`. \
           `0s` is never.",
};

pub(super) static RECHECK: Setting<Time> = Setting {
    name: "recheck",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(24 * 3_600) },
    default: "10m",
    help: "How often one request tries a limit before its end: one that lasts longer than this and is a guess, or one of \
           more than an hour that an upstream told. `0s` is never.",
};

pub(super) static INTERACTIVE_FIRST: Setting<Switch> = Setting {
    name: "interactive_first",
    form: Switch,
    default: "true",
    help: "Whether requests that a person waits for go before those of subagents and of the background while they \
           wait for a place. Of four places the background gets one. Claude Code tells which is which, if \
           `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1` is set; subagents of other agents are known by their headers.",
};

pub(super) static LISTEN: Setting<Listen> =
    Setting { name: "listen", form: Listen, default: "127.0.0.1:8787", help: "Where the gateway listens." };

pub(super) static ALLOW_REMOTE: Setting<Switch> = Setting {
    name: "allow_remote",
    form: Switch,
    default: "false",
    help: "Whether `listen` may be an address that other machines can reach. Whoever reaches it can spend \
           your quotas.",
};

pub(super) static ALLOW_ORIGINS: Setting<Compound> = Setting {
    name: "allow_origins",
    form: Compound("an origin such as https://app.example, or a list of them"),
    default: "",
    help: "Where web pages are from that may use the gateway. Pages from elsewhere are refused, because any \
           page that is open in a browser could spend your quotas.",
};

pub(super) static ALLOW_HOSTS: Setting<Compound> = Setting {
    name: "allow_hosts",
    form: Compound("a host such as gateway.lan, or a list of them"),
    default: "",
    help: "Further names under which clients address the gateway. Loopback names, IP addresses and the name in \
           `listen` are always accepted; every other `Host` is refused, because a web page can give its own name \
           the address of this machine (DNS rebinding).",
};

pub(super) static STORE: Setting<StoreName> = Setting {
    name: "store",
    form: StoreName,
    default: "memory",
    help: "Where limits, cooldowns and readings are kept.",
};

pub(super) static STATE_DIR: Setting<Text> = Setting {
    name: "state_dir",
    form: Text("a folder"),
    default: "",
    help: "The folder of files that outlive a run. Not in this version.",
};

pub(super) static QUOTA_PROTECTION: Setting<Compound> = Setting {
    name: "quota_protection",
    form: Compound("a map"),
    default: "",
    help: "How much of a quota is left alone; see [Quota protection](#quota-protection).",
};

pub(super) static POOL_ORDER: Setting<Compound> = Setting {
    name: "pool_order",
    form: Compound("a map of model families to lists of pools"),
    default: "",
    help: "Which pools serve a model family, the preferred one first. A pool that is left out is used only \
           by requests that name it.",
};

pub(super) static TIMEOUTS: Setting<Compound> = Setting {
    name: "timeouts",
    form: Compound("a map"),
    default: "",
    help: "How long an upstream may take; see [Timeouts](#timeouts).",
};

pub(super) static PROVIDERS: Setting<Compound> = Setting {
    name: "providers",
    form: Compound("a map of provider names to providers"),
    default: "",
    help: "Providers of your own, and changes to those of the catalog; see [A provider](#a-provider).",
};

pub(super) static ACCOUNTS: Setting<Compound> = Setting {
    name: "accounts",
    form: Compound("a list of accounts"),
    default: "",
    help: "Your accounts; see [An account](#an-account). Without this key they are taken from \
           `ANTHROPIC_API_KEY`, `OPENAI_API_KEY` and `GEMINI_API_KEY`.",
};

pub(super) static FALLBACKS: Setting<Compound> = Setting {
    name: "fallbacks",
    form: Compound("a map of models to lists of `provider/model`"),
    default: "",
    help: "Where requests for a model go, in this order, when no account of its provider can serve them. The \
           providers speak one wire format. A key is a model, `provider/model`, or `*` for all others.",
};

pub(super) static TIMEOUT_KEYS: Section =
    Section { title: "Timeouts", help: "In `timeouts`.", keys: &[&CONNECT, &HEAD, &IDLE] };

pub(super) static CONNECT: Setting<Time> =
    Setting { name: "connect", form: TIMEOUT, default: "10s", help: "Until a connection stands." };

pub(super) static HEAD: Setting<Time> = Setting {
    name: "head",
    form: TIMEOUT,
    default: "280s",
    help: "Until the head of an answer is there. Some agents give up after 300s.",
};

pub(super) static IDLE: Setting<Time> =
    Setting { name: "idle", form: TIMEOUT, default: "280s", help: "Between two pieces of an answer." };

pub(super) static PROVIDER: Section = Section {
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
        &MAX_IN_FLIGHT_OF_POOL,
        &CONCURRENCY,
        &HOSTS,
    ],
};

pub(super) static KIND: Setting<Choice<WireFormat>> = Setting {
    name: "kind",
    form: Choice(&[
        (WireFormat::Anthropic.name(), WireFormat::Anthropic),
        (WireFormat::OpenAi.name(), WireFormat::OpenAi),
        (WireFormat::Gemini.name(), WireFormat::Gemini),
    ]),
    default: "",
    help: "The wire format it speaks. Needed for a provider that is not in the catalog.",
};

pub(super) static TITLE: Setting<Text> = Setting {
    name: "title",
    form: Text("any text"),
    default: "",
    help: "What people call it; by default its name.",
};

pub(super) static BASE_URL: Setting<Compound> = Setting {
    name: "base_url",
    form: URLS,
    default: "",
    help: "Where it is, with or without a version such as `/v1` at the end. Of several the first that works \
           is used. A pool without its own has the provider's.",
};

pub(super) static AUTH: Setting<Choice<AuthScheme>> = Setting {
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

pub(super) static HEADERS: Setting<Compound> = Setting {
    name: "headers",
    form: HEADER_MAP,
    default: "",
    help: "Headers that each request gets. A pool's win over its provider's. Credentials belong to accounts; where a \
           service wants one more, a value is blanked out of answers if its header's name has `key`, `token`, \
           `secret`, `auth`, `cookie`, `password` or `credential` in it.",
};

pub(super) static PROXY: Setting<Proxy> = Setting {
    name: "proxy",
    form: Proxy,
    default: "",
    help: "A proxy for requests; an account's wins over its provider's.",
};

pub(super) static OAUTH: Setting<Compound> = Setting {
    name: "oauth",
    form: Compound("a map"),
    default: "",
    help: "Your OAuth client, for accounts with a refresh_token; see [An OAuth client](#an-oauth-client).",
};

pub(super) static POOLS: Setting<Compound> = Setting {
    name: "pools",
    form: Compound("a map of pool names to pools"),
    default: "",
    help: "Its quota pools; see [A pool](#a-pool). Without any it has one, which bears its name.",
};

pub(super) static FAMILIES: Setting<Compound> = Setting {
    name: "families",
    form: Compound("a map of family names to families"),
    default: "",
    help: "Its model families; see [A family](#a-family). Without any all models are one family, which bears \
           its name, and all pools serve it.",
};

pub(super) static MODELS: Setting<Compound> = Setting {
    name: "models",
    form: MODEL_MAP,
    default: "",
    help: "How a model that callers name is named here. A pool's win over its provider's.",
};

pub(super) static QUOTA_URL: Setting<QuotaUrl> = Setting {
    name: "quota_url",
    form: QuotaUrl,
    default: "",
    help: "Where the provider tells what is left, with the account's credential. The answers of Code Assist \
           (`retrieveUserQuota`, `fetchAvailableModels`) and of Anthropic's usage are understood. A path is \
           appended to the first base URL, and has an effect in the envelope of Code Assist only.",
};

pub(super) static MAX_IN_FLIGHT_OF_POOL: Setting<Count> = Setting {
    name: "max_in_flight",
    form: IN_FLIGHT,
    default: "4000",
    help: "How many requests of one account may be under way in one pool. A pool's wins over its provider's.",
};

pub(super) static HOSTS: Setting<Compound> = Setting {
    name: "hosts",
    form: Compound("a list of hosts"),
    default: "",
    help: "Requests to these hosts are taken for this provider, besides those of its base URLs.",
};

pub(super) static OAUTH_KEYS: Section = Section {
    title: "An OAuth client",
    help: "In `oauth` of a provider. It is yours: none is built in.",
    keys: &[&CLIENT_ID, &CLIENT_SECRET, &TOKEN_URL],
};

pub(super) static CLIENT_ID: Setting<Text> =
    Setting { name: "client_id", form: Text("any text"), default: "", help: "The client's id. Needed." };

pub(super) static CLIENT_SECRET: Setting<Compound> =
    Setting { name: "client_secret", form: SECRET, default: "", help: "The client's secret, if it has one." };

pub(super) static TOKEN_URL: Setting<BaseUrl> =
    Setting { name: "token_url", form: BaseUrl, default: "", help: "Where tokens are refreshed. Needed." };

pub(super) static POOL: Section = Section {
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

pub(super) static ENVELOPE: Setting<Choice<Envelope>> = Setting {
    name: "envelope",
    form: Choice(&[("none", Envelope::None), ("code-assist", Envelope::CodeAssist)]),
    default: "none",
    help: "What is put around a request and taken off the answer.",
};

pub(super) static POOL_FAMILIES: Setting<Compound> = Setting {
    name: "families",
    form: Compound("a list of families"),
    default: "",
    help: "The families that this pool serves, after the pools that the families name themselves.",
};

pub(super) static SCOPE: Setting<Choice<Scope>> = Setting {
    name: "scope",
    form: Choice(&[("pool", Scope::Pool), ("model", Scope::Model)]),
    default: "pool",
    help: "What a limit covers: the whole pool, or the model that met it.",
};

pub(super) static FAMILY: Section = Section {
    title: "A family",
    help: "In `families` of a provider, by name. Families without patterns come last.",
    keys: &[&PATTERNS, &FAMILY_POOLS],
};

pub(super) static PATTERNS: Setting<Compound> = Setting {
    name: "patterns",
    form: Compound("a list of texts"),
    default: "",
    help: "A model belongs to the family when its name contains one of these. Without any the family takes \
           what the others leave.",
};

pub(super) static FAMILY_POOLS: Setting<Compound> = Setting {
    name: "pools",
    form: Compound("a list of pools"),
    default: "",
    help: "The pools that serve it, the preferred one first. Without any: all.",
};

/// Every section, in the order of the documentation.
pub(super) static SECTIONS: [&Section; 13] = [
    &TOP,
    &HYBRID_KEYS,
    &AFFINITY_KEYS,
    &TIMEOUT_KEYS,
    &RETRY_BUDGET_KEYS,
    &PROTECTION_KEYS,
    &PROTECTION_OF_MODEL,
    &PROVIDER,
    &CONCURRENCY_KEYS,
    &OAUTH_KEYS,
    &POOL,
    &FAMILY,
    &ACCOUNT,
];
