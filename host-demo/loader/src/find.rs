//! The search for the library.
//!
//! An explicit path is used as given and never replaced: a typing error must not load another plugin. The
//! usual places are searched only without an explicit path.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The file name of the library on this operating system.
pub const FILE_NAME: &str = if cfg!(windows) {
    "pointsman_plugin.dll"
} else if cfg!(target_os = "macos") {
    "libpointsman_plugin.dylib"
} else {
    "libpointsman_plugin.so"
};

/// The variable that names the library.
const VARIABLE: &str = "POINTSMAN_PLUGIN";

/// The input of [`find`] besides an explicit path.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The value of `$POINTSMAN_PLUGIN`.
    pub plugin: Option<PathBuf>,
    /// The path of the running executable.
    pub executable: Option<PathBuf>,
    /// The folder for the user's data, such as `~/.local/share`.
    pub data_folder: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        Self {
            plugin: variable(VARIABLE),
            executable: env::current_exe().ok(),
            data_folder: data_folder(&|name| variable(name)),
        }
    }

    /// Lists the candidate files, best first.
    fn usual_places(&self) -> Vec<PathBuf> {
        let beside = self.executable.iter().flat_map(|executable| beside(executable));
        let users = self.data_folder.iter().map(|folder| folder.join("pointsman").join("plugins"));
        beside.chain(users).map(|folder| folder.join(FILE_NAME)).collect()
    }
}

/// Finds the library. The order: `explicit`, `$POINTSMAN_PLUGIN`, beside the executable, the user's plugin
/// folder.
///
/// A folder stands for the library in the folder. A named file is not checked here; [`load`](crate::load())
/// reports its faults best.
///
/// # Errors
/// [`FindError`] with the searched places.
pub fn find(explicit: Option<&Path>, environment: &Environment) -> Result<PathBuf, FindError> {
    if let Some(named) = explicit.or(environment.plugin.as_deref()) {
        return Ok(if named.is_dir() { named.join(FILE_NAME) } else { named.to_owned() });
    }
    let places = environment.usual_places();
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or(FindError { looked_at: places })
}

/// No usual place has the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindError {
    pub looked_at: Vec<PathBuf>,
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FILE_NAME} was not found; looked at:")?;
        for place in &self.looked_at {
            writeln!(f, "  {}", place.display())?;
        }
        write!(f, "name it with --plugin PATH or {VARIABLE}=PATH, or copy it to one of these places")
    }
}

impl std::error::Error for FindError {}

/// The folder of the executable, its `deps`, and its parent: Cargo's places for libraries and test
/// binaries.
fn beside(executable: &Path) -> Vec<PathBuf> {
    let Some(folder) = executable.parent() else { return Vec::new() };
    let parent = folder.parent().map(Path::to_owned);
    [folder.to_owned(), folder.join("deps")].into_iter().chain(parent).collect()
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(OsString::into)
}

fn data_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return variable("APPDATA");
    }
    let home = || variable("HOME");
    if cfg!(target_os = "macos") {
        return home().map(|home| home.join("Library").join("Application Support"));
    }
    // A relative value is to be ignored: XDG Base Directory Specification, "Basics".
    let named = variable("XDG_DATA_HOME").filter(|folder| folder.is_absolute());
    named.or_else(|| home().map(|home| home.join(".local").join("share")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A home with a library in each of `folders`.
    fn home(folders: &[&str]) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().expect("a temporary folder");
        for folder in folders {
            let folder = home.path().join(folder);
            fs::create_dir_all(&folder).expect("a folder in it");
            fs::write(folder.join(FILE_NAME), "").expect("a file in it");
        }
        let environment = Environment {
            plugin: None,
            executable: Some(home.path().join("bin/deps/agent")),
            data_folder: Some(home.path().join("data")),
        };
        (home, environment)
    }

    fn check(folders: &[&str], expected: Option<&str>) {
        let (home, environment) = home(folders);
        let found = find(None, &environment).ok();
        assert_eq!(found, expected.map(|folder| home.path().join(folder).join(FILE_NAME)), "{folders:?}");
    }

    #[test]
    fn the_usual_places_are_looked_at_in_order() {
        let users = "data/pointsman/plugins";
        check(&["bin/deps", "bin/deps/deps", "bin", users], Some("bin/deps"));
        check(&["bin/deps/deps", "bin", users], Some("bin/deps/deps"));
        check(&["bin", users], Some("bin"));
        check(&[users], Some(users));
        check(&[], None);
    }

    #[test]
    fn a_named_file_wins_and_is_never_replaced_by_another() {
        let (_home, mut environment) = home(&["bin"]);
        environment.plugin = Some("from/the/variable.so".into());
        assert_eq!(find(None, &environment), Ok("from/the/variable.so".into()));
        assert_eq!(find(Some(Path::new("typo.so")), &environment), Ok("typo.so".into()));
    }

    #[test]
    fn a_named_folder_stands_for_the_library_in_it() {
        let (home, environment) = home(&["bin"]);
        let folder = home.path().join("bin");
        assert_eq!(find(Some(&folder), &environment), Ok(folder.join(FILE_NAME)));
    }

    #[test]
    fn not_finding_it_lists_the_places_and_the_remedy() {
        let (home, environment) = home(&[]);
        let text = find(None, &environment).expect_err("nothing there").to_string();
        let users = home.path().join("data/pointsman/plugins").join(FILE_NAME);
        assert!(text.contains(&users.display().to_string()), "{text}");
        assert!(text.contains("--plugin PATH"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_data_folder_follows_the_xdg_rules() {
        let with = |xdg: Option<&'static str>| {
            move |name: &str| match name {
                "XDG_DATA_HOME" => xdg.map(PathBuf::from),
                "HOME" => Some("/home/me".into()),
                _ => None,
            }
        };
        assert_eq!(data_folder(&with(Some("/data"))), Some("/data".into()));
        assert_eq!(data_folder(&with(Some("data"))), Some("/home/me/.local/share".into()));
        assert_eq!(data_folder(&with(None)), Some("/home/me/.local/share".into()));
    }
}
