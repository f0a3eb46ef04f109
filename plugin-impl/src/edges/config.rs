//! The configuration: from a written file to a value valid by construction.
//!
//! A file goes through three forms. `documents` makes a tree with the place of every key and value, applies
//! environment variables, and merges the user's providers with the embedded catalog. `settings` defines every
//! setting, `values` the forms of their texts, and `reading` reads settings out of the tree. `accounts`,
//! `providers`, `secrets` and `policy` make the parts of a [`Config`], which needs no further checks. Reading goes
//! on after an error, so that every error of a file is reported at once.
//!
//! The machine comes in as an [`Environment`]. Nothing here is global, so a change is picked up by loading
//! again. Nothing in a [`Config`] prints a secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::planning::settings::Settings;
use pointsman_core::quota::protection::Level;

mod accounts;
mod documentation;
mod documents;
mod environment;
mod policy;
mod providers;
mod reading;
mod resolve;
mod secrets;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use self::documents::consent;

pub use self::accounts::{AccountConfig, CredentialSource, VARIABLES};
pub use self::documentation::documentation;
pub use self::documents::consent::{consent_file, give as give_consent};
pub use self::documents::locate::{Located, here, locate};
pub use self::environment::{COMMAND_LIMIT, CommandError, Environment, Process};
pub use self::providers::fallbacks::Fallback;
pub use self::providers::headers::{credentials, holds_credential};
pub use self::providers::{Concurrency, OAuthClient, ProviderConfig};
pub use self::reading::problem::Problem;
pub use self::reading::report::{ConfigError, ConfigErrors, MAX_ERRORS, Place, Warning};
pub use self::secrets::{ConfiguredSecret, SecretSource};
pub use self::values::listen::ListenAddress;
pub use self::values::store::{StoreChoice, StoreFile};
pub use self::values::url::ProxyUrl;

/// A configuration: the settings of every request until the next load.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    pub quiet_mode: bool,
    /// State of another account is left out of requests where that account cannot serve.
    pub unbind: bool,
    /// The pause between quota polls of an account; zero for no polls.
    pub quota_refresh: Duration,
    /// The longest wait of a streaming request with signs of life; zero for none.
    pub hold: Duration,
    /// The quota protection of pools and accounts without a setting of their own.
    pub protection: Level,
    /// The gateway's address: local, unless the user allows more.
    pub listen: ListenAddress,
    /// The origins of web pages allowed at the gateway, in lower case.
    pub allow_origins: Vec<String>,
    /// Further names of the gateway, in lower case, with or without a port.
    pub allow_hosts: Vec<String>,
    pub store: StoreChoice,
    pub timeouts: Timeouts,
    pub bodies: BodyLimits,
    /// The providers: the catalog's first. [`ProviderConfig::index`] is an index into this list.
    pub providers: Vec<Arc<ProviderConfig>>,
    /// The accounts, with unique ids.
    pub accounts: Vec<AccountConfig>,
    pub fallbacks: Vec<Fallback>,
    /// The files of secrets. New content of a file is a change of the configuration.
    pub secret_files: Vec<PathBuf>,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
    /// Decisions made without a setting.
    pub notes: Vec<String>,
    pub source: ConfigSource,
}

impl Config {
    /// Returns the settings of routing and sending, for printing; secrets are redacted.
    pub fn printed(&self) -> impl fmt::Debug {
        (
            (&self.settings, self.quota_refresh, &self.protection, &self.timeouts, self.bodies),
            (&self.providers, &self.accounts, &self.fallbacks),
        )
    }
}

/// The time limits of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time until the connection stands.
    pub connect: Duration,
    /// The time until the answer's head.
    pub head: Duration,
    /// The time between pieces of an answer.
    pub idle: Duration,
}

/// The limits of request bodies. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// The longest body.
    pub longest: u64,
    /// The longest time from the head of a request to the end of the body.
    pub time: Duration,
    /// The most memory of all bodies together.
    pub together: u64,
}

/// The source of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// A file.
    File(PathBuf),
    /// No file; defaults and environment variables.
    Defaults,
}

/// Loads the configuration found by [`locate()`].
///
/// # Errors
///
/// The errors of the file, up to [`MAX_ERRORS`].
pub fn load(located: &Located, environment: &dyn Environment) -> Result<Config, ConfigErrors> {
    match located {
        Located::File(path) => {
            let name = path.display().to_string();
            from_text(&read(path, environment)?, &name, environment)
        }
        Located::Here(path) => {
            let name = path.display().to_string();
            let text = read(path, environment)?;
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

/// Parses `text`, the present or future content of the file `name`.
///
/// # Errors
///
/// The errors of the text, up to [`MAX_ERRORS`].
pub fn from_text(text: &str, name: &str, environment: &dyn Environment) -> Result<Config, ConfigErrors> {
    resolve::config(text, name, ConfigSource::File(Path::new(name).to_owned()), environment)
}

/// Reads the text of a configuration.
///
/// # Errors
///
/// That `path` cannot be read.
pub fn read(path: &Path, environment: &dyn Environment) -> Result<String, ConfigErrors> {
    environment.read(path).map_err(|error| unreadable(&path.display().to_string(), &error))
}

fn unreadable(name: &str, error: &std::io::Error) -> ConfigErrors {
    ConfigErrors::one(Place::whole(name), Problem::Unreadable(error.to_string()))
}
