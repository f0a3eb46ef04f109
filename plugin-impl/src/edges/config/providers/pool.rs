//! Pools, with values inherited from their provider.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use pointsman_core::ids::PoolId;
use pointsman_core::quota::protection::Level;
use pointsman_core::request::catalog::{Endpoint, Pool, Scope};

use crate::edges::config::policy;
use crate::edges::config::providers::headers;
use crate::edges::config::reading::problem::Problem;
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::settings::{
    BASE_URL, ENVELOPE, HEADERS, MAX_IN_FLIGHT_OF_POOL, MODELS, POOL, POOL_FAMILIES, POOLS, QUOTA_URL, SCOPE,
    TITLE, URL_FORM,
};
use crate::edges::config::values::{Shape, Text};

use crate::target::target_url;

const MODEL_NAME: Text = Text("a model name");

/// A pool, its additions to requests, and its families.
pub(crate) struct PoolConfig<'a> {
    pub(crate) core: Pool,
    pub(crate) headers: HeaderMap,
    pub(crate) protection: Level,
    pub(crate) families: Option<Entry<'a>>,
    /// The URL of the pool's quota endpoint.
    pub(crate) quota_url: Option<String>,
}

/// The inherited values of a pool.
struct Inherited {
    endpoints: Option<Vec<Endpoint>>,
    headers: HeaderMap,
    models: BTreeMap<String, String>,
    scope: Scope,
    max_in_flight: u16,
    quota_url: Option<String>,
}

/// Reads the pools of a provider. A provider without pools has one of its own name.
pub(crate) fn pools<'a>(provider: &Fields<'a>, name: &str) -> Vec<PoolConfig<'a>> {
    let inherited = Inherited {
        endpoints: endpoints(provider),
        headers: headers::laid_over(&HeaderMap::new(), provider.get(&HEADERS)),
        models: models(&BTreeMap::new(), provider),
        scope: provider.read_or_default(&SCOPE),
        max_in_flight: provider.read_or_default(&MAX_IN_FLIGHT_OF_POOL),
        quota_url: provider.read(&QUOTA_URL),
    };
    let title = provider.read(&TITLE);
    let named = provider.get(&POOLS).map(|entry| entry.names(&POOLS.form.allowed())).unwrap_or_default();
    if named.is_empty() {
        return vec![only_pool(provider, name, title, inherited)];
    }
    named.into_iter().map(|(name, entry)| pool(name, entry, &inherited)).collect()
}

fn only_pool<'a>(
    provider: &Fields<'a>,
    name: &str,
    title: Option<String>,
    inherited: Inherited,
) -> PoolConfig<'a> {
    let core = Pool {
        name: PoolId::new(name),
        title: title.unwrap_or_else(|| name.to_owned()),
        endpoints: inherited.endpoints.unwrap_or_else(|| no_endpoints(provider)),
        envelope: ENVELOPE.default_value(),
        models: inherited.models,
        scope: inherited.scope,
        max_in_flight: inherited.max_in_flight,
    };
    let quota_url = quota_url(inherited.quota_url, &core);
    PoolConfig { core, headers: inherited.headers, protection: Level::default(), families: None, quota_url }
}

fn pool<'a>(name: &str, entry: Entry<'a>, inherited: &Inherited) -> PoolConfig<'a> {
    let fields = entry.fields(&POOL);
    let own = endpoints(&fields);
    let core = Pool {
        name: PoolId::new(name),
        title: fields.read(&TITLE).unwrap_or_else(|| name.to_owned()),
        endpoints: own.or_else(|| inherited.endpoints.clone()).unwrap_or_else(|| no_endpoints(&fields)),
        envelope: fields.read_or_default(&ENVELOPE),
        models: models(&inherited.models, &fields),
        scope: fields.read(&SCOPE).unwrap_or(inherited.scope),
        max_in_flight: fields.read(&MAX_IN_FLIGHT_OF_POOL).unwrap_or(inherited.max_in_flight),
    };
    let headers = headers::laid_over(&inherited.headers, fields.get(&HEADERS));
    let quota_url = quota_url(fields.read(&QUOTA_URL).or_else(|| inherited.quota_url.clone()), &core);
    let protection = policy::protection(&fields);
    PoolConfig { core, headers, protection, families: fields.get(&POOL_FAMILIES), quota_url }
}

/// Resolves a path against the pool's first base URL. The known paths are Code Assist's, so a redirected
/// pool without an envelope has no default path.
fn quota_url(written: Option<String>, pool: &Pool) -> Option<String> {
    let written = written?;
    if !written.starts_with('/') {
        return Some(written);
    }
    let is_known = pool.envelope.wrapping().is_some();
    if is_known { Some(target_url(&pool.endpoints.first()?.0, &written)) } else { None }
}

/// Returns nothing for an absent value, and an empty list for an erroneous value.
fn endpoints(fields: &Fields<'_>) -> Option<Vec<Endpoint>> {
    let entry = fields.get(&BASE_URL)?;
    if entry.is_empty_list() {
        return None;
    }
    let urls = entry.values(&URL_FORM);
    Some(urls.into_iter().map(|url| Endpoint(Arc::from(url))).collect())
}

fn no_endpoints(fields: &Fields<'_>) -> Vec<Endpoint> {
    let section = fields.entry().path.clone();
    let needed = BASE_URL.form.allowed();
    fields.entry().error(Problem::Missing { section, key: BASE_URL.name, needed });
    Vec::new()
}

fn models(base: &BTreeMap<String, String>, fields: &Fields<'_>) -> BTreeMap<String, String> {
    let mut models = base.clone();
    let Some(entry) = fields.get(&MODELS) else { return models };
    for (asked, named) in entry.members(&MODELS.form.allowed()) {
        if let Some(named) = named.value(&MODEL_NAME) {
            models.insert(asked.to_owned(), named);
        }
    }
    models
}
