//! Configured secrets: the value, and the source for reading the value again.

pub(super) mod source;
pub(super) mod text;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use crate::edges::config::environment::Environment;
use crate::edges::config::reading::report::Place;
use crate::edges::config::secrets::text::{Unusable, usable};
use crate::secret::{Secret, redact_keys};

/// A secret, or the reason for its absence.
#[derive(Clone, Debug)]
pub struct ConfiguredSecret {
    value: Result<Secret, String>,
    source: Option<SecretSource>,
}

/// A source of secrets: reading again may give a new secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    File(PathBuf),
    Command { program: String, arguments: Vec<String> },
}

/// The error of a source.
pub(crate) enum SecretFailure {
    /// No secret at the moment: the setting may be right, and the secret may still appear.
    Missing(String),
    /// The source's text cannot be sent.
    Unusable(Unusable),
}

impl ConfiguredSecret {
    /// Makes a secret, with the source for reading again if there is a source.
    pub(crate) fn new(value: Result<Secret, String>, source: Option<SecretSource>) -> Self {
        Self { value, source }
    }

    /// Makes a secret without a source.
    pub(crate) fn fixed(text: String) -> Self {
        Secret::new(text).into()
    }

    /// Adds the place in the file to the reason for absence.
    pub(crate) fn written_at(self, place: &Place) -> Self {
        Self { value: self.value.map_err(|why| format!("{why} ({place})")), ..self }
    }

    /// Returns the secret.
    ///
    /// # Errors
    /// The reason for absence, as a clause: `the environment variable K is not set`.
    pub fn secret(&self) -> Result<&Secret, &str> {
        self.value.as_ref().map_err(String::as_str)
    }

    /// Returns the text, only for sending; empty if absent.
    pub fn expose(&self) -> &str {
        self.value.as_ref().map_or("", Secret::expose)
    }

    /// Replaces the secret. Returns whether the secret changed.
    pub fn replace(&mut self, secret: &Secret) -> bool {
        let is_other = self.expose() != secret.expose();
        self.value = Ok(secret.clone());
        is_other
    }

    /// Returns the source for reading again.
    pub fn source(&self) -> Option<&SecretSource> {
        self.source.as_ref()
    }
}

impl From<Secret> for ConfiguredSecret {
    fn from(secret: Secret) -> Self {
        Self::new(Ok(secret), None)
    }
}

/// The hash covers the source instead of the text, so a rotated secret hashes as before.
impl Hash for ConfiguredSecret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.source {
            Some(source) => source.hash(state),
            None => self.expose().hash(state),
        }
    }
}

impl SecretSource {
    /// Reads the secret, within the time limit of a command.
    ///
    /// # Errors
    /// The reason for absence, without any part of the source's text.
    pub fn read(&self, environment: &dyn Environment) -> Result<Secret, String> {
        self.secret(environment).map_err(|failure| match failure {
            SecretFailure::Missing(why) => why,
            SecretFailure::Unusable(unusable) => format!("{self} gave a secret that {}", unusable.reason()),
        })
    }

    pub(crate) fn secret(&self, environment: &dyn Environment) -> Result<Secret, SecretFailure> {
        let text = self.text(environment).map_err(SecretFailure::Missing)?;
        match usable(&text) {
            Ok(text) => Ok(Secret::new(text)),
            Err(Unusable::Empty) => Err(SecretFailure::Missing(format!("{self} gives nothing"))),
            Err(unusable) => Err(SecretFailure::Unusable(unusable)),
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

/// Shows the source. Of a command only the program is shown: an argument may be a secret.
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
