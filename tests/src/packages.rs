//! Packages of npm and PyPI for tests, each in its pinned version, installed below the target folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder with scripts and their packages, and the program that runs the scripts.
#[derive(Debug)]
pub struct Installed {
    pub program: PathBuf,
    pub folder: PathBuf,
}

/// What says that a folder holds the packages of this list.
const STAMP: &str = "installed";

/// Copies a folder of the tests below `target`, the target folder for tests, and installs its packages of npm.
/// Returns nothing, with words, where there is no Node.
///
/// # Panics
/// If the packages cannot be installed, and in continuous integration if there is no Node.
pub fn node(target: &str, name: &str) -> Option<Installed> {
    is_there("npm", &["--version"])?;
    let folder = copied(target, name);
    let install = |folder: &Path| {
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run(Command::new(npm()).args(options).current_dir(folder))
    };
    once(&folder, "package-lock.json", install);
    Some(Installed { program: "node".into(), folder })
}

/// Copies a folder as [`node`] does, and installs its packages of PyPI. Returns nothing, with words, where there is
/// no Python that can make environments.
///
/// # Panics
/// As [`node`].
pub fn python(target: &str, name: &str) -> Option<Installed> {
    is_there("python3", &["-c", "import ensurepip, venv"])?;
    let folder = copied(target, name);
    let program = folder.join("venv").join("bin").join("python");
    let install = |folder: &Path| {
        run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(folder));
        let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(&program).args(options).arg("requirements.txt").current_dir(folder));
    };
    once(&folder, "requirements.txt", install);
    Some(Installed { program, folder })
}

const fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// Returns whether a program works here, with words where it does not. In continuous integration nothing is left out.
///
/// # Panics
/// In continuous integration, if the program does not work.
pub fn is_there(program: &str, question: &[&str]) -> Option<()> {
    let answer = Command::new(program).args(question).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if answer.is_ok_and(|status| status.success()) {
        return Some(());
    }
    let text = format!("skipped: `{program} {}` does not work here", question.join(" "));
    assert!(std::env::var_os("CI").is_none(), "{text}");
    let _ = writeln!(io::stderr(), "{text}");
    None
}

/// Copies lists and scripts to where packages may be put.
fn copied(target: &str, name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let to = Path::new(target).join(name);
    fs::create_dir_all(&to).expect("a folder below the target folder");
    let entries = fs::read_dir(from).expect("the scripts are there").flatten();
    for entry in entries.filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a script can be copied");
    }
    to
}

/// Installs, unless that was done for the same list.
fn once(folder: &Path, list: &str, install: impl FnOnce(&Path)) {
    let list = fs::read_to_string(folder.join(list)).expect("the list was copied");
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|done| done == list) {
        return;
    }
    install(folder);
    fs::write(stamp, list).expect("a file below the target folder");
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program is there");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}
