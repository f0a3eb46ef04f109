//! All settings there are, each defined once.

mod account;
mod bounds;
pub(super) mod not_yet;
mod policy;
mod provider;
pub(super) mod setting;

use std::time::Duration;

use pointsman_core::planning::settings::{Drain, FallbackOrder};

use crate::edges::config::settings::setting::{Section, Setting};
use crate::edges::config::values::amount::Time;
use crate::edges::config::values::listen::Listen;
use crate::edges::config::values::store::StoreName;
use crate::edges::config::values::url::OriginForm;
use crate::edges::config::values::{Choice, Compound, StrategyName, Switch, Text};

pub(crate) use self::account::*;
pub(crate) use self::bounds::{
    BODY_TIMEOUT, CAP, CAP_OF_ACCOUNT, CAP_OF_ACCOUNTS, CAP_TOTAL, CAPS_OF_MODELS, CONCURRENCY,
    CONCURRENCY_KEYS, MAX_BODIES, MAX_BODY, MAX_WAITING, RETRY_BUDGET, RETRY_BUDGET_KEYS, RETRY_FLOOR,
    RETRY_SHARE,
};
pub(crate) use self::policy::*;
pub(crate) use self::provider::*;

const TIMEOUT: Time = Time { from: Duration::from_millis(100), to: Duration::from_secs(3_600) };

/// The form of each element of [`ALLOW_ORIGINS`].
pub(crate) const ORIGIN_FORM: OriginForm = OriginForm;

pub(crate) static TOP: Section = Section {
    title: "Top level",
    help: "Settings marked with a variable can be set by it, which wins over the file.",
    keys: &[
        &QUOTA_FALLBACK,
        &FALLBACK_ORDER,
        &STRATEGY,
        &DRAIN,
        &HYBRID,
        &AFFINITY,
        &QUIET_MODE,
        &UNBIND,
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
        &STORE_PATH,
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

pub(crate) static QUOTA_FALLBACK: Setting<Switch> = Setting {
    name: "quota_fallback",
    form: Switch,
    default: "false",
    help: "Whether a request that does not name a quota pool may use another than the preferred one.",
};

pub(crate) static FALLBACK_ORDER: Setting<Choice<FallbackOrder>> = Setting {
    name: "fallback_order",
    form: Choice(&[("account-first", FallbackOrder::AccountFirst), ("pool-first", FallbackOrder::PoolFirst)]),
    default: "account-first",
    help: "What comes first when the preferred pool is limited: the other pools of the account, or the \
           preferred pool of the other accounts.",
};

pub(crate) static STRATEGY: Setting<StrategyName> = Setting {
    name: "strategy",
    form: StrategyName,
    default: "hybrid",
    help: "How accounts are put in order; see [STRATEGIES.md](STRATEGIES.md).",
};

pub(crate) static HYBRID: Setting<Compound> = Setting {
    name: "hybrid",
    form: Compound("a map"),
    default: "",
    help: "The numbers of the strategy `hybrid`; see [Hybrid](#hybrid).",
};

pub(crate) static AFFINITY: Setting<Compound> = Setting {
    name: "affinity",
    form: Compound("a map"),
    default: "",
    help: "How sessions are kept on their accounts, by the strategies that do; see [Affinity](#affinity).",
};

pub(crate) static DRAIN: Setting<Choice<Drain>> = Setting {
    name: "drain",
    form: Choice(&[("none", Drain::None), ("soonest-reset", Drain::SoonestReset)]),
    default: "none",
    help: "With `soonest-reset` the account goes first whose quota is whole again soonest, so that no quota lapses: before \
           the strategy, for sessions without an account of their own; with `hybrid` as points beside the others \
           (`weight_drain`).",
};

pub(crate) static UNBIND: Setting<Switch> = Setting {
    name: "unbind",
    form: Switch,
    default: "false",
    help: "Whether a request goes on at another account without the state that only its own account can read, where that \
           account cannot serve: encrypted reasoning, thinking and signatures. The model then loses what it thought \
           before. Conversations and files that the upstream keeps stay bound.",
};

pub(crate) static QUIET_MODE: Setting<Switch> = Setting {
    name: "quiet_mode",
    form: Switch,
    default: "false",
    help: "Whether to leave out the notices that a pool was exhausted and another is used.",
};

pub(crate) static MAX_WAIT: Setting<Time> = Setting {
    name: "max_wait",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(600) },
    default: "120s",
    help: "The longest that one request waits for a place, all its waits together.",
};

pub(crate) static HOLD: Setting<Time> = Setting {
    name: "hold",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(24 * 3_600) },
    default: "0s",
    help: "The longest that a streaming request of an agent waits for a place, where that is longer than \
           `max_wait`. The agent gets the head of its answer and then a keep-alive every 5 s, so that it does not \
           give the request up; a failure after that is an error event in the stream. For Claude Code, Codex, \
           Gemini CLI, and opencode over Anthropic Messages and chat completions. `0s` is not at all.",
};

pub(crate) static QUOTA_REFRESH: Setting<Time> = Setting {
    name: "quota_refresh",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(24 * 3_600) },
    default: "5m",
    help: "How often, at the most, a quota endpoint is asked about an account that is in use; see `quota_url`. \
           `0s` is never.",
};

pub(crate) static RECHECK: Setting<Time> = Setting {
    name: "recheck",
    form: Time { from: Duration::ZERO, to: Duration::from_secs(24 * 3_600) },
    default: "10m",
    help: "How often one request tries a limit before its end: one that lasts longer than this and is a guess, or one of \
           more than an hour that an upstream told. `0s` is never.",
};

pub(crate) static INTERACTIVE_FIRST: Setting<Switch> = Setting {
    name: "interactive_first",
    form: Switch,
    default: "true",
    help: "Whether requests that a person waits for go before those of subagents and of the background while they \
           wait for a place. Of four places the background gets one. Claude Code tells which is which, if \
           `CLAUDE_CODE_GATEWAY_HINT_HEADERS=1` is set; subagents of other agents are known by their headers.",
};

pub(crate) static LISTEN: Setting<Listen> =
    Setting { name: "listen", form: Listen, default: "127.0.0.1:8787", help: "Where the gateway listens." };

pub(crate) static ALLOW_REMOTE: Setting<Switch> = Setting {
    name: "allow_remote",
    form: Switch,
    default: "false",
    help: "Whether `listen` may be an address that other machines can reach. Whoever reaches it can spend \
           your quotas.",
};

pub(crate) static ALLOW_ORIGINS: Setting<Compound> = Setting {
    name: "allow_origins",
    form: Compound("an origin such as https://app.example, or a list of them"),
    default: "",
    help: "Where web pages are from that may use the gateway. Pages from elsewhere are refused, because any \
           page that is open in a browser could spend your quotas.",
};

pub(crate) static ALLOW_HOSTS: Setting<Compound> = Setting {
    name: "allow_hosts",
    form: Compound("a host such as gateway.lan, or a list of them"),
    default: "",
    help: "Further names under which clients address the gateway. Loopback names, IP addresses and the name in \
           `listen` are always accepted; every other `Host` is refused, because a web page can give its own name \
           the address of this machine (DNS rebinding).",
};

pub(crate) static STORE: Setting<StoreName> = Setting {
    name: "store",
    form: StoreName,
    default: "sqlite",
    help: "Where limits, tokens and readings are kept: in a file that outlives the process and is shared by all \
           processes of the user, or in memory. A change takes effect at the next start.",
};

pub(crate) static STORE_PATH: Setting<Text> = Setting {
    name: "store_path",
    form: Text("a file"),
    default: "",
    help: "The file of `store: sqlite`; without it, `state.db` in `state_dir`. It has to be on a disk of this \
           machine, because SQLite's journal does not work on network file systems. The file holds \
           refreshed tokens and is readable by the user only.",
};

pub(crate) static STATE_DIR: Setting<Text> = Setting {
    name: "state_dir",
    form: Text("a folder"),
    default: "",
    help: "The folder of files that outlive a run; without it `$XDG_STATE_HOME/pointsman`, which is \
           `~/.local/state/pointsman` by default.",
};

pub(crate) static QUOTA_PROTECTION: Setting<Compound> = Setting {
    name: "quota_protection",
    form: Compound("a map"),
    default: "",
    help: "How much of a quota is left alone; see [Quota protection](#quota-protection).",
};

pub(crate) static POOL_ORDER: Setting<Compound> = Setting {
    name: "pool_order",
    form: Compound("a map of model families to lists of pools"),
    default: "",
    help: "Which pools serve a model family, the preferred one first. A pool that is left out is used only \
           by requests that name it.",
};

pub(crate) static TIMEOUTS: Setting<Compound> = Setting {
    name: "timeouts",
    form: Compound("a map"),
    default: "",
    help: "How long an upstream may take; see [Timeouts](#timeouts).",
};

pub(crate) static PROVIDERS: Setting<Compound> = Setting {
    name: "providers",
    form: Compound("a map of provider names to providers"),
    default: "",
    help: "Providers of your own, and changes to those of the catalog; see [A provider](#a-provider).",
};

pub(crate) static ACCOUNTS: Setting<Compound> = Setting {
    name: "accounts",
    form: Compound("a list of accounts"),
    default: "",
    help: "Your accounts; see [An account](#an-account). Without this key they are taken from \
           `ANTHROPIC_API_KEY`, `OPENAI_API_KEY` and `GEMINI_API_KEY`.",
};

pub(crate) static FALLBACKS: Setting<Compound> = Setting {
    name: "fallbacks",
    form: Compound("a map of models to lists of `provider/model`"),
    default: "",
    help: "Where requests for a model go, in this order, when no account of its provider can serve them. The \
           providers speak one wire format. A key is a model, `provider/model`, or `*` for all others.",
};

pub(crate) static TIMEOUT_KEYS: Section =
    Section { title: "Timeouts", help: "In `timeouts`.", keys: &[&CONNECT, &HEAD, &IDLE] };

pub(crate) static CONNECT: Setting<Time> =
    Setting { name: "connect", form: TIMEOUT, default: "10s", help: "Until a connection stands." };

pub(crate) static HEAD: Setting<Time> = Setting {
    name: "head",
    form: TIMEOUT,
    default: "280s",
    help: "Until the head of an answer is there. Some agents give up after 300s.",
};

pub(crate) static IDLE: Setting<Time> =
    Setting { name: "idle", form: TIMEOUT, default: "280s", help: "Between two pieces of an answer." };

/// Every section, in the order of the documentation.
pub(crate) static SECTIONS: [&Section; 15] = [
    &TOP,
    &HYBRID_KEYS,
    &AFFINITY_KEYS,
    &TIMEOUT_KEYS,
    &RETRY_BUDGET_KEYS,
    &PROTECTION_KEYS,
    &PROTECTION_OF_MODEL,
    &PROVIDER,
    &ERROR,
    &CONCURRENCY_KEYS,
    &OAUTH_KEYS,
    &POOL,
    &FAMILY,
    &ACCOUNT,
    &MODELS_OF_ACCOUNT_KEYS,
];
