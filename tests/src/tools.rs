//! Programs that tests need and the project does not bring: a compiler, runtimes of other languages.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{plugin, tree};

/// Bun as opencode embeds it.
pub const BUN: &str = "bun@1.3.14";

/// What a program printed, and how it ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub errors: String,
}

impl Ended {
    /// Checks that it ended well, and returns it.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.errors, self.out);
        self
    }
}

/// Runs a program to its end.
///
/// # Panics
/// Where it cannot be started.
pub fn run(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), errors: text(&output.stderr) }
}

/// Returns the C compiler.
pub fn compiler() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// Compiles a program in C against the header and the library under test.
///
/// # Panics
/// Where it does not compile without a warning.
pub fn compiled(source: &str, folder: &Path) -> PathBuf {
    let library = plugin::path();
    let program = folder.join(Path::new(source).file_stem().expect("a source has a name"));
    let mut compiler = Command::new(compiler());
    compiler.args([
        "-std=c11",
        "-D_POSIX_C_SOURCE=200809L",
        "-g",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
    ]);
    compiler.arg(tree::root().join(source)).arg("-I").arg(tree::root().join("plugin-impl/include"));
    compiler.arg(&library).arg(format!("-Wl,-rpath,{}", library.parent().expect("a folder").display()));
    compiler.args(["-pthread", "-o"]).arg(&program);
    run(&mut compiler).good();
    program
}

/// Returns Python 3.
pub fn python() -> Command {
    Command::new(std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()))
}

/// Returns Node.
pub fn node() -> Command {
    Command::new("node")
}

/// Returns Bun, after installing it below `target` where it is not there.
///
/// # Panics
/// Where it cannot be installed.
pub fn bun() -> Command {
    Command::new(npm(BUN).join("bun"))
}

/// Returns valgrind, after installing it where it is not there and the system lets us.
///
/// # Panics
/// Where it is not there and cannot be installed.
pub fn valgrind() -> Command {
    static THERE: OnceLock<()> = OnceLock::new();
    THERE.get_or_init(|| {
        if is_there("valgrind") {
            return;
        }
        note("installing valgrind by apt-get");
        let mut apt = Command::new("apt-get");
        let ended = run(apt.args(["install", "--yes", "--no-install-recommends", "valgrind"]));
        assert!(is_there("valgrind"), "valgrind is needed: apt-get install valgrind\n{}", ended.errors);
    });
    Command::new("valgrind")
}

/// Installs a package of npm in a folder of its own below `target`, once, and returns the folder of its
/// programs.
///
/// # Panics
/// Where it cannot be installed.
pub fn npm(package: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tree::root().join("target/tools").join(package.replace(['/', '@'], "-"));
    let programs = folder.join("node_modules/.bin");
    if !programs.exists() {
        note(&format!("installing {package} by npm"));
        std::fs::create_dir_all(&folder).expect("a folder below target");
        // A project of its own, so that npm does not look for one above.
        std::fs::write(folder.join("package.json"), "{\"private\": true}\n").expect("a file");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", package]).current_dir(&folder);
        run(&mut npm).good();
    }
    programs
}

fn is_there(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn note(text: &str) {
    // Where standard error is gone, the test goes on all the same.
    let _ = writeln!(std::io::stderr(), "{text}");
}
