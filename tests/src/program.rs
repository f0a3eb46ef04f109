//! The program `pointsman`, as it was built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::tree;

/// Returns the host's binary, which Cargo builds for no other package's tests.
///
/// # Panics
/// Where it cannot be built.
pub fn pointsman() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let executable = std::env::current_exe().expect("this process has an executable");
        let profile = executable.ancestors().nth(2).expect("a test executable is in PROFILE/deps");
        let target = profile.parent().expect("a profile is in a target folder");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "pointsman-host", "--locked", "--offline", "--quiet"]);
        // The Cargo that runs this test has no job to spare, and would be waited for.
        for name in ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"] {
            build.env_remove(name);
        }
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let built = build.current_dir(tree::root()).env("CARGO_TARGET_DIR", target).status();
        assert!(built.is_ok_and(|status| status.success()), "cargo builds the host");
        profile.join(format!("pointsman{}", std::env::consts::EXE_SUFFIX))
    })
}
