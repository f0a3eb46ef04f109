//! Providers, their pools and model families, as routing needs to know them.
//!
//! Pools are data: which there are, which families they serve in which order, where they live and how a
//! model is named in each. The embedded catalog and the user's configuration are resolved into these
//! types at the edge; how to authenticate is no matter of the core.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;

use crate::formats::format::{Envelope, WireFormat};
use crate::ids::{PoolId, ProviderId};

/// An upstream service.
#[derive(Clone, Debug)]
pub struct Provider {
    pub id: ProviderId,
    pub format: WireFormat,
    /// In the order in which a model is held against them; the last one takes what is left.
    pub families: Vec<Family>,
    /// At least one; names are unique.
    pub pools: Vec<Pool>,
}

/// Models that share quota rules.
#[derive(Clone, Debug)]
pub struct Family {
    /// Such as `claude`.
    pub name: String,
    /// A model belongs to the family when its name contains one of these, in lower case. An empty list
    /// takes every model.
    pub patterns: Vec<String>,
    /// The pools that serve the family, the preferred one first, as indices into [`Provider::pools`].
    /// At least one.
    pub pools: Vec<usize>,
}

/// An allowance that the upstream counts separately.
#[derive(Clone, Debug)]
pub struct Pool {
    pub name: PoolId,
    /// What people call it, such as `Gemini CLI`.
    pub title: String,
    /// Base URLs in order; at least one.
    pub endpoints: Vec<Endpoint>,
    pub envelope: Envelope,
    /// How a model that callers name (key) is named in this pool (value).
    pub models: BTreeMap<String, String>,
    pub scope: Scope,
    /// Requests that one account may have under way here; at most [`MAX_IN_FLIGHT`].
    pub max_in_flight: u16,
}

/// The most requests that one cell can count.
pub const MAX_IN_FLIGHT: u16 = 4_000;

/// A base URL, without a slash at its end. Equal URLs are one endpoint, whichever pools use it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(pub Arc<str>);

impl Endpoint {
    /// Returns host and port: the part of the URL in which there is no secret.
    pub fn place(&self) -> String {
        let Ok(uri) = self.0.parse::<Uri>() else { return "the endpoint".to_owned() };
        let usual = if uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
        format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual))
    }
}

/// What a limit of a pool covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All models of the pool.
    #[default]
    Pool,
    /// The model that met it.
    Model,
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

    /// Says whether requests can fall to another pool here at all, so that people know pools by name.
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
    /// Returns how `model` is named in this pool.
    pub fn model<'a>(&'a self, model: &'a str) -> &'a str {
        self.models.get(model).map_or(model, String::as_str)
    }
}
