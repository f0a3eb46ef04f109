//! Several processes on one machine: they share limits and refresh each token once.
//!
//! The test runs itself again as the other processes, which load the library as any host does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::time::Duration;

use pointsman_loader::Router;
use pointsman_loader::api::StartOptions;
use pointsman_loader::api::abi_stable::std_types::RSome;
use pointsman_tests::setup::{free, secret};
use pointsman_tests::{Ask, Heard, Setup, Told, plugin, within};

/// Names the configuration of a process.
const CONFIG: &str = "POINTSMAN_TEST_PROCESS";
/// The names of these tests to the test's own program.
const TEST: &str = "processes::eight_processes_refresh_each_token_once";

const PROCESSES: usize = 8;
const ACCOUNTS: [&str; 3] = ["a", "b", "c"];
/// In each round each token ends, and each process sends so many requests: 50 in all.
const ROUNDS: u64 = 5;
const REQUESTS: usize = 10;

/// Sends requests for each line of the input, and says how many were good.
async fn serve_rounds(config: &str) {
    let options = StartOptions { config_path: RSome(config.into()), ..StartOptions::default() };
    let router = plugin::library().start(options, Told::default()).expect("the router starts");
    let mut output = std::io::stderr();
    writeln!(output, "ready").expect("the parent reads");
    for line in std::io::stdin().lines().map_while(Result::ok) {
        assert_eq!(line, "go");
        let mut good = 0;
        for _ in 0..REQUESTS / 2 {
            let (one, two) = tokio::join!(ask(&router), ask(&router));
            good += usize::from(one.status == 200) + usize::from(two.status == 200);
        }
        writeln!(output, "good {good}").expect("the parent reads");
    }
}

async fn ask(router: &Router) -> Heard {
    let ask = Ask::gemini();
    within(async { Heard::all(router.fetch(ask.request()).await.expect("an answer")).await }).await
}

/// Another process with the library.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStderr>,
}

impl Process {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a program"));
        command.args(["--exact", TEST, "--nocapture"]).env(CONFIG, config);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stderr.take().expect("its output"));
        let mut process = Self { child, input, output };
        assert_eq!(process.line(), "ready");
        process
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it can be read");
        line.trim_end().to_owned()
    }

    fn go(&mut self) {
        writeln!(self.input, "go").expect("it listens");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, or is of no more use.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn eight_processes_refresh_each_token_once() {
    if let Ok(config) = std::env::var(CONFIG) {
        return serve_rounds(&config).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let setup =
        Setup::new().set("store", "sqlite").set("store_path", "state.db").set("strategy", "round-robin");
    let setup =
        ACCOUNTS.iter().fold(setup, |setup, label| setup.refreshing(label, &[("gemini-cli", free())]));
    let setup = setup.token(|token| {
        token.rotate = true;
        token.delay = Duration::from_millis(20);
    });
    let upstream = setup.upstream();
    let config = folder.path().join("pointsman.yaml");
    std::fs::write(&config, setup.config(&upstream.base_url())).expect("written");
    let mut processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&config)).collect();
    for round in 1..=ROUNDS {
        processes.iter_mut().for_each(Process::go);
        for process in &mut processes {
            assert_eq!(process.line(), format!("good {REQUESTS}"), "in round {round}");
        }
        for label in ACCOUNTS {
            assert_eq!(upstream.token_calls_of(label).ok(), Some(round), "{label} in round {round}");
        }
        upstream.advance(Duration::from_secs(4_000));
    }
    // Each token was exchanged once: none was refused, and the configured one was used first only.
    let entries = upstream.ledger().entries().into_iter().filter(|entry| entry.path == "/token");
    let bodies: Vec<String> =
        entries.map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect();
    for label in ACCOUNTS {
        let configured = bodies.iter().filter(|body| body.contains(&secret("refresh", label))).count();
        assert_eq!(configured, 1, "{label}");
    }
}
