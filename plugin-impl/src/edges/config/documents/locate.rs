//! The location of the configuration, and of the files it names.

use std::path::{Path, PathBuf};

use crate::edges::config::environment::Environment;

const FILE_NAME: &str = "pointsman.yaml";

/// The location of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// A named file, or a file in the user's configuration folder.
    File(PathBuf),
    /// A file in the current folder, not named by anybody; see `consent`.
    Here(PathBuf),
    /// No file; the defaults hold.
    Nowhere,
}

impl Located {
    /// Returns the file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Here(path) => Some(path),
            Self::Nowhere => None,
        }
    }
}

/// Tries `explicit` (`--config`), `$POINTSMAN_CONFIG`, `./pointsman.yaml` and
/// `$XDG_CONFIG_HOME/pointsman/pointsman.yaml`, in order.
///
/// A named file is taken even if missing: loading reports the error.
pub fn locate(explicit: Option<&Path>, environment: &dyn Environment) -> Located {
    let named =
        explicit.map(Path::to_owned).or_else(|| environment.variable("POINTSMAN_CONFIG").map(PathBuf::from));
    if let Some(named) = named {
        return Located::File(named);
    }
    let users = xdg("XDG_CONFIG_HOME", ".config", environment);
    let users = users.map(|folder| folder.join("pointsman").join(FILE_NAME));
    let here = PathBuf::from(FILE_NAME);
    let is_users = users.as_ref().is_some_and(|users| *users == environment.absolute(&here));
    if environment.is_file(&here) && !is_users {
        return Located::Here(here);
    }
    users.filter(|users| environment.is_file(users)).map_or(Located::Nowhere, Located::File)
}

/// Returns the configuration of the current folder.
pub fn here() -> PathBuf {
    PathBuf::from(FILE_NAME)
}

/// The base folders of a configuration's paths.
pub(crate) struct Paths {
    home: Option<PathBuf>,
    /// The folder of the configuration file, so the working directory of the process does not matter.
    folder: PathBuf,
}

impl Paths {
    pub(crate) fn new(folder: &Path, environment: &dyn Environment) -> Self {
        Self { home: home(environment), folder: folder.to_owned() }
    }

    /// Expands `~` in `written`; without a home, `~` is an ordinary name.
    pub(crate) fn resolve(&self, written: &str) -> PathBuf {
        match (written.strip_prefix('~'), &self.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
            (Some(_) | None, Some(_) | None) => self.folder.join(written),
        }
    }
}

/// Returns the user's home folder.
pub(crate) fn home(environment: &dyn Environment) -> Option<PathBuf> {
    environment.variable("HOME").or_else(|| environment.variable("USERPROFILE")).map(PathBuf::from)
}

/// Returns an XDG base folder: its variable if that is absolute, else `fallback` in the home folder.
// XDG Base Directory Specification 0.8: relative values are to be ignored.
pub(crate) fn xdg(variable: &str, fallback: &str, environment: &dyn Environment) -> Option<PathBuf> {
    let set = environment.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| home(environment).map(|home| home.join(fallback)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::config::tests::Machine;

    fn check(machine: &Machine, explicit: Option<&str>, found: Option<&str>) {
        let located = found.map_or(Located::Nowhere, |path| Located::File(path.into()));
        assert_eq!(locate(explicit.map(Path::new), machine), located);
    }

    #[test]
    fn the_first_place_that_has_a_file_is_taken() {
        let mut machine = Machine::default();
        check(&machine, None, None);
        machine = machine.variable("HOME", "/home/me").file("/home/me/.config/pointsman/pointsman.yaml", "");
        check(&machine, None, Some("/home/me/.config/pointsman/pointsman.yaml"));
        machine = machine.variable("XDG_CONFIG_HOME", "/xdg");
        check(&machine, None, None);
        machine = machine.file("/xdg/pointsman/pointsman.yaml", "");
        check(&machine, None, Some("/xdg/pointsman/pointsman.yaml"));
        machine = machine.file("pointsman.yaml", "");
        assert_eq!(locate(None, &machine), Located::Here("pointsman.yaml".into()));
        let in_it =
            machine.clone().variable("XDG_CONFIG_HOME", "/here").file("/here/pointsman/pointsman.yaml", "");
        assert_eq!(locate(None, &in_it), Located::Here("pointsman.yaml".into()));
        machine = machine.variable("POINTSMAN_CONFIG", "/missing.yaml");
        check(&machine, None, Some("/missing.yaml"));
        check(&machine, Some("given.yaml"), Some("given.yaml"));
    }
}
