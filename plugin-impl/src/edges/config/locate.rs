//! Which file is the configuration.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::paths::xdg;

const FILE_NAME: &str = "pointsman.yaml";

/// Where the configuration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// Somebody named this file, or it lies at one of the usual places.
    File(PathBuf),
    /// There is none; the defaults hold.
    Nowhere,
}

impl Located {
    /// Returns the file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Nowhere => None,
        }
    }
}

/// Looks at `explicit` (`--config`), `$POINTSMAN_CONFIG`, `./pointsman.yaml` and
/// `$XDG_CONFIG_HOME/pointsman/pointsman.yaml`, in this order.
///
/// A file that was named is taken whether it is there or not: loading says what is wrong with it.
pub fn locate(explicit: Option<&Path>, environment: &dyn Environment) -> Located {
    let named =
        explicit.map(Path::to_owned).or_else(|| environment.variable("POINTSMAN_CONFIG").map(PathBuf::from));
    let found =
        named.or_else(|| usual_places(environment).into_iter().find(|path| environment.is_file(path)));
    found.map_or(Located::Nowhere, Located::File)
}

fn usual_places(environment: &dyn Environment) -> Vec<PathBuf> {
    let users = xdg("XDG_CONFIG_HOME", ".config", environment);
    let here = PathBuf::from(FILE_NAME);
    [here].into_iter().chain(users.map(|folder| folder.join("pointsman").join(FILE_NAME))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::Machine;
    use super::*;

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
        check(&machine, None, Some("pointsman.yaml"));
        machine = machine.variable("POINTSMAN_CONFIG", "/missing.yaml");
        check(&machine, None, Some("/missing.yaml"));
        check(&machine, Some("given.yaml"), Some("given.yaml"));
    }
}
