//! The project's own files, for the tests that read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the root of the project.
///
/// # Panics
/// Where this package is not in its place.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is in the project's root")
}

/// Returns the text of a file, by its path from the root.
///
/// # Panics
/// Where it cannot be read as text.
pub fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the files below a folder, by their paths from the root, in order.
///
/// # Panics
/// Where a folder cannot be read.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    let mut found: Vec<_> =
        found.iter().filter_map(|path| path.strip_prefix(root()).ok()).map(Path::to_owned).collect();
    found.sort();
    found
}

/// Returns the Rust sources below a folder, with their texts.
pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files(folder).into_iter().filter(rust).map(|path| (path.clone(), text(path))).collect()
}

/// Returns the files that belong to the project: those that git knows or would take, in order.
///
/// # Panics
/// Where git cannot be asked.
pub fn tracked() -> Vec<PathBuf> {
    let asked = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git can be asked");
    let list = String::from_utf8_lossy(&asked.stdout).into_owned();
    let mut files: Vec<_> =
        list.lines().map(PathBuf::from).filter(|path| root().join(path).is_file()).collect();
    files.sort();
    assert!(!files.is_empty(), "git knows the project");
    files
}
