//! Failover chains of models.
//!
//! A target is read like a request for the target, so a valid file stays valid in use. A chain stays in one
//! wire format, because bodies are passed on and never translated.

use std::sync::Arc;

use pointsman_core::formats::WireFormat;
use pointsman_core::ids::ProviderId;
use pointsman_core::request::catalog::Provider;
use pointsman_core::request::route::{Ask, Providers, Route, RouteError};

use crate::edges::config::providers::family::unknown;
use crate::edges::config::reading::problem::Problem;
use crate::edges::config::reading::{Entry, Fields};
use crate::edges::config::settings::FALLBACKS;
use crate::edges::config::values::{Form, Refused, Shape, Text, words};
use crate::edges::config::{AccountConfig, ProviderConfig};

/// The key for every model.
const ALL_MODELS: &str = "*";

/// The failover chain of a model.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The chain is for this provider's requests only, if the key names a provider.
    pub provider: Option<ProviderId>,
    pub model: String,
    /// The targets in order, in a single wire format, without targets without accounts.
    pub to: Vec<Route>,
}

impl Fallback {
    /// Returns whether the chain is for every model without its own.
    pub fn is_for_all(&self) -> bool {
        self.model == ALL_MODELS
    }
}

/// `provider/model`.
struct FallbackTarget;

impl Shape for FallbackTarget {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "provider/model, such as acme/big-model".to_owned()
    }
}

impl Form for FallbackTarget {
    /// The provider, and the whole text.
    type Value = (String, String);

    fn parse(&self, text: &str) -> Result<(String, String), Refused> {
        let (provider, model) = text.split_once('/').ok_or(Refused::PLAIN)?;
        if model.is_empty() {
            return Err(Refused::PLAIN);
        }
        Ok((Text("a provider").parse(provider)?, text.to_owned()))
    }
}

/// The inputs for reading chains.
pub(crate) struct FallbackCommon<'a> {
    /// The names of every provider, including unreadable providers.
    pub(crate) names: &'a [&'a str],
    pub(crate) providers: &'a [Arc<ProviderConfig>],
    pub(crate) accounts: &'a [AccountConfig],
    pub(crate) quota_fallback: bool,
}

/// Reads the chains.
pub(crate) fn fallbacks(top: &Fields<'_>, common: &FallbackCommon<'_>) -> Vec<Fallback> {
    let Some(entry) = top.get(&FALLBACKS) else { return Vec::new() };
    let known = Known::new(common);
    let chains = entry.members(&FALLBACKS.form.allowed()).into_iter();
    chains.map(|(key, targets)| FallbackReader { common, known: &known, key }.chain(&targets)).collect()
}

/// The providers, in the form for parsing routes.
struct Known<'a> {
    cores: Vec<Arc<Provider>>,
    common: &'a FallbackCommon<'a>,
}

impl<'a> Known<'a> {
    fn new(common: &'a FallbackCommon<'a>) -> Self {
        Self { cores: common.providers.iter().map(|provider| provider.core.clone()).collect(), common }
    }

    fn named(&self, name: &str) -> Option<&Arc<Provider>> {
        self.cores.iter().find(|provider| provider.id.as_str() == name)
    }

    fn in_use(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.cores.iter().filter(|provider| self.has_accounts(provider))
    }

    fn of_formats(&self, is_meant: impl Fn(WireFormat) -> bool) -> String {
        words(self.cores.iter().filter(|core| is_meant(core.format)).map(|core| core.id.as_str()))
    }
}

impl Providers for Known<'_> {
    fn all(&self) -> &[Arc<Provider>] {
        &self.cores
    }

    fn has_accounts(&self, provider: &Provider) -> bool {
        self.common.accounts.iter().any(|account| account.id.provider() == provider.id.as_str())
    }

    fn has_account(&self, id: &str) -> bool {
        self.common.accounts.iter().any(|account| account.id.as_str() == id)
    }
}

/// A chain in reading.
struct FallbackReader<'a> {
    common: &'a FallbackCommon<'a>,
    known: &'a Known<'a>,
    key: &'a str,
}

/// A target with its place in the file.
struct Written<'a> {
    entry: Entry<'a>,
    name: String,
    provider: Arc<Provider>,
}

impl FallbackReader<'_> {
    fn chain(&self, targets: &Entry<'_>) -> Fallback {
        let written: Vec<Written<'_>> = targets
            .elements(&FallbackTarget)
            .into_iter()
            .filter_map(|(entry, (provider, name))| self.written(entry, &provider, name))
            .collect();
        if self.stays_in_a_format(&written) {
            self.leaves_somebody(&written);
        }
        let to = written.iter().filter_map(|target| self.route(target)).collect();
        let (provider, model) = match self.provider_of_key() {
            Some((provider, model)) => (Some(provider.id.clone()), model),
            None => (None, self.key),
        };
        Fallback { provider, model: model.to_owned(), to }
    }

    /// Model names contain slashes, so the part before a slash has to be a provider.
    fn provider_of_key(&self) -> Option<(&Arc<Provider>, &str)> {
        let (provider, model) = self.key.split_once('/')?;
        Some((self.known.named(provider)?, model))
    }

    fn written<'e>(&self, entry: Entry<'e>, provider: &str, name: String) -> Option<Written<'e>> {
        if !self.common.names.contains(&provider) {
            entry.error(unknown(&entry, "provider", provider.to_owned(), self.common.names));
        }
        let provider = self.known.named(provider)?.clone();
        Some(Written { entry, name, provider })
    }

    /// Reports targets outside of the chain's format.
    fn stays_in_a_format(&self, written: &[Written<'_>]) -> bool {
        let Some(first) = written.first() else { return true };
        let (whose, format) = match self.provider_of_key() {
            Some((provider, _)) => (format!("provider `{}`", provider.id), provider.format),
            None => (format!("`{}`, the first of the chain,", first.name), first.provider.format),
        };
        let strangers = written.iter().filter(|target| target.provider.format != format);
        let mut stays = true;
        for target in strangers {
            stays = false;
            target.error(whose.clone(), format, self.known.of_formats(|it| it == format));
        }
        stays
    }

    /// Reports a chain limited to the only provider of the format: no request could leave the provider.
    ///
    /// A chain for every model may include the provider.
    fn leaves_somebody(&self, written: &[Written<'_>]) {
        let Some(target) = written.first() else { return };
        if self.provider_of_key().is_some() || self.key == ALL_MODELS {
            return;
        }
        let (speaks, provider) = (target.provider.format, target.provider.id.clone());
        let is_of_chain = |core: &&Arc<Provider>| written.iter().any(|target| target.provider.id == core.id);
        let (here, elsewhere): (Vec<_>, Vec<_>) = self.known.in_use().partition(|core| core.format == speaks);
        // Fine if a provider of the format is outside the chain: its requests can use the chain.
        if here.is_empty() || elsewhere.is_empty() || !here.iter().all(is_of_chain) {
            return;
        }
        let allowed = self.known.of_formats(|format| elsewhere.iter().any(|core| core.format == format));
        let (key, model) = (target.entry.path.clone(), self.key.to_owned());
        let target_name = target.name.clone();
        let problem =
            Problem::FallbackFromNobody { key, target: target_name, speaks, allowed, provider, model };
        target.entry.error(problem);
    }

    /// Returns the route of a usable target.
    fn route(&self, target: &Written<'_>) -> Option<Route> {
        let format = target.provider.format;
        let ask = Ask { format, provider: None, model: &target.name, pool: None, account: None };
        let provider = &target.provider.id;
        let parsed = Route::parse(&ask, self.known, self.common.quota_fallback);
        // An id for an aggregator is no target at its vendor.
        match parsed.map(|route| Some(route).filter(|route| route.provider.id == *provider)) {
            Ok(Some(route)) => Some(route),
            // No account now, but perhaps tomorrow: a warning, not an error.
            Ok(None) | Err(RouteError::NoAccounts { .. }) => {
                let text = format!("`{}` is left out of `{}`", target.name, target.entry.path);
                target.entry.warn(format!("{text}: provider `{provider}` has no account"));
                None
            }
            Err(error) => {
                let (key, reason) = (target.entry.path.clone(), error.to_string());
                target.entry.error(Problem::Fallback { key, reason });
                None
            }
        }
    }
}

impl Written<'_> {
    fn error(&self, whose: String, format: WireFormat, allowed: String) {
        let problem = Problem::FallbackFormat {
            key: self.entry.path.clone(),
            target: self.name.clone(),
            speaks: self.provider.format,
            whose,
            format,
            allowed,
        };
        self.entry.error(problem);
    }
}
