//! Generations: a configuration with the fleet built from the configuration.
//!
//! A request takes the current generation once and keeps the generation to the end, even if a reload
//! happens meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::admission::budget::Budget;
use pointsman_core::admission::health_stats::Rates;
use pointsman_core::ids::AccountId;
use pointsman_core::quota::protection::{Level, Protection};
use pointsman_core::request::catalog::Provider;
use pointsman_core::request::route::Providers;
use pointsman_core::time::Now;

use crate::edges::auth::{Credential, Kept, Refresher};
use crate::edges::config::{
    AccountConfig, Concurrency, Config, ConfiguredSecret, CredentialSource, ProviderConfig, ProxyUrl,
};
use crate::edges::store::Store;
use crate::fleet::{Account, Fleet, Identity, Member, Roster};
use crate::runtime::failover::FailoverChains;

/// A configuration in force, with provider runtimes and failover chains.
#[derive(Debug)]
pub struct Generation {
    pub config: Config,
    /// The provider runtimes, in configuration order.
    pub provider_runtimes: Vec<ProviderRuntime>,
    pub failover_chains: FailoverChains,
    /// A hash, equal for equal configurations and credentials. No content can be derived from the hash.
    pub fingerprint: u64,
    /// The providers, as input for parsing routes.
    providers: Vec<Arc<Provider>>,
}

/// A provider runtime: the roster, the retry budget and the credentials.
#[derive(Debug)]
pub struct ProviderRuntime {
    pub roster: Roster,
    /// The ids of the roster's members, in roster order.
    pub names: Arc<[AccountId]>,
    /// The retry budget of the provider.
    pub budget: Arc<Budget>,
    /// The credentials of each member of the roster, needed only for sending.
    pub credentials: Vec<AccountCredentials>,
}

/// The credentials of an account: secret, project and proxy.
#[derive(Clone, Debug)]
pub struct AccountCredentials {
    pub credential: Credential,
    pub project: Option<String>,
    pub proxy: Option<ProxyUrl>,
}

impl Generation {
    /// Builds a generation. An account of `before` with an equal credential and equal pools keeps the
    /// state.
    pub fn new(config: Config, fleet: &Fleet, store: &Store, before: Option<&Self>, now: Now) -> Self {
        let kept: BTreeSet<AccountId> = config.accounts.iter().map(|account| account.id.clone()).collect();
        fleet.keep_only(&kept);
        fleet.counts.forget_unused();
        let rates = config.settings.hybrid.rates;
        let recheck = config.settings.recheck;
        let making = Making { fleet, store, before, now, rates, recheck, protection: &config.protection };
        let provider_runtimes: Vec<_> = config
            .providers
            .iter()
            .map(|provider| making.provider_runtime(provider, &config.accounts))
            .collect();
        let providers = config.providers.iter().map(|provider| provider.core.clone()).collect();
        let failover_chains = FailoverChains::new(&config.fallbacks, &config.providers);
        let fingerprint = fingerprint(&config, &provider_runtimes);
        Self { config, provider_runtimes, failover_chains, fingerprint, providers }
    }

    /// Returns the enabled accounts without a credential, each with the reason.
    pub fn without_credential(&self) -> BTreeMap<AccountId, Arc<str>> {
        let is_enabled =
            |id: &AccountId| self.config.accounts.iter().any(|account| account.id == *id && account.enabled);
        let credentials = self
            .provider_runtimes
            .iter()
            .flat_map(|provider_runtime| provider_runtime.names.iter().zip(&provider_runtime.credentials));
        let missing = credentials
            .filter_map(|(id, credentials)| Some((id.clone(), credentials.credential.missing()?.clone())));
        missing.filter(|(id, _)| is_enabled(id)).collect()
    }

    fn credentials_of(&self, account: &Arc<Account>) -> Option<&AccountCredentials> {
        let provider_runtime = |provider_runtime: &'_ ProviderRuntime| {
            provider_runtime.roster.members.iter().position(|member| Arc::ptr_eq(&member.account, account))
        };
        self.provider_runtimes.iter().find_map(|known| Some(&known.credentials[provider_runtime(known)?]))
    }
}

impl Providers for Generation {
    fn all(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    fn has_accounts(&self, provider: &Provider) -> bool {
        let place = self.providers.iter().position(|known| std::ptr::eq(&**known, provider));
        place.is_some_and(|place| !self.provider_runtimes[place].roster.members.is_empty())
    }

    fn has_account(&self, id: &str) -> bool {
        self.config.accounts.iter().any(|account| account.id.as_str() == id)
    }
}

/// The inputs for building a generation.
struct Making<'a> {
    fleet: &'a Fleet,
    store: &'a Store,
    before: Option<&'a Generation>,
    now: Now,
    rates: Rates,
    recheck: Duration,
    protection: &'a Level,
}

impl Making<'_> {
    fn provider_runtime(&self, provider: &ProviderConfig, accounts: &[AccountConfig]) -> ProviderRuntime {
        let own = accounts.iter().filter(|account| account.provider == provider.index);
        let (members, credentials): (Vec<Member>, Vec<AccountCredentials>) =
            own.map(|account| self.member(provider, account)).unzip();
        let callers = (0..)
            .zip(&members)
            .zip(&credentials)
            .find(|(_, credentials)| credentials.credential.is_callers());
        let callers = callers.map(|((place, member), _)| (place, self.fleet.callers(&member.account)));
        let names = members.iter().map(|member| member.account.id.clone()).collect();
        let endpoints = provider
            .core
            .pools
            .iter()
            .map(|pool| pool.endpoints.iter().map(|endpoint| self.fleet.endpoint(endpoint)).collect());
        let Concurrency { total, ref models, .. } = provider.concurrency;
        let caps = self.fleet.counts.caps(&provider.core.id, total, models);
        let roster = Roster::new(&provider.core, members, endpoints.collect())
            .with_caps(caps)
            .with_rates(self.rates)
            .with_early_probes(self.fleet.spacing(&provider.core.id), self.recheck);
        let roster = match callers {
            Some((place, callers)) => roster.with_callers(place, callers),
            None => roster,
        };
        ProviderRuntime { roster, budget: self.fleet.budget(&provider.core.id), names, credentials }
    }

    fn member(&self, provider: &ProviderConfig, config: &AccountConfig) -> (Member, AccountCredentials) {
        let account = self.fleet.enlist(&config.id, identity(provider, config), &provider.core);
        // A known account keeps its tokens and state; a new credential reopens it.
        let credentials = match self.before.and_then(|before| before.credentials_of(&account)) {
            Some(credentials) if credentials.credential.missing().is_none() => {
                if credentials.credential.adopt(&config.credential, provider.oauth.as_ref()) {
                    account.reopen();
                }
                AccountCredentials { project: config.project.clone(), ..credentials.clone() }
            }
            // New here, or without a credential before: start from the configuration and the store.
            Some(_) | None => self.enlisted(provider, config, &account),
        };
        let member = Member {
            account,
            weight: config.weight.into(),
            priority: config.priority,
            models: config.models.clone(),
            enabled: config.enabled && credentials.credential.missing().is_none(),
            max_in_flight: config.max_in_flight,
            concurrency: config.concurrency.or(provider.concurrency.account),
            protections: self.protections(provider, config),
        };
        (member, credentials)
    }

    fn protections(&self, provider: &ProviderConfig, account: &AccountConfig) -> Box<[Protection]> {
        let of = |pool: &Level| Protection::new([pool, &account.protection, self.protection]);
        provider.protections.iter().map(of).collect()
    }

    /// Makes the credentials of an account new in this process, and restores the limits in the store.
    fn enlisted(
        &self,
        provider: &ProviderConfig,
        config: &AccountConfig,
        account: &Account,
    ) -> AccountCredentials {
        // Orders first: a reset forgets what was heard before the order, and nothing after.
        account.obey(&self.store.orders(&config.id));
        for ((pool, model), limit) in self.store.account(&config.id).limits {
            if let Some(pool) = provider.core.pool(pool.as_str()) {
                account.recall(pool, model.as_ref(), limit.limit(self.now), self.now.mono);
            }
        }
        let proxy = config.proxy.clone().or_else(|| provider.proxy.clone());
        AccountCredentials {
            credential: self.credential(provider, config, proxy.clone()),
            project: config.project.clone(),
            proxy,
        }
    }

    fn credential(
        &self,
        provider: &ProviderConfig,
        config: &AccountConfig,
        proxy: Option<ProxyUrl>,
    ) -> Credential {
        let Some(configured) = config.credential.secret() else { return Credential::Callers };
        let secret = match configured.secret() {
            Ok(secret) => secret,
            Err(why) => return Credential::Missing(why.into()),
        };
        match (&config.credential, &provider.oauth) {
            (CredentialSource::ApiKey(_), _) => Credential::ApiKey(Kept::new(secret, configured)),
            (CredentialSource::RefreshToken(_), Some(client)) => {
                if let Some(Err(why)) = client.client_secret.as_ref().map(ConfiguredSecret::secret) {
                    return Credential::Missing(why.into());
                }
                let token = (secret, configured.source().cloned());
                let kept = (self.store, self.now);
                let refresher = Refresher::new(config.id.clone(), client.clone(), token, proxy, kept);
                Credential::Refreshing(Arc::new(refresher))
            }
            // The configuration is refused where a refresh token has no client.
            (
                CredentialSource::AccessToken(_)
                | CredentialSource::RefreshToken(_)
                | CredentialSource::Caller,
                _,
            ) => Credential::AccessToken(Kept::new(secret, configured)),
        }
    }
}

/// Hashes every setting of routing and sending. The debug print of a configuration has no secrets; the
/// accounts' identities add the secrets' hashes.
fn fingerprint(config: &Config, provider_runtimes: &[ProviderRuntime]) -> u64 {
    let members = provider_runtimes.iter().flat_map(|provider_runtime| &provider_runtime.roster.members);
    let identities: Vec<_> = members.map(|member| member.account.identity()).collect();
    hash_of(&(format!("{:?}", config.printed()), identities))
}

/// Returns the identity of an account: a hash of the credential and its kind, the pools' names and endpoints,
/// the OAuth client and the proxy. A secret from a file or a command may change without a new identity.
fn identity(provider: &ProviderConfig, config: &AccountConfig) -> Identity {
    let secret = config.credential.secret();
    let pools: Vec<_> = provider.core.pools.iter().map(|pool| (&pool.name, &pool.endpoints)).collect();
    let oauth = provider.oauth.as_ref().map(|client| (&client.client_id, &client.token_url));
    let proxy = config.proxy.as_ref().or(provider.proxy.as_ref()).map(ProxyUrl::expose);
    Identity(hash_of(&(secret, std::mem::discriminant(&config.credential), pools, oauth, proxy)))
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
