//! Secrets as configured: what was read, and where it can be read again.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use super::environment::Environment;
use super::report::Place;
use super::secret_text::{Unusable, usable};
use crate::secret::{Secret, redact_keys};

/// A secret, or why the machine has none for now.
#[derive(Clone, Debug)]
pub struct ConfiguredSecret {
    value: Result<Secret, String>,
    source: Option<SecretSource>,
}

/// A place that can hold another secret later.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    File(PathBuf),
    Command { program: String, arguments: Vec<String> },
}

/// Why a source gave no secret.
pub(super) enum Failure {
    /// The machine has none: what was written may be right, and the secret may come.
    Missing(String),
    /// What the source gave cannot be sent.
    Unusable(Unusable),
}

impl ConfiguredSecret {
    /// Makes one that can be read again where there is a source.
    pub(super) fn new(value: Result<Secret, String>, source: Option<SecretSource>) -> Self {
        Self { value, source }
    }

    /// Makes one that is what it is.
    pub(super) fn fixed(text: String) -> Self {
        Secret::new(text).into()
    }

    /// Adds to why there is none where it is written.
    pub(super) fn written_at(self, place: &Place) -> Self {
        Self { value: self.value.map_err(|why| format!("{why} ({place})")), ..self }
    }

    /// Returns the secret.
    ///
    /// # Errors
    /// Why there is none, as a clause: `the environment variable K is not set`.
    pub fn secret(&self) -> Result<&Secret, &str> {
        self.value.as_ref().map_err(String::as_str)
    }

    /// Returns the text itself, to be sent and for nothing else; empty where there is none.
    pub fn expose(&self) -> &str {
        self.value.as_ref().map_or("", Secret::expose)
    }

    /// Puts another secret in its place. Returns whether it is another one.
    pub fn replace(&mut self, secret: &Secret) -> bool {
        let is_other = self.expose() != secret.expose();
        self.value = Ok(secret.clone());
        is_other
    }

    /// Returns where it can be read again.
    pub fn source(&self) -> Option<&SecretSource> {
        self.source.as_ref()
    }
}

impl From<Secret> for ConfiguredSecret {
    fn from(secret: Secret) -> Self {
        Self::new(Ok(secret), None)
    }
}

/// A secret that can be read again is the same one when its content has changed.
impl Hash for ConfiguredSecret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.source {
            Some(source) => source.hash(state),
            None => self.expose().hash(state),
        }
    }
}

impl SecretSource {
    /// Reads the secret. It may take as long as a command may.
    ///
    /// # Errors
    /// Why there is none, without a piece of what the source gave.
    pub fn read(&self, environment: &dyn Environment) -> Result<Secret, String> {
        self.secret(environment).map_err(|failure| match failure {
            Failure::Missing(why) => why,
            Failure::Unusable(unusable) => format!("{self} gave a secret that {}", unusable.reason()),
        })
    }

    pub(super) fn secret(&self, environment: &dyn Environment) -> Result<Secret, Failure> {
        let text = self.text(environment).map_err(Failure::Missing)?;
        match usable(&text) {
            Ok(text) => Ok(Secret::new(text)),
            Err(Unusable::Empty) => Err(Failure::Missing(format!("{self} gives nothing"))),
            Err(unusable) => Err(Failure::Unusable(unusable)),
        }
    }

    fn text(&self, environment: &dyn Environment) -> Result<String, String> {
        match self {
            Self::File(path) => {
                environment.read(path).map_err(|error| format!("{self} cannot be read: {error}"))
            }
            Self::Command { program, arguments } => {
                environment.run(program, arguments).map_err(|error| format!("{self} {error}"))
            }
        }
    }
}

/// Names the source. Of a command only the program: an argument may be a secret.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file `{}`", redact_keys(&path.display().to_string())),
            Self::Command { program, .. } => write!(f, "the command `{}`", redact_keys(program)),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
