//! Fixtures of unit tests in several modules.

use std::sync::Arc;

use crate::formats::{Envelope, WireFormat};
use crate::ids::{PoolId, ProviderId};
use crate::request::catalog::{Endpoint, Family, MAX_IN_FLIGHT, Pool, Provider, Scope};
use crate::request::route::Providers;

/// Providers and ids of accounts.
pub(crate) struct Fixture {
    providers: Vec<Arc<Provider>>,
    accounts: Vec<String>,
}

impl Fixture {
    pub(crate) fn new<const N: usize>(providers: [Provider; N]) -> Self {
        Self { providers: providers.into_iter().map(Arc::new).collect(), accounts: Vec::new() }
    }

    pub(crate) fn with_accounts<const N: usize>(self, accounts: [&str; N]) -> Self {
        Self { accounts: accounts.map(String::from).into(), ..self }
    }
}

impl Providers for Fixture {
    fn all(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    fn has_accounts(&self, provider: &Provider) -> bool {
        self.accounts.iter().any(|id| id.split(':').next() == Some(provider.id.as_str()))
    }

    fn has_account(&self, id: &str) -> bool {
        self.accounts.iter().any(|account| account == id)
    }
}

/// A provider with one pool for all models.
pub(crate) fn provider(id: &str, format: WireFormat) -> Provider {
    Provider {
        id: ProviderId::new(id),
        format,
        families: vec![family(id, &[], &[0])],
        pools: vec![pool("default", "Default")],
    }
}

/// The provider with a pool for Claude and two for Gemini.
pub(crate) fn antigravity() -> Provider {
    Provider {
        id: ProviderId::new("antigravity"),
        format: WireFormat::Gemini,
        families: vec![family("claude", &["claude"], &[0]), family("gemini", &[], &[2, 1])],
        pools: vec![
            pool("claude", "Claude"),
            pool("antigravity", "Antigravity"),
            pool("gemini-cli", "Gemini CLI"),
        ],
    }
}

fn family(name: &str, patterns: &[&str], pools: &[usize]) -> Family {
    Family {
        name: name.into(),
        patterns: patterns.iter().map(ToString::to_string).collect(),
        pools: pools.into(),
    }
}

fn pool(name: &str, title: &str) -> Pool {
    Pool {
        name: PoolId::new(name),
        title: title.into(),
        endpoints: vec![Endpoint(format!("http://{name}.example").into())],
        envelope: Envelope::None,
        models: [].into(),
        scope: Scope::Pool,
        max_in_flight: MAX_IN_FLIGHT,
    }
}
