//! What is measured: the release build of the library and of the programs, as a user would have them.
//!
//! Cargo builds no programs of other packages for a benchmark, so they are built here, by the same cargo
//! into the same folder; it takes no time where they are fresh.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names a folder with other artifacts to measure, such as a release.
const VARIABLE: &str = "POINTSMAN_BENCH_ARTIFACTS";

/// Where the artifacts are.
#[derive(Clone, Debug)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    /// Builds them, or takes those that are named.
    ///
    /// # Errors
    /// Where cargo cannot be run or the build fails.
    pub fn build() -> io::Result<Self> {
        if let Some(folder) = std::env::var_os(VARIABLE) {
            return Ok(Self { folder: folder.into() });
        }
        let executable = std::env::current_exe()?;
        let folder = executable.ancestors().nth(2).ok_or(io::ErrorKind::NotFound)?.to_owned();
        let target = folder.parent().ok_or(io::ErrorKind::NotFound)?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let packages = ["pointsman-plugin", "pointsman-host", "pointsman-upstream"];
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--quiet"]).arg("--target-dir").arg(target);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        build.args(packages.iter().flat_map(|package| ["--package", package]));
        if build.status()?.success() {
            Ok(Self { folder })
        } else {
            Err(io::Error::other("the build failed"))
        }
    }

    /// Returns the library.
    pub fn library(&self) -> PathBuf {
        self.folder.join(format!(
            "{}pointsman_plugin{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        ))
    }

    /// Returns a program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Returns a folder for files of a run.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn scratch(&self) -> io::Result<PathBuf> {
        let folder = self.folder.join("bench-scratch").join(std::process::id().to_string());
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Removes the files of a run.
pub fn sweep(scratch: &Path) {
    // What is left of a run lies in the build folder, and is no harm there.
    let _ = std::fs::remove_dir_all(scratch);
}
