//! Providers: from the written settings to the input of routing and sending.

use std::sync::Arc;

use http::HeaderMap;
use pointsman_core::formats::WireFormat;
use pointsman_core::ids::ProviderId;
use pointsman_core::quota::protection::Level;
use pointsman_core::request::catalog::{Family, Provider};

use super::catalog::Declared;
use super::concurrency::{self, Concurrency};
use super::configured_secret::ConfiguredSecret;
use super::family;
use super::pool::{self, PoolConfig};
use super::pool_order::PoolOrder;
use super::problem::{Problem, nearest};
use super::reader::{Entry, Fields};
use super::report::Report;
use super::secret_source::Secrets;
use super::settings::{
    AUTH, CLIENT_ID, CLIENT_SECRET, HOST_FORM, HOSTS, KIND, OAUTH, OAUTH_KEYS, PROVIDER, PROXY, TOKEN_URL,
};
use super::url::{ProxyUrl, host_of};

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
}

/// The way to send an API key. Access tokens are always bearer tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// `x-api-key: KEY`.
    XApiKey,
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `x-goog-api-key: KEY`.
    XGoogApiKey,
    /// `?key=KEY`.
    QueryKey,
}

impl AuthScheme {
    fn usual(format: WireFormat) -> Self {
        match format {
            WireFormat::Anthropic => Self::XApiKey,
            WireFormat::OpenAi => Self::Bearer,
            WireFormat::Gemini => Self::XGoogApiKey,
        }
    }
}

/// The user's own OAuth client at a provider.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub client_id: String,
    pub client_secret: Option<ConfiguredSecret>,
    pub token_url: String,
}

/// The inputs for reading providers.
pub(super) struct ProviderCommon<'a> {
    pub(super) secrets: &'a Secrets<'a>,
    pub(super) pool_order: &'a PoolOrder<'a>,
    pub(super) names_in_catalog: &'a [&'a str],
}

/// Reads a provider. `None` means an error in the report.
pub(super) fn resolve(
    index: usize,
    declared: &Declared,
    common: &ProviderCommon<'_>,
    report: &mut Report,
) -> Option<ProviderConfig> {
    let entry = Entry { path: format!("providers.{}", declared.name), node: &declared.node };
    let is_readable = entry.is_map() || entry.node.is_null();
    let fields = entry.fields(&PROVIDER, report);
    if !is_readable {
        return None;
    }
    // Read every field before giving up on any, so that one load reports every error.
    let format = kind(&fields, declared, common, report);
    let pools = pool::pools(&fields, &declared.name, report);
    let families = family::families(&fields, &declared.name, &pools, common.pool_order, report);
    let auth = fields.read(&AUTH, report);
    let oauth = oauth(&fields, common.secrets, report);
    let proxy = fields.read(&PROXY, report);
    let concurrency = concurrency::read(&fields, report);
    let hosts = hosts(&fields, &pools, report);
    let protections = pools.iter().map(|pool| pool.protection.clone()).collect();

    let quota_urls = pools.iter().map(|pool| pool.quota_url.clone()).collect();
    let (core, headers) = core_and_headers(&declared.name, format?, families, pools)?;
    let auth = auth.unwrap_or_else(|| AuthScheme::usual(core.format));
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
    })
}

fn kind(
    fields: &Fields<'_>,
    declared: &Declared,
    common: &ProviderCommon<'_>,
    report: &mut Report,
) -> Option<WireFormat> {
    if fields.get(&KIND).is_none() && !declared.in_catalog {
        let nearest = nearest(&declared.name, common.names_in_catalog.iter().copied());
        fields.entry().error(Problem::NoKind { name: declared.name.clone(), nearest }, report);
    }
    fields.read(&KIND, report)
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

fn oauth(provider: &Fields<'_>, secrets: &Secrets<'_>, report: &mut Report) -> Option<OAuthClient> {
    let fields = provider.get(&OAUTH)?.fields(&OAUTH_KEYS, report);
    let client_id = fields.require(&CLIENT_ID, report);
    let token_url = fields.require(&TOKEN_URL, report);
    let client_secret = fields.get(&CLIENT_SECRET).and_then(|entry| secrets.read(&entry, report));
    Some(OAuthClient { client_id: client_id?, client_secret, token_url: token_url? })
}

fn hosts(fields: &Fields<'_>, pools: &[PoolConfig<'_>], report: &mut Report) -> Vec<String> {
    let further = fields.get(&HOSTS).map(|entry| entry.values(&HOST_FORM, report)).unwrap_or_default();
    let endpoints = pools.iter().flat_map(|pool| &pool.core.endpoints);
    let mut hosts = Vec::new();
    for host in endpoints.filter_map(|endpoint| host_of(&endpoint.0)).chain(further) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}
