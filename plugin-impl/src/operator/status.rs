//! The status: the fleet at an instant, for the operator.

mod closed;
mod metrics;
mod table;
mod windows;

use pointsman_core::admission::allowance::Experience;
use pointsman_core::admission::cell::Ramp;
use pointsman_core::planning::snapshot::Standing;
use pointsman_core::quota::protection::Judgement;
use pointsman_core::request::catalog::MAX_IN_FLIGHT;
use pointsman_core::time::{Millis, Now, UnixMillis};
use serde_json::{Map, Value, json};

use crate::edges::config::ConfigSource;
use crate::fleet::account::PoolSummary;
use crate::fleet::callers::Callers;
use crate::fleet::caps::Cap;
use crate::fleet::closures;
use crate::fleet::{Member, Roster};
use crate::runtime::generation::AccountCredentials;
use crate::runtime::router::Router;

pub use self::closed::ClosedStatus;
pub use self::windows::WindowStatus;

/// The state of the fleet.
#[derive(Clone, Debug)]
pub struct Status {
    pub now: UnixMillis,
    /// The gateway's address by the configuration.
    pub listen: String,
    /// The source of the configuration.
    pub config: String,
    /// A hash, equal for equal configurations and credentials.
    pub fingerprint: u64,
    pub quiet_mode: bool,
    /// The number of waiting requests.
    pub waiting: u32,
    /// The providers with accounts.
    pub providers: Vec<ProviderStatus>,
    pub accounts: Vec<AccountStatus>,
    pub counters: Vec<(&'static str, u64)>,
}

/// The requests in flight at a provider.
#[derive(Clone, Debug)]
pub struct ProviderStatus {
    pub name: String,
    pub under_way: UnderWay,
    /// The requests in flight under each cap of models.
    pub models: Vec<(String, UnderWay)>,
    /// Closed endpoints.
    pub closed: Vec<ClosedStatus>,
}

/// The number of requests in flight, and the cap if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    pub in_flight: u32,
    pub cap: Option<u16>,
}

/// The status of an account.
#[derive(Clone, Debug)]
pub struct AccountStatus {
    pub id: String,
    pub provider: String,
    /// The wire format of the provider.
    pub format: &'static str,
    pub label: String,
    /// The number of credentials brought by callers, or `None` for an account with a credential of its own.
    /// The state is then the latest caller's, and the counts are the sum over the callers.
    pub callers: Option<usize>,
    pub state: AccountState,
    /// The reason for not being ready, or empty.
    pub reason: String,
    pub until: Option<UnixMillis>,
    pub under_way: UnderWay,
    pub pools: Vec<PoolStatus>,
    /// Closed models, operations and ways.
    pub closed: Vec<ClosedStatus>,
}

/// Whether an account takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    Ready,
    Cooling,
    NeedsSignIn,
    Disabled,
}

/// The status of a pool of an account.
#[derive(Clone, Debug)]
pub struct PoolStatus {
    pub name: String,
    pub state: PoolState,
    pub until: Option<UnixMillis>,
    pub under_way: UnderWay,
    pub consecutive_trips: u8,
    pub trips: u64,
    pub served: u64,
    pub limited: u64,
    /// The remaining quota of the tightest window in thousandths, if known.
    pub remaining: Option<u16>,
    /// The reset time of the tightest window.
    pub reset: Option<UnixMillis>,
    /// The reported state of each window.
    pub windows: Vec<WindowStatus>,
    /// The learned size of the pool's quota.
    pub learned: Experience,
}

/// Whether a pool takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolState {
    Open,
    Limited,
    Estimated,
    /// No quota remains, by experience.
    Predicted,
    Probing,
    /// The remaining quota is reserved by the user's protection.
    Protected,
}

impl AccountState {
    /// Returns the word for the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Cooling => "cooling",
            Self::NeedsSignIn => "needs sign-in",
            Self::Disabled => "disabled",
        }
    }
}

impl PoolState {
    /// Returns the word for the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Limited => "limited",
            Self::Estimated => "limited (guess)",
            Self::Predicted => "limited (learned)",
            Self::Probing => "probing",
            Self::Protected => "protected",
        }
    }
}

impl Status {
    /// Takes the status of a router.
    pub fn of(router: &Router) -> Self {
        let (generation, shared) = (router.generation(), router.shared());
        let now = shared.clock.now();
        let provider_runtimes = || generation.provider_runtimes.iter().zip(&generation.config.providers);
        let providers =
            provider_runtimes().filter(|(provider_runtime, _)| !provider_runtime.roster.members.is_empty());
        let accounts = provider_runtimes().flat_map(|(provider_runtime, provider)| {
            let pools = provider.core.pools.iter().map(|pool| pool.name.to_string()).collect::<Vec<_>>();
            let (roster, format) = (&provider_runtime.roster, provider.core.format.name());
            let view = move |((place, member), credentials): ((u32, &Member), &AccountCredentials)| {
                let account = account(roster, (place, member), format, &pools, now);
                let reason = credentials.credential.missing().map_or(account.reason, |why| why.to_string());
                AccountStatus { reason, ..account }
            };
            (0..).zip(&roster.members).zip(&provider_runtime.credentials).map(view).collect::<Vec<_>>()
        });
        Self {
            now: now.wall,
            listen: generation.config.listen.to_string(),
            config: source(&generation.config.source),
            fingerprint: generation.fingerprint,
            quiet_mode: shared.notices.is_quiet(),
            waiting: shared.fleet.wait_queues.waiting(),
            providers: providers
                .map(|(provider_runtime, config)| {
                    provider(config.core.id.to_string(), &provider_runtime.roster, now)
                })
                .collect(),
            accounts: accounts.collect(),
            counters: shared.counters.list(),
        }
    }

    /// Returns the number of accounts ready for requests.
    pub fn ready(&self) -> usize {
        self.accounts.iter().filter(|account| account.state == AccountState::Ready).count()
    }

    /// Returns the status as JSON.
    pub fn to_json(&self) -> Value {
        let counters: Map<String, Value> =
            self.counters.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "now_unix_ms": self.now.0,
            "quiet_mode": self.quiet_mode,
            "waiting": self.waiting,
            "providers": self.providers.iter().map(ProviderStatus::to_json).collect::<Vec<_>>(),
            "accounts": self.accounts.iter().map(AccountStatus::to_json).collect::<Vec<_>>(),
            "counters": counters,
        })
    }

    /// Returns the status as metrics, in the text format of Prometheus.
    pub fn to_metrics(&self) -> String {
        metrics::render(self)
    }

    /// Returns the status as a table for a terminal.
    pub fn to_table(&self) -> String {
        table::render(self)
    }
}

impl ProviderStatus {
    fn to_json(&self) -> Value {
        let models: Map<String, Value> =
            self.models.iter().map(|(name, under_way)| (name.clone(), under_way.to_json())).collect();
        json!({
            "name": self.name,
            "in_flight": self.under_way.in_flight,
            "cap": self.under_way.cap,
            "models": models,
            "closed": self.closed.iter().map(ClosedStatus::to_json).collect::<Vec<_>>(),
        })
    }
}

impl UnderWay {
    fn of(cap: &Cap) -> Self {
        Self { in_flight: cap.in_flight(), cap: cap.bound() }
    }

    fn to_json(self) -> Value {
        json!({"in_flight": self.in_flight, "cap": self.cap})
    }
}

impl AccountStatus {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "provider": self.provider,
            "format": self.format,
            "label": self.label,
            "callers": self.callers,
            "state": self.state.as_str(),
            "reason": self.reason,
            "until_unix_ms": self.until.map(|until| until.0),
            "in_flight": self.under_way.in_flight,
            "cap": self.under_way.cap,
            "pools": self.pools.iter().map(PoolStatus::to_json).collect::<Vec<_>>(),
            "closed": self.closed.iter().map(ClosedStatus::to_json).collect::<Vec<_>>(),
        })
    }
}

impl PoolStatus {
    /// Adds the counts of another caller.
    fn with(mut self, other: &PoolSummary) -> Self {
        self.under_way.in_flight += u32::from(other.quota.in_flight);
        self.trips += other.trips;
        self.served += other.served;
        self.limited += other.limited;
        self
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "state": self.state.as_str(),
            "until_unix_ms": self.until.map(|until| until.0),
            "in_flight": self.under_way.in_flight,
            "cap": self.under_way.cap,
            "consecutive_trips": self.consecutive_trips,
            "trips": self.trips,
            "served": self.served,
            "limited": self.limited,
            "remaining": self.remaining.map(windows::fraction),
            "windows": self.windows.iter().map(WindowStatus::to_json).collect::<Vec<_>>(),
            "predicted": {
                "capacity": self.learned.capacity,
                "used": self.learned.used,
                "every_ms": self.learned.span,
            },
        })
    }
}

fn provider(name: String, roster: &Roster, now: Now) -> ProviderStatus {
    let caps = roster.caps();
    let models = caps.models.iter().map(|(models, cap)| (models.as_str().to_owned(), UnderWay::of(cap)));
    let closed = closures::of_endpoints(&roster.endpoints, now.mono).into_iter();
    let closed = closed.map(|closure| ClosedStatus::of(closure, &[], now)).collect();
    ProviderStatus { name, under_way: UnderWay::of(&caps.total), models: models.collect(), closed }
}

fn account(
    roster: &Roster,
    (place, member): (u32, &Member),
    format: &'static str,
    pools: &[String],
    now: Now,
) -> AccountStatus {
    let callers = roster.callers_at(place).map(Callers::all);
    // Callers' accounts share one row: the state of the last caller, the counts of all.
    let (member, others) = match callers.as_deref() {
        Some([last, others @ ..]) => (&Member { account: last.clone(), ..member.clone() }, others),
        Some([]) | None => (member, &[][..]),
    };
    let account = &member.account;
    let (state, until) = account_state(member, now);
    AccountStatus {
        id: account.id.to_string(),
        provider: account.id.provider().to_owned(),
        format,
        label: account.id.label().to_owned(),
        callers: callers.as_ref().map(Vec::len),
        state,
        reason: reason(member, state).to_owned(),
        until,
        under_way: UnderWay::of(&member.cap()),
        closed: closures::of_account(account, &roster.endpoints, now.mono)
            .into_iter()
            .map(|closure| ClosedStatus::of(closure, pools, now))
            .collect(),
        pools: pools
            .iter()
            .enumerate()
            .map(|(index, name)| pool(member, roster.bound(member, index, now.mono), index, name, now))
            .enumerate()
            .map(|(index, pool)| others.iter().fold(pool, |sum, other| sum.with(&other.pool(index))))
            .collect(),
    }
}

/// Returns the reason for an account's cooldown, or an empty text.
fn reason(member: &Member, state: AccountState) -> &'static str {
    match state {
        AccountState::Cooling => member.account.reason().as_str(),
        AccountState::Ready | AccountState::NeedsSignIn | AccountState::Disabled => "",
    }
}

fn account_state(member: &Member, now: Now) -> (AccountState, Option<UnixMillis>) {
    match member.account.standing() {
        _ if !member.enabled => return (AccountState::Disabled, None),
        Standing::Disabled => return (AccountState::Disabled, None),
        Standing::NeedsSignIn => return (AccountState::NeedsSignIn, None),
        Standing::Ready => {}
    }
    let health = member.account.health();
    if now.mono < health.until {
        return (AccountState::Cooling, Some(now.wall_of(health.until)));
    }
    (AccountState::Ready, None)
}

fn pool(member: &Member, bound: u16, index: usize, name: &str, now: Now) -> PoolStatus {
    let known = member.account.pool(index);
    let (state, until) = pool_state(&known, member.protection(index, now.mono), now);
    let (remaining, reset) = windows::tightest(&known.windows, now);
    PoolStatus {
        name: name.to_owned(),
        state,
        until: until.map(|until| now.wall_of(until)),
        under_way: UnderWay {
            in_flight: known.quota.in_flight.into(),
            cap: Some(bound).filter(|bound| *bound < MAX_IN_FLIGHT),
        },
        consecutive_trips: known.quota.consecutive_trips,
        trips: known.trips,
        served: known.served,
        limited: known.limited,
        remaining,
        reset,
        windows: windows::all(&known.windows, now),
        learned: known.learned,
    }
}

fn pool_state(known: &PoolSummary, protection: Judgement, now: Now) -> (PoolState, Option<Millis>) {
    let quota = known.quota;
    if now.mono < quota.until {
        let state = if quota.known { PoolState::Limited } else { PoolState::Estimated };
        return (state, Some(quota.until));
    }
    if let Judgement::Kept { until } = protection {
        return (PoolState::Protected, until);
    }
    match known.learned.until {
        Some(until) if now.mono < until => (PoolState::Predicted, Some(until)),
        _ if quota.ramp == Ramp::Open => (PoolState::Open, None),
        _ => (PoolState::Probing, None),
    }
}

fn source(source: &ConfigSource) -> String {
    match source {
        ConfigSource::File(path) => path.display().to_string(),
        ConfigSource::Defaults => "(defaults)".to_owned(),
    }
}
