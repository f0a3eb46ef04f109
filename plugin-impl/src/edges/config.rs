//! The configuration: from what is written to what is valid by construction.
//!
//! A file goes through three forms. `yaml` makes a tree in which every key and value knows its place;
//! `overrides` lays environment variables over it and `catalog` puts the user's providers over the
//! embedded ones, still as trees; then the settings are read out of it by their definitions in `settings`.
//! Whoever holds a [`Config`] need not check anything again. Reading goes on after an error, so that all of
//! a file's errors are told at once.
//!
//! The machine comes in as an [`Environment`]; nothing here is global, so loading again is how a change is
//! picked up. Nothing in a [`Config`] prints a secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::planning::settings::Settings;
use pointsman_core::quota::protection::Level;

mod account;
mod amount;
mod catalog;
mod concurrency;
mod configured_secret;
mod consent;
mod documentation;
mod environment;
mod fallbacks;
mod family;
mod form;
mod headers;
mod listen;
mod locate;
mod not_yet;
mod overrides;
mod paths;
mod policy;
mod pool;
mod pool_order;
mod problem;
mod protection;
mod provider;
mod reader;
mod report;
mod resolve;
mod retry_budget;
mod secret_source;
mod secret_text;
mod setting;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod url;
mod yaml;

pub use account::{AccountConfig, CredentialSource, VARIABLES};
pub use concurrency::Concurrency;
pub use configured_secret::{ConfiguredSecret, SecretSource};
pub use consent::{consent_file, give as give_consent};
pub use documentation::documentation;
pub use environment::{COMMAND_LIMIT, CommandError, Environment, Process};
pub use fallbacks::Fallback;
pub use listen::ListenAddress;
pub use locate::{Located, here, locate};
pub use problem::Problem;
pub use provider::{AuthScheme, OAuthClient, ProviderConfig};
pub use report::{ConfigError, ConfigErrors, MAX_ERRORS, Place, Warning};
pub use store::Store;
pub use url::ProxyUrl;

/// What holds for all requests, until another configuration is loaded.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    pub quiet_mode: bool,
    /// The pause between two questions to a quota endpoint about one account; zero for no questions.
    pub quota_refresh: Duration,
    /// The longest that a streaming request is kept waiting with signs of life; zero for not at all.
    pub hold: Duration,
    /// What of each quota is left alone, where nothing more special says so.
    pub protection: Level,
    /// Local, unless the user said that it need not be.
    pub listen: ListenAddress,
    /// Where the web pages are from that may use the gateway, in lower case.
    pub allow_origins: Vec<String>,
    /// Further names of the gateway, in lower case, with or without a port.
    pub allow_hosts: Vec<String>,
    pub store: Store,
    pub timeouts: Timeouts,
    /// In bytes.
    pub max_body: u64,
    /// Those of the catalog first; [`ProviderConfig::index`] is the position here.
    pub providers: Vec<Arc<ProviderConfig>>,
    /// Ids are unique.
    pub accounts: Vec<AccountConfig>,
    pub fallbacks: Vec<Fallback>,
    /// The files that secrets came from. Another content of one is a change of the configuration.
    pub secret_files: Vec<PathBuf>,
    /// What its writer should know of.
    pub warnings: Vec<Warning>,
    /// What was decided without being written.
    pub notes: Vec<String>,
    pub source: ConfigSource,
}

impl Config {
    /// Returns what decides how requests are routed and sent, to be printed; secrets print as such.
    pub fn printed(&self) -> impl fmt::Debug {
        (
            (&self.settings, self.quota_refresh, &self.protection, &self.timeouts, self.max_body),
            (&self.providers, &self.accounts, &self.fallbacks),
        )
    }
}

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the head of an answer is there.
    pub head: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
}

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// This file.
    File(PathBuf),
    /// No file; defaults and environment variables.
    Defaults,
}

/// Loads the configuration that [`locate()`] found.
///
/// # Errors
///
/// All that is wrong with it, up to [`MAX_ERRORS`].
pub fn load(located: &Located, environment: &dyn Environment) -> Result<Config, ConfigErrors> {
    match located {
        Located::File(path) => {
            let name = path.display().to_string();
            let text = environment.read(path).map_err(|error| unreadable(&name, &error))?;
            from_text(&text, &name, environment)
        }
        Located::Here(path) => {
            let name = path.display().to_string();
            let text = environment.read(path).map_err(|error| unreadable(&name, &error))?;
            consent::check_text(&text, path, environment)?;
            let source = ConfigSource::File(environment.absolute(path));
            let mut config = resolve::config(&text, &name, source, environment)?;
            // Consent that is given while it runs is a reason to look again.
            config.secret_files.extend(consent_file(environment));
            Ok(config)
        }
        Located::Nowhere => resolve::config("", "defaults", ConfigSource::Defaults, environment),
    }
}

/// Makes a configuration of `text`, which is (or could be) in the file `name`.
///
/// # Errors
///
/// All that is wrong with it, up to [`MAX_ERRORS`].
pub fn from_text(text: &str, name: &str, environment: &dyn Environment) -> Result<Config, ConfigErrors> {
    resolve::config(text, name, ConfigSource::File(Path::new(name).to_owned()), environment)
}

fn unreadable(name: &str, error: &std::io::Error) -> ConfigErrors {
    ConfigErrors::one(Place::whole(name), Problem::Unreadable(error.to_string()))
}
