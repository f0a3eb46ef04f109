//! The resolution of relative paths and `~` in a configuration.

use std::path::{Path, PathBuf};

use super::environment::Environment;

/// The base folders of a configuration's paths.
pub(super) struct Paths {
    home: Option<PathBuf>,
    /// The folder of the configuration file, so the working directory of the process does not matter.
    folder: PathBuf,
}

impl Paths {
    pub(super) fn new(folder: &Path, environment: &dyn Environment) -> Self {
        Self { home: home(environment), folder: folder.to_owned() }
    }

    /// Expands `~` in `written`; without a home, `~` is an ordinary name.
    pub(super) fn resolve(&self, written: &str) -> PathBuf {
        match (written.strip_prefix('~'), &self.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
            (Some(_) | None, Some(_) | None) => self.folder.join(written),
        }
    }
}

/// Returns the user's home folder.
pub(super) fn home(environment: &dyn Environment) -> Option<PathBuf> {
    environment.variable("HOME").or_else(|| environment.variable("USERPROFILE")).map(PathBuf::from)
}

/// Returns an XDG base folder: its variable if that is absolute, else `fallback` in the home folder.
// XDG Base Directory Specification 0.8: relative values are to be ignored.
pub(super) fn xdg(variable: &str, fallback: &str, environment: &dyn Environment) -> Option<PathBuf> {
    let set = environment.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| home(environment).map(|home| home.join(fallback)))
}
