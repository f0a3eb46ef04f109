//! The place of state.

use std::path::PathBuf;

use crate::edges::config::documents::locate::{Paths, xdg};
use crate::edges::config::environment::Environment;
use crate::edges::config::reading::Fields;
use crate::edges::config::reading::problem::nearest;
use crate::edges::config::settings::{STATE_DIR, STORE, STORE_PATH};
use crate::edges::config::values::{Form, Refused, Shape};

/// The name of the file in the state folder.
const FILE: &str = "state.db";

/// The place of what outlives a request: limits, tokens, readings, usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// In the process; state ends with the process.
    #[default]
    Memory,
    /// In a file, shared by the processes of the user.
    Sqlite(StoreFile),
}

/// The file of a store, by who names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFile {
    /// `store_path`, or the file in `state_dir`.
    configured: Option<PathBuf>,
    /// The file in the user's state folder, unless the user has no home folder.
    usual: Option<PathBuf>,
}

impl StoreFile {
    /// Returns the file: as configured, else in the host's folder, else in the user's state folder.
    pub fn path(&self, of_host: Option<PathBuf>) -> Option<PathBuf> {
        let of_host = of_host.map(|folder| folder.join(FILE));
        self.configured.clone().or(of_host).or_else(|| self.usual.clone())
    }
}

/// Reads the settings of the store.
pub(crate) fn read(top: &Fields<'_>, paths: &Paths, environment: &dyn Environment) -> StoreChoice {
    let path = top.read(&STORE_PATH).map(|path| paths.resolve(&path));
    let folder = top.read(&STATE_DIR).map(|folder| paths.resolve(&folder).join(FILE));
    let usual = xdg("XDG_STATE_HOME", ".local/state", environment);
    let usual = usual.map(|state| state.join("pointsman").join(FILE));
    match top.read_or_default(&STORE) {
        StoreChoice::Sqlite(_) => StoreChoice::Sqlite(StoreFile { configured: path.or(folder), usual }),
        StoreChoice::Memory => StoreChoice::Memory,
    }
}

/// The name of a store. `not_yet` refuses names of later versions.
pub(crate) struct StoreName;

/// The beginnings of the URLs of later versions.
const LATER: [&str; 3] = ["redis", "valkey", "postgres"];

impl Shape for StoreName {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "sqlite or memory".to_owned()
    }

    fn refusal(&self) -> String {
        "neither sqlite nor memory".to_owned()
    }
}

impl Form for StoreName {
    type Value = StoreChoice;

    fn parse(&self, text: &str) -> Result<StoreChoice, Refused> {
        match text {
            "memory" => Ok(StoreChoice::Memory),
            "sqlite" => Ok(StoreChoice::Sqlite(StoreFile::default())),
            _ if LATER.iter().any(|later| text.starts_with(later)) => Ok(StoreChoice::Memory),
            _ => Err(Refused(nearest(text, ["sqlite", "memory"]))),
        }
    }
}
