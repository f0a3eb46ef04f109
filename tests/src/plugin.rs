//! The library under test, loaded once.

use std::path::PathBuf;
use std::sync::OnceLock;

use pointsman_loader::{Environment, Library, find, load};

/// Returns the library that Cargo built beside this executable, or the one that `$POINTSMAN_PLUGIN` names.
///
/// # Panics
/// Where there is none, or it cannot be loaded.
pub fn library() -> &'static Library {
    static LOADED: OnceLock<Library> = OnceLock::new();
    LOADED.get_or_init(|| load(&path()).expect("the library can be loaded"))
}

/// Returns where the library is.
///
/// # Panics
/// Where it is in none of the usual places.
pub fn path() -> PathBuf {
    find(None, &Environment::of_process()).expect("Cargo has built the library")
}

/// Returns the path of a library among this package's examples.
///
/// # Panics
/// Where it has not been built: `cargo test --test …` leaves examples out.
pub fn example(name: &str) -> PathBuf {
    let executable = std::env::current_exe().expect("this process has an executable");
    let profile = executable.ancestors().nth(2).expect("a test executable is in PROFILE/deps");
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = profile.join("examples").join(format!("{prefix}{name}{suffix}"));
    assert!(path.exists(), "{name} is not built: cargo build -p pointsman-tests --examples");
    path
}
