//! Providers, pools and model families, as routing knows them.
//!
//! Pools are data: names, served families in order, base URLs, model names. The embedded catalog and the
//! user's configuration are resolved into these types at the edge. Authentication is outside of the core.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

use crate::formats::{Envelope, WireFormat};
use crate::ids::{PoolId, ProviderId};

/// An upstream service.
#[derive(Clone, Debug)]
pub struct Provider {
    pub id: ProviderId,
    pub format: WireFormat,
    /// In match order; the last family takes the rest.
    pub families: Vec<Family>,
    /// At least one, with unique names.
    pub pools: Vec<Pool>,
}

/// Models that share quota rules.
#[derive(Clone, Debug)]
pub struct Family {
    /// A name such as `claude`.
    pub name: String,
    /// Lower-case substrings of the family's model names. An empty list matches every model.
    pub patterns: Vec<String>,
    /// The pools of the family, the preferred pool first, as indices into [`Provider::pools`]. At least
    /// one.
    pub pools: Vec<usize>,
}

/// A separately counted allowance of the upstream.
#[derive(Clone, Debug)]
pub struct Pool {
    pub name: PoolId,
    /// The display name, such as `Gemini CLI`.
    pub title: String,
    /// Base URLs in order; at least one.
    pub endpoints: Vec<Endpoint>,
    pub envelope: Envelope,
    /// Names of models: from a caller's name (key) to the pool's name (value).
    pub models: BTreeMap<String, String>,
    pub scope: Scope,
    /// The cap on requests in flight per account; at most [`MAX_IN_FLIGHT`].
    pub max_in_flight: u16,
}

/// The largest count of a cell.
pub const MAX_IN_FLIGHT: u16 = 4_000;

/// A base URL without a trailing slash. Equal URLs are one endpoint, shared by pools.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(pub Arc<str>);

impl Endpoint {
    /// Returns host and port, the part of the URL without secrets.
    pub fn place(&self) -> String {
        let Ok(uri) = self.0.parse::<Uri>() else { return "the endpoint".to_owned() };
        let usual = if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
        format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
    }
}

/// The reach of a pool's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All models of the pool.
    #[default]
    Pool,
    /// The limited model. Requests are counted for each model apart.
    Model,
    /// The models named by the answer, or else the limited model. Requests are counted for the whole pool.
    Auto,
}

impl Provider {
    /// Returns the family of `model`.
    pub fn family(&self, model: &str) -> &Family {
        let model = model.to_ascii_lowercase();
        self.families
            .iter()
            .find(|family| family.claims(&model))
            .unwrap_or(&self.families[self.families.len() - 1])
    }

    /// Returns the index of the pool `name`.
    pub fn pool(&self, name: &str) -> Option<usize> {
        self.pools.iter().position(|pool| pool.name.as_str() == name)
    }

    /// Returns whether the provider has several pools, so people know the pools by name.
    pub fn has_named_pools(&self) -> bool {
        self.pools.len() > 1
    }
}

impl Family {
    fn claims(&self, lowercase_model: &str) -> bool {
        self.patterns.is_empty()
            || self.patterns.iter().any(|pattern| lowercase_model.contains(pattern.as_str()))
    }
}

impl Pool {
    /// Returns the pool's name for `model`.
    pub fn model<'a>(&'a self, model: &'a str) -> &'a str {
        self.models.get(model).map_or(model, String::as_str)
    }
}
