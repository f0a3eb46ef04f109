//! Failover chains: the hops after a request's primary, from `fallbacks`.

use std::sync::Arc;

use pointsman_core::ids::ModelId;
use pointsman_core::request::intent::Intent;
use pointsman_core::request::route::Route;

use crate::edges::config::{Fallback, ProviderConfig};

/// A provider's part in serving a request.
#[derive(Clone, Debug)]
pub struct Hop {
    pub route: Route,
    /// The provider's place in the generation.
    pub provider: usize,
    /// The model, as cells know it.
    pub model: ModelId,
}

impl Hop {
    /// Makes a hop with a route among these providers.
    pub fn new(route: Route, providers: &[Arc<ProviderConfig>]) -> Self {
        let provider = providers.iter().position(|known| Arc::ptr_eq(&known.core, &route.provider));
        let model = ModelId::new(&route.model);
        Self { route, provider: provider.unwrap_or_default(), model }
    }

    /// Returns the display name: `provider/model`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.route.provider.id, self.route.model)
    }

    fn is(&self, route: &Route) -> bool {
        self.route.provider.id == route.provider.id && self.route.model == route.model
    }
}

/// The failover chains of a configuration.
#[derive(Debug, Default)]
pub struct FailoverChains(Vec<FailoverChain>);

#[derive(Debug)]
struct FailoverChain {
    fallback: Fallback,
    hops: Arc<[Hop]>,
}

impl FailoverChains {
    /// Makes the chains of a configuration. The reader has dropped hops without accounts.
    pub fn new(fallbacks: &[Fallback], providers: &[Arc<ProviderConfig>]) -> Self {
        let chain = |fallback: &Fallback| {
            let hops = fallback.to.iter().map(|route| Hop::new(route.clone(), providers)).collect();
            FailoverChain { fallback: fallback.clone(), hops }
        };
        Self(fallbacks.iter().filter(|fallback| !fallback.to.is_empty()).map(chain).collect())
    }

    /// Returns the hops after `primary`. A pinned route has none.
    ///
    /// The precedence: the model at its provider, the model, all models.
    pub fn of(&self, primary: &Route, intent: &Intent) -> Arc<[Hop]> {
        if self.0.is_empty() || primary.is_pinned() || primary.account.is_some() || !intent.names_model() {
            return Arc::default();
        }
        let fitting = self.0.iter().filter(|chain| chain.fits(primary, intent));
        // The most specific chain: a model of its own before `*`, then a provider of its own.
        match fitting.max_by_key(|chain| (!chain.fallback.is_for_all(), chain.fallback.provider.is_some())) {
            Some(chain) => chain.without(primary),
            None => Arc::default(),
        }
    }
}

impl FailoverChain {
    fn fits(&self, primary: &Route, intent: &Intent) -> bool {
        let Fallback { provider, model, .. } = &self.fallback;
        let same_format = self.hops.iter().all(|hop| hop.route.provider.format == primary.provider.format);
        let model = if self.fallback.is_for_all() { !intent.embeds() } else { *model == primary.model };
        same_format && model && provider.as_ref().is_none_or(|provider| *provider == primary.provider.id)
    }

    /// A chain for all models can lead back to the request's own place.
    fn without(&self, primary: &Route) -> Arc<[Hop]> {
        if self.hops.iter().any(|hop| hop.is(primary)) {
            return self.hops.iter().filter(|hop| !hop.is(primary)).cloned().collect();
        }
        self.hops.clone()
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use pointsman_core::formats::WireFormat;
    use pointsman_core::request::route::Ask;

    use super::*;
    use crate::edges::config::{Environment, Process, from_text};
    use crate::edges::store::Store;
    use crate::fleet::Fleet;
    use crate::runtime::generation::Generation;

    const PROVIDERS: &str = "
providers:
  acme: {kind: openai, base_url: 'http://127.0.0.1:1'}
accounts:
  - {id: 'openai:a', api_key: k}
  - {id: 'acme:a', api_key: k}
  - {id: 'groq:a', api_key: k}
";

    fn generation(failover_chains: &str) -> Generation {
        let text = format!("{PROVIDERS}fallbacks: {failover_chains}\n");
        let config = from_text(&text, "pointsman.yaml", &Process as &dyn Environment).expect("valid");
        let now = crate::clock::Clock::start().now();
        Generation::new(config, &Fleet::default(), &Store::memory(), None, now)
    }

    fn intent(path: &str) -> Intent {
        Intent::read(&Method::POST, path, Some(WireFormat::OpenAi), None).expect("known")
    }

    fn check(failover_chains: &str, asked: &str, path: &str, expected: &[&str]) {
        check_pinned(failover_chains, (asked, None), path, expected);
    }

    fn check_pinned(
        failover_chains: &str,
        (asked, pool): (&str, Option<&str>),
        path: &str,
        expected: &[&str],
    ) {
        let generation = generation(failover_chains);
        let ask = Ask { format: WireFormat::OpenAi, provider: None, model: asked, pool, account: None };
        let primary = Route::parse(&ask, &generation, false).expect("a route");
        let hops = generation.failover_chains.of(&primary, &intent(path));
        assert_eq!(hops.iter().map(Hop::name).collect::<Vec<_>>(), expected, "{failover_chains} {asked}");
    }

    const CHAT: &str = "/v1/chat/completions";

    #[test]
    fn the_nearest_chain_is_taken() {
        let failover_chains = "{gpt-5: acme/a, openai/gpt-5: acme/b, '*': acme/c, openai/*: acme/d}";
        check(failover_chains, "gpt-5", CHAT, &["acme/b"]);
        check("{gpt-5: acme/a, '*': acme/c, openai/*: acme/d}", "gpt-5", CHAT, &["acme/a"]);
        check(failover_chains, "gpt-4", CHAT, &["acme/d"]);
        check("{gpt-5: acme/a, '*': acme/c, groq/gpt-4: acme/d}", "gpt-4", CHAT, &["acme/c"]);
    }

    #[test]
    fn what_is_pinned_has_no_chain() {
        check_pinned("{gpt-5: acme/a, '*': acme/c}", ("openai/gpt-5", Some("openai")), CHAT, &[]);
    }

    #[test]
    fn a_provider_before_the_model_is_no_pin() {
        for failover_chains in
            ["{gpt-5: acme/a}", "{openai/gpt-5: acme/a}", "{'*': acme/a}", "{openai/*: acme/a}"]
        {
            for asked in ["gpt-5", "openai/gpt-5"] {
                check(failover_chains, asked, CHAT, &["acme/a"]);
            }
        }
    }

    #[test]
    fn no_chain_leads_to_where_it_began() {
        check("{'*': [openai/gpt-5, groq/b]}", "gpt-5", CHAT, &["groq/b"]);
        check("{'*': [openai/gpt-5, groq/b]}", "gpt-4", CHAT, &["openai/gpt-5", "groq/b"]);
    }

    #[test]
    fn vectors_have_a_chain_only_where_their_model_is_named() {
        check("{'*': groq/b}", "e", "/v1/embeddings", &[]);
        check("{e: groq/e}", "e", "/v1/embeddings", &["groq/e"]);
    }

    #[test]
    fn what_names_no_model_has_no_chain() {
        check("{'*': groq/b}", "", "/v1/files", &[]);
    }
}
