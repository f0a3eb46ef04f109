//! Routes: the provider, family, pools and accounts of a request.
//!
//! A model name can pin: `antigravity-gemini-3-flash` (prefix), `gemini-3-flash:antigravity` (suffix),
//! `antigravity/gemini-3-flash` (provider or pool before a slash). The headers `x-pointsman-account` and
//! `x-pointsman-pool` pin, too. A pinned route has no fallback list, so a fallback from a pin is not
//! expressible.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;
use thiserror::Error;

use crate::formats::WireFormat;
use crate::ids::AccountId;
use crate::request::catalog::{Family, Pool, Provider};

/// Services with only their own models, under ids without slashes. Other services may be aggregators.
const WITHOUT_SLASHES: [&str; 7] = ["openai", "deepseek", "mistral", "xai", "cerebras", "moonshot", "zai"];

/// Aggregators of the catalog: services with models of many vendors, under ids with slashes.
const WITH_SLASHES: [&str; 5] = ["openrouter", "groq", "together", "fireworks", "nvidia"];

/// A parsed target.
#[derive(Clone, Debug)]
pub struct Route {
    pub provider: Arc<Provider>,
    /// A name such as `claude`.
    pub family: String,
    /// The caller's model name, without its pin.
    pub model: String,
    pub choice: Choice,
    /// The only account of the route, if pinned.
    pub account: Option<AccountId>,
}

/// The pools of a route, as indices into the provider's pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Only this pool.
    Pinned(usize),
    /// These pools, the preferred pool first.
    Preferred(SmallVec<[usize; 4]>),
}

/// A request's target, not yet resolved.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub format: WireFormat,
    /// The provider named by the URL, if any.
    pub provider: Option<&'a str>,
    pub model: &'a str,
    /// The header `x-pointsman-pool`.
    pub pool: Option<&'a str>,
    /// The header `x-pointsman-account`.
    pub account: Option<&'a str>,
}

/// The providers of a configuration, with their accounts.
pub trait Providers {
    /// Returns all providers, in the order of the configuration.
    fn all(&self) -> &[Arc<Provider>];

    /// Returns whether a provider of [`Providers::all`] has an account.
    fn has_accounts(&self, provider: &Provider) -> bool;

    /// Returns whether the account exists.
    fn has_account(&self, id: &str) -> bool;
}

/// A target without a route. Each text names the fault and the valid choices.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    #[error("pool `{asked}` is unknown for model `{model}`; known pools: {known}")]
    UnknownPool { asked: String, model: String, known: String },
    #[error("pool `{pool}` of provider `{provider}` does not serve model `{model}`; pools that do: {known}")]
    PoolDoesNotServe { pool: String, provider: String, model: String, known: String },
    #[error("`{asked}` in model `{model}` is neither a provider nor a pool; known: {known}")]
    UnknownProvider { asked: String, model: String, known: String },
    #[error("provider `{provider}` speaks {speaks}, and this request is written in {format}")]
    OtherFormat { provider: String, speaks: WireFormat, format: WireFormat },
    #[error("account `{asked}` is unknown at provider `{provider}`; ids are written `provider:label`")]
    UnknownAccount { asked: String, provider: String },
    #[error(
        "no account for provider `{provider}`: add one under `accounts:` in pointsman.yaml, such as `{{id: \"{provider}:work\", …}}`"
    )]
    NoAccounts { provider: String },
    #[error("no provider for {format} requests has an account: add one under `accounts:` in pointsman.yaml")]
    NoProvider { format: WireFormat },
}

impl Route {
    /// Resolves a request's target.
    ///
    /// # Errors
    /// [`RouteError`] for an unknown target, or a target without an account.
    pub fn parse(ask: &Ask<'_>, providers: &impl Providers, fallback: bool) -> Result<Self, RouteError> {
        let named = Named::read(ask, providers)?;
        let provider = match &named.provider {
            Some(provider) => provider.clone(),
            None => default_provider(ask, named.pool, providers)?,
        };
        if provider.format != ask.format {
            let (speaks, format) = (provider.format, ask.format);
            return Err(RouteError::OtherFormat { provider: provider.id.to_string(), speaks, format });
        }
        if !providers.has_accounts(&provider) {
            return Err(RouteError::NoAccounts { provider: provider.id.to_string() });
        }
        let account = account(ask, &provider, providers)?;
        let family = provider.family(named.model);
        let choice = match named.pool {
            Some(pool) => pinned(&provider, family, pool, named.model)?,
            None => preferred(family, fallback),
        };
        let (family, model) = (family.name.clone(), named.model.to_owned());
        Ok(Self { provider, family, model, choice, account })
    }

    /// Returns the pools of the route, the preferred pool first.
    pub fn pools(&self) -> &[usize] {
        match &self.choice {
            Choice::Pinned(pool) => std::slice::from_ref(pool),
            Choice::Preferred(pools) => pools,
        }
    }

    /// Returns a pool of the provider.
    pub fn pool(&self, index: usize) -> &Pool {
        &self.provider.pools[index]
    }

    /// Returns a number shared by routes with equal accounts and pools.
    ///
    /// Requests with an equal number share a wait queue. The number has no meaning outside of the process.
    pub fn wait_queue(&self) -> u64 {
        FixedState::default().hash_one((&self.provider.id, &self.family, self.pools(), &self.account))
    }

    /// Returns whether the request pinned its pool.
    pub fn is_pinned(&self) -> bool {
        matches!(self.choice, Choice::Pinned(_))
    }
}

/// The parts of a model name.
struct Named<'a> {
    provider: Option<Arc<Provider>>,
    pool: Option<&'a str>,
    model: &'a str,
}

impl<'a> Named<'a> {
    fn read(ask: &Ask<'a>, providers: &impl Providers) -> Result<Self, RouteError> {
        let provider = match ask.provider {
            Some(id) => Some(find(providers, id).ok_or_else(|| unknown_provider(id, ask, providers))?),
            None => None,
        };
        let mut named = match ask.model.split_once('/') {
            Some((left, model)) => Self::before_slash(ask, provider, left, model, providers)?,
            None => Self { provider, pool: None, model: ask.model },
        };
        // A pool before the slash rules out affixes: the rest is the model's own name.
        if named.pool.is_none() {
            named.read_affixes(ask, providers)?;
        }
        // An explicit pool outranks the pool in the model name.
        named.pool = ask.pool.or(named.pool);
        named.provider = named.provider.take().or_else(|| account_provider(ask, providers));
        Ok(named)
    }

    fn before_slash(
        ask: &Ask<'a>,
        provider: Option<Arc<Provider>>,
        left: &'a str,
        model: &'a str,
        providers: &impl Providers,
    ) -> Result<Self, RouteError> {
        let aggregator = || aggregator(ask, provider.as_deref(), providers);
        if provider.is_none()
            && let Some(found) = find(providers, left)
        {
            // Aggregators have models of other services under such ids.
            if !serves(&found, ask, providers)
                && is_vendor(&found)
                && let Some(aggregator) = aggregator()
            {
                return Ok(Self { provider: Some(aggregator), pool: None, model: ask.model });
            }
            // A prefix pins a pool of the provider's name if people know the pools by name.
            let own = if found.has_named_pools() { found.pool(left) } else { None };
            let own = own.filter(|pool| found.family(model).pools.contains(pool));
            return Ok(Self { provider: Some(found), pool: own.map(|_| left), model });
        }
        if in_pool(ask, provider.as_deref(), left, providers) {
            return Ok(Self { provider, pool: Some(left), model });
        }
        // OpenAI-compatible services have slashes in their models' own names.
        if ids_have_vendors(ask.format) {
            // A prefix of no provider may be the default provider's own: only a known aggregator goes before.
            let known = aggregator().filter(|found| WITH_SLASHES.contains(&found.id.as_str()));
            return Ok(Self { provider: provider.or(known), pool: None, model: ask.model });
        }
        Err(unknown_provider(left, ask, providers))
    }

    /// Reads `pool-model` and `model:pool`.
    fn read_affixes(&mut self, ask: &Ask<'a>, providers: &impl Providers) -> Result<(), RouteError> {
        let model = self.model;
        if let Some((rest, suffix)) = model.rsplit_once(':') {
            if in_pool(ask, self.provider.as_deref(), suffix, providers) {
                self.pool = Some(suffix);
                self.model = rest;
                return Ok(());
            }
            // An unknown pool is an error, except in formats with colons in model names.
            if self.knows_pools_by_name(ask, providers) {
                let known = known_pools(candidates(ask, self.provider.as_deref(), providers));
                return Err(RouteError::UnknownPool { asked: suffix.into(), model: model.into(), known });
            }
        }
        // No suffix matched: try pool names as prefixes, such as `POOL-MODEL`.
        let prefixed = |name: &str| model.strip_prefix(name)?.strip_prefix('-');
        let named = candidates(ask, self.provider.as_deref(), providers).filter(|one| one.has_named_pools());
        for provider in named {
            for pool in &provider.pools {
                let name = pool.name.as_str();
                if let Some(rest) = prefixed(name).filter(|rest| is_pin(provider, name, rest)) {
                    self.pool = Some(&model[..name.len()]);
                    self.model = rest;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Returns whether a suffix can only mean a pool. Other services have colons in model names.
    fn knows_pools_by_name(&self, ask: &Ask<'_>, providers: &impl Providers) -> bool {
        !ids_have_vendors(ask.format)
            && candidates(ask, self.provider.as_deref(), providers).any(|p| p.has_named_pools())
    }
}

/// Returns whether `pool-rest` means `rest` in `pool`.
///
/// `claude-sonnet` is a model, not `sonnet` in the pool `claude`. If a pool's name is part of model names,
/// the rest has to be a known model.
fn is_pin(provider: &Provider, pool: &str, rest: &str) -> bool {
    let rest = rest.to_ascii_lowercase();
    let mut patterns = provider.families.iter().flat_map(|family| &family.patterns);
    patterns.clone().all(|pattern| pattern != pool) || patterns.any(|pattern| rest.contains(pattern.as_str()))
}

fn find(providers: &impl Providers, id: &str) -> Option<Arc<Provider>> {
    providers.all().iter().find(|provider| provider.id.as_str() == id).cloned()
}

/// The possible providers of a request without a named provider.
fn candidates<'a>(
    ask: &Ask<'_>,
    named: Option<&'a Provider>,
    providers: &'a impl Providers,
) -> impl Iterator<Item = &'a Arc<Provider>> {
    let format = ask.format;
    providers.all().iter().filter(move |provider| match named {
        Some(named) => provider.id == named.id,
        None => provider.format == format && providers.has_accounts(provider),
    })
}

fn serves(provider: &Provider, ask: &Ask<'_>, providers: &impl Providers) -> bool {
    provider.format == ask.format && providers.has_accounts(provider)
}

fn ids_have_vendors(format: WireFormat) -> bool {
    format.main().request.ids_have_vendors
}

/// Returns whether aggregators have models under the provider's name.
fn is_vendor(provider: &Provider) -> bool {
    let id = provider.id.as_str();
    !ids_have_vendors(provider.format) || WITHOUT_SLASHES.contains(&id) || id == "nvidia"
}

/// Returns the first usable provider with slashes in model ids, unless the request names a provider or an account.
fn aggregator(ask: &Ask<'_>, named: Option<&Provider>, providers: &impl Providers) -> Option<Arc<Provider>> {
    let is_free = ids_have_vendors(ask.format) && named.is_none() && ask.account.is_none();
    if !is_free {
        return None;
    }
    candidates(ask, None, providers)
        .find(|provider| !WITHOUT_SLASHES.contains(&provider.id.as_str()))
        .cloned()
}

fn in_pool(ask: &Ask<'_>, named: Option<&Provider>, pool: &str, providers: &impl Providers) -> bool {
    let has = |provider: &Arc<Provider>| provider.has_named_pools() && provider.pool(pool).is_some();
    candidates(ask, named, providers).any(has)
}

/// The provider of the pinned account, else the pinned pool's, else the format's own, else the first.
fn default_provider(
    ask: &Ask<'_>,
    pool: Option<&str>,
    providers: &impl Providers,
) -> Result<Arc<Provider>, RouteError> {
    let usable = || candidates(ask, None, providers);
    if let Some(pool) = pool {
        return usable().find(|provider| provider.pool(pool).is_some()).cloned().ok_or_else(|| {
            let known = known_pools(usable());
            RouteError::UnknownPool { asked: pool.into(), model: ask.model.into(), known }
        });
    }
    let own = usable().find(|provider| provider.id.as_str() == ask.format.name());
    own.or_else(|| usable().next()).cloned().ok_or(RouteError::NoProvider { format: ask.format })
}

fn account_provider(ask: &Ask<'_>, providers: &impl Providers) -> Option<Arc<Provider>> {
    let (provider, _) = ask.account?.split_once(':')?;
    find(providers, provider)
}

fn account(
    ask: &Ask<'_>,
    provider: &Provider,
    providers: &impl Providers,
) -> Result<Option<AccountId>, RouteError> {
    let Some(asked) = ask.account else { return Ok(None) };
    let id = if asked.contains(':') { AccountId::new(asked) } else { AccountId::of(&provider.id, asked) };
    if id.provider() == provider.id.as_str() && providers.has_account(id.as_str()) {
        return Ok(Some(id));
    }
    Err(RouteError::UnknownAccount { asked: asked.into(), provider: provider.id.to_string() })
}

fn pinned(provider: &Provider, family: &Family, pool: &str, model: &str) -> Result<Choice, RouteError> {
    let Some(index) = provider.pool(pool) else {
        let known = list(provider.pools.iter().map(|pool| pool.name.as_str()));
        return Err(RouteError::UnknownPool { asked: pool.into(), model: model.into(), known });
    };
    if family.pools.contains(&index) {
        return Ok(Choice::Pinned(index));
    }
    Err(RouteError::PoolDoesNotServe {
        pool: pool.into(),
        provider: provider.id.to_string(),
        model: model.into(),
        known: list(family.pools.iter().map(|pool| provider.pools[*pool].name.as_str())),
    })
}

fn preferred(family: &Family, fallback: bool) -> Choice {
    let allowed = if fallback { family.pools.len() } else { 1 };
    Choice::Preferred(family.pools.iter().copied().take(allowed).collect())
}

fn unknown_provider(asked: &str, ask: &Ask<'_>, providers: &impl Providers) -> RouteError {
    let usable = || candidates(ask, None, providers);
    let named = usable().filter(|provider| provider.has_named_pools());
    let pools = named.flat_map(|provider| provider.pools.iter().map(|pool| pool.name.as_str()));
    let known = list(usable().map(|provider| provider.id.as_str()).chain(pools));
    RouteError::UnknownProvider { asked: asked.into(), model: ask.model.into(), known }
}

fn known_pools<'a>(providers: impl Iterator<Item = &'a Arc<Provider>>) -> String {
    list(providers.flat_map(|provider| provider.pools.iter().map(|pool| pool.name.as_str())))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
