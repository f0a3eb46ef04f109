//! Generations: a configuration with the fleet built from the configuration.
//!
//! A request takes the current generation once and keeps the generation to the end, even if a reload
//! happens meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::admission::budget::Budget;
use pointsman_core::admission::vitals::Rates;
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
use crate::runtime::chains::Chains;

/// A configuration in force, with provider runtimes and failover chains.
#[derive(Debug)]
pub struct Generation {
    pub config: Config,
    /// The provider runtimes, in configuration order.
    pub crews: Vec<Crew>,
    pub chains: Chains,
    /// A hash, equal for equal configurations and credentials. No content can be derived from the hash.
    pub fingerprint: u64,
    /// The providers, as input for parsing routes.
    providers: Vec<Arc<Provider>>,
}

/// A provider runtime: the roster, the retry budget and the credentials.
#[derive(Debug)]
pub struct Crew {
    pub roster: Roster,
    /// The ids of the roster's members, in roster order.
    pub names: Arc<[AccountId]>,
    /// The retry budget of the provider.
    pub budget: Arc<Budget>,
    /// The credentials of each member of the roster, needed only for sending.
    pub papers: Vec<Papers>,
}

/// The credentials of an account: secret, project and proxy.
#[derive(Clone, Debug)]
pub struct Papers {
    pub credential: Credential,
    pub project: Option<String>,
    pub proxy: Option<ProxyUrl>,
}

impl Generation {
    /// Builds a generation. An account of `before` with an equal credential and equal pools keeps the
    /// state.
    pub fn new(config: Config, fleet: &Fleet, store: &dyn Store, before: Option<&Self>, now: Now) -> Self {
        let kept: BTreeSet<AccountId> = config.accounts.iter().map(|account| account.id.clone()).collect();
        fleet.keep_only(&kept);
        fleet.counts.forget_unused();
        let rates = config.settings.hybrid.rates;
        let recheck = config.settings.recheck;
        let making = Making { fleet, store, before, now, rates, recheck, protection: &config.protection };
        let crews: Vec<_> =
            config.providers.iter().map(|provider| making.crew(provider, &config.accounts)).collect();
        let providers = config.providers.iter().map(|provider| provider.core.clone()).collect();
        let chains = Chains::new(&config.fallbacks, &config.providers);
        let fingerprint = fingerprint(&config, &crews);
        Self { config, crews, chains, fingerprint, providers }
    }

    /// Returns the enabled accounts without a credential, each with the reason.
    pub fn without_credential(&self) -> BTreeMap<AccountId, Arc<str>> {
        let is_enabled =
            |id: &AccountId| self.config.accounts.iter().any(|account| account.id == *id && account.enabled);
        let papers = self.crews.iter().flat_map(|crew| crew.names.iter().zip(&crew.papers));
        let missing =
            papers.filter_map(|(id, papers)| Some((id.clone(), papers.credential.missing()?.clone())));
        missing.filter(|(id, _)| is_enabled(id)).collect()
    }

    fn papers_of(&self, account: &Arc<Account>) -> Option<&Papers> {
        let crew = |crew: &'_ Crew| {
            crew.roster.members.iter().position(|member| Arc::ptr_eq(&member.account, account))
        };
        self.crews.iter().find_map(|known| Some(&known.papers[crew(known)?]))
    }
}

impl Providers for Generation {
    fn all(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    fn has_accounts(&self, provider: &Provider) -> bool {
        let place = self.providers.iter().position(|known| std::ptr::eq(&**known, provider));
        place.is_some_and(|place| !self.crews[place].roster.members.is_empty())
    }

    fn has_account(&self, id: &str) -> bool {
        self.config.accounts.iter().any(|account| account.id.as_str() == id)
    }
}

/// The inputs for building a generation.
struct Making<'a> {
    fleet: &'a Fleet,
    store: &'a dyn Store,
    before: Option<&'a Generation>,
    now: Now,
    rates: Rates,
    recheck: Duration,
    protection: &'a Level,
}

impl Making<'_> {
    fn crew(&self, provider: &ProviderConfig, accounts: &[AccountConfig]) -> Crew {
        let own = accounts.iter().filter(|account| account.provider == provider.index);
        let (members, papers): (Vec<Member>, Vec<Papers>) =
            own.map(|account| self.member(provider, account)).unzip();
        let callers = (0..).zip(&members).zip(&papers).find(|(_, papers)| papers.credential.is_callers());
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
            .with_knocks(self.fleet.spacing(&provider.core.id), self.recheck);
        let roster = match callers {
            Some((place, callers)) => roster.with_callers(place, callers),
            None => roster,
        };
        Crew { roster, budget: self.fleet.budget(&provider.core.id), names, papers }
    }

    fn member(&self, provider: &ProviderConfig, config: &AccountConfig) -> (Member, Papers) {
        let account = self.fleet.enlist(&config.id, identity(provider, config), &provider.core);
        // A known account keeps its tokens and state; a new credential reopens it.
        let papers = match self.before.and_then(|before| before.papers_of(&account)) {
            Some(papers) if papers.credential.missing().is_none() => {
                if papers.credential.adopt(&config.credential, provider.oauth.as_ref()) {
                    account.reopen();
                }
                Papers { project: config.project.clone(), ..papers.clone() }
            }
            // New here, or without a credential before: start from the configuration and the store.
            Some(_) | None => self.enlisted(provider, config, &account),
        };
        let member = Member {
            account,
            weight: config.weight.into(),
            enabled: config.enabled && papers.credential.missing().is_none(),
            max_in_flight: config.max_in_flight,
            concurrency: config.concurrency.or(provider.concurrency.account),
            protections: self.protections(provider, config),
        };
        (member, papers)
    }

    fn protections(&self, provider: &ProviderConfig, account: &AccountConfig) -> Box<[Protection]> {
        let of = |pool: &Level| Protection::new([pool, &account.protection, self.protection]);
        provider.protections.iter().map(of).collect()
    }

    /// Makes the credentials of an account new in this process, and restores the limits in the store.
    fn enlisted(&self, provider: &ProviderConfig, config: &AccountConfig, account: &Account) -> Papers {
        for ((pool, model), limit) in self.store.account(&config.id).limits {
            if let Some(pool) = provider.core.pool(pool.as_str()) {
                account.recall(pool, model.as_ref(), limit.limit(self.now), self.now.mono);
            }
        }
        let proxy = config.proxy.clone().or_else(|| provider.proxy.clone());
        Papers {
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
                let refresher = Refresher::new(config.id.clone(), client.clone(), token, proxy, self.store);
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
fn fingerprint(config: &Config, crews: &[Crew]) -> u64 {
    let members = crews.iter().flat_map(|crew| &crew.roster.members);
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
