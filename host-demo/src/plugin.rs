//! From the command line to a running router.

use std::path::Path;

use anyhow::Context as _;
use pointsman_api::StartOptions;
use pointsman_api::abi_stable::std_types::{ROption, RString};
use pointsman_loader::{Environment, Library};

/// Finds and loads the library.
pub(crate) fn open(explicit: Option<&Path>) -> anyhow::Result<Library> {
    let path = pointsman_loader::find(explicit, &Environment::of_process())?;
    pointsman_loader::load(&path).context("cannot load the plugin")
}

/// Starts with the configuration in `file`, or in the usual places.
pub(crate) fn configured_by(file: Option<&Path>) -> StartOptions {
    let config_path = file.map(|file| RString::from(file.to_string_lossy())).into();
    StartOptions { config_path, ..StartOptions::default() }
}

/// Looks at the configuration in `file`, or in the usual places. Nothing starts, and no secret is read.
pub(crate) fn looked_at(file: Option<&Path>) -> StartOptions {
    let mut options = configured_by(file);
    options.extensions.set("purpose", "look");
    options
}

/// Agrees to the configuration in `file`, or to that of the current folder, and looks at it.
pub(crate) fn trusting(file: Option<&Path>) -> StartOptions {
    let mut options = configured_by(file);
    options.extensions.set("purpose", "trust");
    options
}

/// Starts with the configuration `text`.
pub(crate) fn configured_as(text: &str) -> StartOptions {
    StartOptions { config_text: ROption::RSome(text.into()), ..StartOptions::default() }
}
