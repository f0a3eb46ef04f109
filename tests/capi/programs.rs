//! The examples, each in its language, against a local upstream.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pointsman_tests::setup::{free, spent};
use pointsman_tests::tools::{self, Ended};
use pointsman_tests::{Setup, plugin, tree};
use pointsman_upstream::Upstream;
use tempfile::TempDir;

/// An upstream, and a configuration for it in a file: the first account is used up.
struct Scene {
    folder: TempDir,
    _upstream: Upstream,
}

impl Scene {
    fn new() -> Self {
        let setup = Setup::new().anthropic("spent", spent(60)).anthropic("good", free());
        let folder = tempfile::tempdir().expect("a folder");
        let upstream = setup.upstream();
        let config = setup.config(&upstream.base_url());
        std::fs::write(folder.path().join("pointsman.yaml"), config).expect("a file");
        Self { folder, _upstream: upstream }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> PathBuf {
        self.path().join("pointsman.yaml")
    }
}

fn example(path: &str) -> PathBuf {
    tree::root().join("host-demo/examples").join(path)
}

#[track_caller]
fn check_answered(ended: Ended) -> Ended {
    let ended = ended.good();
    assert!(ended.errors.contains("200") && ended.errors.contains("anthropic:good"), "{}", ended.errors);
    assert!(ended.out.contains("message_start") && ended.out.contains("message_stop"), "{}", ended.out);
    ended
}

#[test]
fn the_c_example_asks_and_shows_notices() {
    let scene = Scene::new();
    let ask = tools::compiled("host-demo/examples/c/ask.c", scene.path());
    let ended = check_answered(tools::run(Command::new(&ask).arg(scene.config()).arg("Say hello.")));
    assert!(ended.errors.contains("switching to next account"), "{}", ended.errors);

    let missing = tools::run(Command::new(&ask).arg(scene.path().join("missing.yaml")).arg("Say hello."));
    assert_eq!(missing.code, Some(1));
    assert!(missing.errors.contains("missing.yaml"), "{}", missing.errors);
}

/// Returns the command that the first comment of a source says it is built with.
fn build_line(source: &str) -> String {
    let text = std::fs::read_to_string(tree::root().join(source)).expect("the source");
    let comment = text.split("*/").next().unwrap_or_default();
    let lines = comment.lines().filter_map(|line| line.strip_prefix(" *    "));
    let lines: Vec<_> = lines.skip_while(|line| !line.trim_start().starts_with("cc ")).collect();
    let end = lines.iter().position(|line| !line.ends_with('\\')).expect("an end");
    lines[..=end].join("\n")
}

/// In a folder that is laid out as the repository is after a build.
#[cfg(unix)]
#[test]
fn the_examples_in_c_are_built_by_the_line_that_they_say() {
    use std::os::unix::fs::symlink;
    let scene = Scene::new();
    for folder in ["plugin-impl", "host-demo"] {
        symlink(tree::root().join(folder), scene.path().join(folder)).expect("a link");
    }
    let release = scene.path().join("target/release");
    std::fs::create_dir_all(&release).expect("a folder");
    let library = plugin::path();
    symlink(&library, release.join(library.file_name().expect("a name"))).expect("a link");
    for program in ["ask", "serve"] {
        let line = build_line(&format!("host-demo/examples/c/{program}.c"));
        tools::run(Command::new("sh").args(["-ec", &line]).current_dir(scene.path())).good();
    }
    let mut ask = Command::new("./ask");
    check_answered(tools::run(ask.args(["pointsman.yaml", "Say hello."]).current_dir(scene.path())));
}

#[test]
fn the_python_example_needs_nothing_but_ctypes() {
    let scene = Scene::new();
    let mut python = tools::python();
    // Neither packages nor variables of the machine.
    python.arg("-I").arg(example("python/ask.py")).arg(plugin::path()).arg(scene.config()).arg("Say hello.");
    let ended = check_answered(tools::run(&mut python));
    assert!(ended.errors.contains("1 answered"), "{}", ended.errors);
    assert!(ended.errors.contains("switching to next account"), "{}", ended.errors);
}

#[test]
fn the_node_example_asks_over_the_socket_and_over_a_port() {
    for address in [None, Some("127.0.0.1:0")] {
        let scene = Scene::new();
        let serve = tools::compiled("host-demo/examples/c/serve.c", scene.path());
        let mut serving = Command::new(serve);
        serving.arg(scene.config()).args(address).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut serving = serving.spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(serving.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
        let (address, token) = line.trim().split_once(' ').expect("an address and a token");
        let mut node = tools::node();
        node.arg(example("javascript/node.mjs")).args([address, "Say hello."]);
        node.args(Some(token).filter(|token| *token != "-"));
        let ended = tools::run(&mut node);
        drop(serving.stdin.take());
        assert!(serving.wait().expect("it ends").success());
        check_answered(ended);
    }
}

#[test]
fn the_bun_example_loads_the_library_and_asks_over_the_socket() {
    let scene = Scene::new();
    let mut bun = tools::bun();
    bun.arg(example("javascript/bun.ts")).arg(plugin::path()).arg(scene.config()).arg("Say hello.");
    check_answered(tools::run(&mut bun));
}
