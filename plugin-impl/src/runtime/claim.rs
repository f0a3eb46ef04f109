//! Claims: the decision to route a request, and the provider addressed.
//!
//! A host hands over every request of the agent. A request to a host or a base URL of a configured provider
//! is claimed; any other request passes through untouched.

use std::sync::Arc;

use http::{HeaderMap, Method, Uri};
use pointsman_core::formats::WireFormat;
use pointsman_core::ids::ProviderId;
use pointsman_core::request::intent::{Intent, spoken, told};
use pointsman_core::request::route::Providers;

use crate::edges::config::ProviderConfig;
use crate::runtime::generation::Generation;

/// A claimed request.
#[derive(Clone, Debug)]
pub struct Claim {
    pub intent: Intent,
    /// The provider, if the URL addresses exactly one.
    pub provider: Option<ProviderId>,
    /// The provider of the caller's address, and so of the caller's credential. `None` for a request at the
    /// gateway: the router chooses the provider.
    pub asked_at: Option<ProviderId>,
}

/// Claims a request at the gateway by the path.
pub fn at_gateway(method: &Method, path: &str, headers: &HeaderMap) -> Option<Claim> {
    let intent = Intent::read(method, path, None, spoken(headers))?;
    Some(Claim { intent, provider: None, asked_at: None })
}

/// Claims a request on the way from an agent to `uri`.
pub fn on_its_way(method: &Method, uri: &Uri, headers: &HeaderMap, generation: &Generation) -> Option<Claim> {
    let spoken = spoken(headers);
    let addressed = addressed(uri, spoken, &generation.config.providers)?;
    let provider = addressed.provider;
    let intent = Intent::read(method, addressed.path, Some(provider.core.format), spoken)?;
    let asked_at = Some(provider.core.id.clone());
    // The format's own provider stands for all that speak it: its accounts go first, but others may do.
    let own = provider.core.id.as_str() == provider.core.format.name();
    if own {
        return serves(generation, provider.core.format).then_some(Claim {
            intent,
            provider: None,
            asked_at,
        });
    }
    let named = asked_at.clone();
    generation.has_accounts(&provider.core).then_some(Claim { intent, provider: named, asked_at })
}

fn serves(generation: &Generation, format: WireFormat) -> bool {
    generation.all().iter().any(|provider| provider.format == format && generation.has_accounts(provider))
}

struct Addressed<'a> {
    provider: &'a ProviderConfig,
    /// The path below the base URL.
    path: &'a str,
    /// The length of the matched base URL; the longest match wins.
    length: usize,
}

/// Finds the provider of a URL. Among providers with a common origin, the format of path and headers
/// decides first, then the length of the base URL.
fn addressed<'a>(
    uri: &'a Uri,
    spoken: Option<WireFormat>,
    providers: &'a [Arc<ProviderConfig>],
) -> Option<Addressed<'a>> {
    let speaks = |addressed: &Addressed<'_>| {
        let told = told(addressed.path, spoken);
        told.is_none_or(|format| format == addressed.provider.core.format)
    };
    providers
        .iter()
        .filter_map(|provider| by_base(uri, provider).or_else(|| by_host(uri, provider)))
        .max_by_key(|addressed| {
            (speaks(addressed), addressed.length, std::cmp::Reverse(addressed.provider.index))
        })
}

fn by_base<'a>(uri: &'a Uri, provider: &'a ProviderConfig) -> Option<Addressed<'a>> {
    let bases = provider.core.pools.iter().flat_map(|pool| &pool.endpoints);
    let claims = bases.filter_map(|endpoint| {
        let base: Uri = endpoint.0.parse().ok()?;
        let same = base.authority() == uri.authority() && base.scheme() == uri.scheme();
        let prefix = base.path().trim_end_matches('/');
        let path = uri
            .path()
            .strip_prefix(prefix)
            .filter(|rest| same && (rest.is_empty() || rest.starts_with('/')))?;
        Some(Addressed { provider, path, length: prefix.len() + 1 })
    });
    claims.max_by_key(|addressed| addressed.length)
}

fn by_host<'a>(uri: &'a Uri, provider: &'a ProviderConfig) -> Option<Addressed<'a>> {
    let authority = uri.authority()?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let claimed = provider.hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    claimed.then(|| Addressed { provider, path: uri.path(), length: 0 })
}
