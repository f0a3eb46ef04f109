//! Providers: from the written settings to the input of routing and sending.

mod errors;
pub(super) mod fallbacks;
mod family;
pub(super) mod headers;
mod pool;
pub(super) mod pool_order;

use std::sync::Arc;

use http::HeaderMap;
use pointsman_core::admission::cap::ModelPattern;
use pointsman_core::formats::WireFormat;
use pointsman_core::formats::format::AuthScheme;
use pointsman_core::ids::ProviderId;
use pointsman_core::quota::protection::Level;
use pointsman_core::request::catalog::{Family, Provider};
use pointsman_core::response::rule::Rule;

use self::pool::PoolConfig;
use self::pool_order::PoolOrder;
use crate::edges::config::documents::catalog::Declared;
use crate::edges::config::reading::problem::{Problem, nearest};
use crate::edges::config::reading::report::Report;
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::secrets::ConfiguredSecret;
use crate::edges::config::secrets::source::Secrets;
use crate::edges::config::settings::{
    AUTH, CAP, CAP_OF_ACCOUNTS, CAP_TOTAL, CAPS_OF_MODELS, CLIENT_ID, CLIENT_SECRET, CONCURRENCY,
    CONCURRENCY_KEYS, HOST_FORM, HOSTS, KIND, OAUTH, OAUTH_KEYS, PROVIDER, PROXY, TOKEN_URL,
};
use crate::edges::config::values::Shape;
use crate::edges::config::values::url::{ProxyUrl, host_of};

/// A provider, ready for use.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The index among the providers: the catalog's first, then the user's in file order.
    pub index: usize,
    pub core: Arc<Provider>,
    pub auth: AuthScheme,
    pub oauth: Option<OAuthClient>,
    /// The extra headers of each request, for each pool of `core` in order.
    pub headers: Vec<HeaderMap>,
    /// The quota protection of each pool.
    pub protections: Vec<Level>,
    pub proxy: Option<ProxyUrl>,
    pub concurrency: Concurrency,
    /// The hosts of the provider, in lower case, with the port unless the scheme's default. A request to a
    /// host is the provider's.
    pub hosts: Vec<String>,
    /// The quota endpoint of each pool.
    pub quota_urls: Vec<Option<String>>,
    /// The user's rules for the provider's errors; the first match counts.
    pub errors: Vec<Rule>,
}

/// Caps on requests in flight; an absent cap is no cap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concurrency {
    /// The cap of the provider, over every account.
    pub total: Option<u16>,
    /// The cap of each account without a cap of its own, over every pool.
    pub account: Option<u16>,
    /// The caps per model, over every account; the first match counts.
    pub models: Vec<(ModelPattern, u16)>,
}

/// The user's own OAuth client at a provider.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub client_id: String,
    pub client_secret: Option<ConfiguredSecret>,
    pub token_url: String,
}

/// The inputs for reading providers.
pub(crate) struct ProviderCommon<'a> {
    pub(crate) secrets: &'a Secrets<'a>,
    pub(crate) pool_order: &'a PoolOrder<'a>,
    pub(crate) names_in_catalog: &'a [&'a str],
    pub(crate) report: &'a Report,
}

/// Reads a provider. `None` means an error in the report.
pub(crate) fn resolve(
    index: usize,
    declared: &Declared,
    common: &ProviderCommon<'_>,
) -> Option<ProviderConfig> {
    let entry =
        Entry { path: format!("providers.{}", declared.name), node: &declared.node, report: common.report };
    let is_readable = entry.is_map() || entry.node.is_null();
    let fields = entry.fields(&PROVIDER);
    if !is_readable {
        return None;
    }
    // Read every field before giving up on any, so that one load reports every error.
    let format = kind(&fields, declared, common);
    let pools = pool::pools(&fields, &declared.name);
    let families = family::families(&fields, &declared.name, &pools, common.pool_order);
    let auth = fields.read(&AUTH);
    let oauth = oauth(&fields, common.secrets);
    let proxy = fields.read(&PROXY);
    let concurrency = concurrency(&fields);
    let hosts = hosts(&fields, &pools);
    let protections = pools.iter().map(|pool| pool.protection.clone()).collect();

    let errors = errors::errors(&fields);
    let quota_urls = pools.iter().map(|pool| pool.quota_url.clone()).collect();
    let (core, headers) = core_and_headers(&declared.name, format?, families, pools)?;
    let auth = auth.unwrap_or_else(|| core.format.main().auth);
    Some(ProviderConfig {
        index,
        core: Arc::new(core),
        auth,
        oauth,
        headers,
        protections,
        proxy,
        concurrency,
        hosts,
        quota_urls,
        errors,
    })
}

fn kind(fields: &Fields<'_>, declared: &Declared, common: &ProviderCommon<'_>) -> Option<WireFormat> {
    if fields.get(&KIND).is_none() && !declared.in_catalog {
        let nearest = nearest(&declared.name, common.names_in_catalog.iter().copied());
        fields.entry().error(Problem::NoKind { name: declared.name.clone(), nearest });
    }
    fields.read(&KIND)
}

/// Reads pools and families. Upholds the invariants of [`Provider`]: a pool, a family, and endpoints and
/// pools in each.
fn core_and_headers(
    name: &str,
    format: WireFormat,
    families: Vec<Family>,
    pools: Vec<PoolConfig<'_>>,
) -> Option<(Provider, Vec<HeaderMap>)> {
    let (pools, headers): (Vec<_>, Vec<_>) = pools.into_iter().map(|pool| (pool.core, pool.headers)).unzip();
    let complete = !pools.is_empty()
        && !families.is_empty()
        && pools.iter().all(|pool| !pool.endpoints.is_empty())
        && families.iter().all(|family| !family.pools.is_empty());
    complete.then(|| (Provider { id: ProviderId::new(name), format, families, pools }, headers))
}

fn oauth(provider: &Fields<'_>, secrets: &Secrets<'_>) -> Option<OAuthClient> {
    let fields = provider.get(&OAUTH)?.fields(&OAUTH_KEYS);
    let client_id = fields.require(&CLIENT_ID);
    let token_url = fields.require(&TOKEN_URL);
    let client_secret = fields.get(&CLIENT_SECRET).and_then(|entry| secrets.read(&entry));
    Some(OAuthClient { client_id: client_id?, client_secret, token_url: token_url? })
}

fn hosts(fields: &Fields<'_>, pools: &[PoolConfig<'_>]) -> Vec<String> {
    let further = fields.get(&HOSTS).map(|entry| entry.values(&HOST_FORM)).unwrap_or_default();
    let endpoints = pools.iter().flat_map(|pool| &pool.core.endpoints);
    let mut hosts = Vec::new();
    for host in endpoints.filter_map(|endpoint| host_of(&endpoint.0)).chain(further) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// Reads the caps of a provider.
fn concurrency(provider: &Fields<'_>) -> Concurrency {
    let Some(entry) = provider.get(&CONCURRENCY) else { return Concurrency::default() };
    let fields = entry.fields(&CONCURRENCY_KEYS);
    Concurrency {
        total: fields.read(&CAP_TOTAL),
        account: fields.read(&CAP_OF_ACCOUNTS),
        models: fields.get(&CAPS_OF_MODELS).map(|entry| caps(&entry)).unwrap_or_default(),
    }
}

fn caps(entry: &Entry<'_>) -> Vec<(ModelPattern, u16)> {
    let members = entry.members(&CAPS_OF_MODELS.form.allowed());
    let caps = members.into_iter();
    caps.filter_map(|(name, cap)| Some((ModelPattern::new(name), cap.value(&CAP)?))).collect()
}
