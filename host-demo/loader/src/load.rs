//! Loads a library: inspected first, then its ABI version, then the layout of every type.

use std::fmt;
use std::path::{Path, PathBuf};

use pointsman_api::abi_stable::library::{LibraryError, lib_header_from_path};
use pointsman_api::abi_stable::std_types::RResult;
use pointsman_api::{AbiVersion, Error, Mismatch, RootRef, StartOptions, VERSION_SYMBOL};

use crate::host::{self, Host};
use crate::inspect::{InspectError, inspect};
use crate::router::Router;

/// Loads the library at `path`. Libraries at different paths can be loaded side by side.
///
/// A release build loads in about a millisecond.
///
/// # Errors
/// [`LoadError`]; the text is short and names the side to replace.
pub fn load(path: &Path) -> Result<Library, LoadError> {
    inspect(path)?;
    let version = abi_version(path)?;
    AbiVersion::CURRENT.accept(version).map_err(|mismatch| LoadError::version(path, mismatch))?;
    let root = root_module(path)?;
    Ok(Library { path: path.to_owned(), version, root })
}

/// A loaded library, the source of routers.
#[derive(Clone)]
pub struct Library {
    path: PathBuf,
    version: AbiVersion,
    root: RootRef,
}

impl Library {
    /// Returns the file of the library.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the library's interface version.
    pub const fn abi_version(&self) -> AbiVersion {
        self.version
    }

    /// Starts a router with its own configuration. The router's threads call `host`.
    ///
    /// # Errors
    /// [`ErrorCode::CONFIG`](pointsman_api::ErrorCode::CONFIG) for an unusable configuration; the text
    /// names file, line, key and remedy.
    pub fn start(&self, options: StartOptions, host: impl Host) -> Result<Router, Error> {
        let start = self.root.start();
        match start(options, host::fenced(host)) {
            RResult::ROk(plugin) => Ok(Router::new(plugin)),
            RResult::RErr(error) => Err(error),
        }
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("path", &self.path).field("version", &self.version).finish()
    }
}

/// A library that failed to load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is unfit for the linker.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The linker refused the file.
    #[error("{} cannot be loaded: {source}", path.display())]
    Linker { path: PathBuf, source: libloading::Error },
    /// The library has another interface version.
    #[error("{}: {mismatch}", path.display())]
    Version { path: PathBuf, mismatch: Mismatch },
    /// The version matches, but the types differ: one side was built from changed sources.
    #[error("{} has types that this host does not know, although the versions agree: {reasons}; take both from one release", path.display())]
    Layout { path: PathBuf, reasons: String },
}

impl LoadError {
    fn version(path: &Path, mismatch: Mismatch) -> Self {
        Self::Version { path: path.to_owned(), mismatch }
    }
}

/// Reads the library's version through the plain C function, independent of any layout.
fn abi_version(path: &Path) -> Result<AbiVersion, LoadError> {
    let linker = |source| LoadError::Linker { path: path.to_owned(), source };
    // SAFETY: loading runs the initializers of the file. It is the file that the user named or
    // installed as the plugin, and `inspect` has found it whole and exporting the plugin's symbol.
    let library = unsafe { libloading::Library::new(path) }.map_err(linker)?;
    // SAFETY: `VERSION_SYMBOL` is defined to be a function of this type, in every version to come.
    let ask = unsafe { library.get::<extern "C" fn() -> u32>(VERSION_SYMBOL) }.map_err(linker)?;
    let version = AbiVersion::from_bits(ask());
    // Unloading a library that has made thread-locals is not safe on every system.
    std::mem::forget(library);
    Ok(version)
}

/// Loads the root module of this file.
///
/// `RootRef::load_from_file` is unsuitable: its static per type returns the first module ever loaded, for
/// any path.
fn root_module(path: &Path) -> Result<RootRef, LoadError> {
    let layout = |error| LoadError::Layout { path: path.to_owned(), reasons: reasons(&error) };
    lib_header_from_path(path).and_then(|header| header.init_root_module::<RootRef>()).map_err(layout)
}

/// Extracts the reasons from abi_stable's report, some hundred kilobytes of type layouts.
fn reasons(error: &LibraryError) -> String {
    let report = error.to_string();
    let mut reasons: Vec<&str> =
        report.lines().filter_map(|line| line.trim().strip_prefix("Error:")).map(str::trim).collect();
    reasons.dedup();
    if reasons.is_empty() { first_line(&report) } else { reasons.join("; ") }
}

fn first_line(report: &str) -> String {
    let line = report.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("no reason was given").to_owned()
}

#[cfg(test)]
mod tests {
    use pointsman_api::abi_stable::std_types::RBoxError;

    use super::*;

    fn report(text: &str) -> LibraryError {
        LibraryError::AbiInstability(RBoxError::from_fmt(&text))
    }

    #[test]
    fn a_layout_report_is_cut_down_to_its_reasons() {
        let error =
            report("Compared <this>:\n  layout…\nError:incompatible type size\n…\nError: too many fields\n");
        assert_eq!(reasons(&error), "incompatible type size; too many fields");
    }

    #[test]
    fn a_report_without_reasons_is_cut_down_to_its_first_line() {
        assert_eq!(reasons(&report("\n\nsomething else\nand more\n")), "something else");
    }

    #[test]
    fn the_file_is_inspected_before_it_is_loaded() {
        let error = load(Path::new("no/such/library.so")).expect_err("missing");
        assert!(matches!(error, LoadError::Inspect(_)), "{error}");
    }

    #[test]
    fn a_version_mismatch_is_one_sentence_with_the_path() {
        let newer = AbiVersion { major: AbiVersion::CURRENT.major + 1, minor: 0 };
        let mismatch = AbiVersion::CURRENT.accept(newer).expect_err("another major");
        let text = LoadError::version(Path::new("plugin.so"), mismatch).to_string();
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with("plugin.so: the plugin speaks ABI 2.0"), "{text}");
    }
}
