//! `pointsman serve` as a process: its signals, and a standard error that is closed or that nobody reads.

use std::path::Path;
use std::process::Stdio;

use pointsman_tests::program::pointsman;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Client, Setup, client, plugin, within};
use pointsman_upstream::{Pace, Upstream};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A gateway in a process of its own, which ends with this.
struct Serve {
    child: Child,
    folder: tempfile::TempDir,
    _upstream: Upstream,
    address: String,
}

impl Serve {
    async fn start(setup: &Setup, verbose: bool) -> Self {
        let (folder, upstream) = (tempfile::tempdir().expect("a folder"), setup.upstream());
        let config = folder.path().join("pointsman.yaml");
        std::fs::write(&config, setup.config(&upstream.base_url())).expect("a file");
        let mut command = Command::new(pointsman());
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        Self::run(command, folder, upstream, verbose).await
    }

    /// Starts with the configuration of the current folder, to which the user has agreed.
    async fn start_in_a_project(setup: &Setup) -> Self {
        let (folder, upstream) = (tempfile::tempdir().expect("a folder"), setup.upstream());
        std::fs::write(folder.path().join("pointsman.yaml"), setup.config(&upstream.base_url()))
            .expect("a file");
        trust(folder.path()).await;
        let mut command = Command::new(pointsman());
        in_project(command.args(["serve", "--listen", "127.0.0.1:0"]), folder.path());
        Self::run(command, folder, upstream, false).await
    }

    async fn run(mut command: Command, folder: tempfile::TempDir, upstream: Upstream, verbose: bool) -> Self {
        command.env("POINTSMAN_PLUGIN", plugin::path()).env("NO_PROXY", "*").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if verbose {
            command.env("POINTSMAN_LOG", "debug");
        }
        let mut child = command.spawn().expect("the gateway starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let banner = within(async {
            loop {
                let line = lines.next_line().await.expect("it can be read").expect("a line");
                if line.contains("http://") {
                    return line;
                }
            }
        })
        .await;
        let (_, after) = banner.split_once("http://").expect("an address");
        let address = after.split([';', ' ', '/']).next().expect("its end").to_owned();
        Self { child, folder, _upstream: upstream, address }
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([format!("-{name}"), id]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "{name} is sent");
    }

    async fn code(&mut self) -> Option<i32> {
        within(self.child.wait()).await.expect("it ends").code()
    }
}

fn in_project(command: &mut Command, folder: &Path) {
    let state = folder.join("state");
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env("XDG_STATE_HOME", state)
        .env_remove("XDG_CONFIG_HOME");
    command.env_remove("POINTSMAN_CONFIG").env("POINTSMAN_PLUGIN", plugin::path());
}

/// Agrees to the configuration in a folder.
async fn trust(folder: &Path) {
    let mut command = Command::new(pointsman());
    in_project(command.arg("trust"), folder);
    let said = within(command.output()).await.expect("it runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// Reads lines until one has all `words`.
async fn line_with(lines: &mut Lines<BufReader<ChildStderr>>, words: &str) -> String {
    within(async {
        loop {
            let line = lines.next_line().await.expect("it can be read").expect("a line");
            if line.contains(words) {
                return line;
            }
        }
    })
    .await
}

/// A changed configuration of a project waits for the user's consent, and is taken over once the user agrees.
#[tokio::test]
async fn a_consent_is_taken_over_while_the_gateway_runs() {
    let mut serve = Serve::start_in_a_project(&setup()).await;
    let mut lines = BufReader::new(serve.child.stderr.take().expect("its errors")).lines();
    let mut agent = Client::connect(&serve.address).await;
    assert_eq!(agent.send(&Ask::messages()).await.good().account(), "a");
    let file = serve.folder.path().join("pointsman.yaml");
    let text = std::fs::read_to_string(&file).expect("the file").replace("anthropic:a", "anthropic:other");
    std::fs::write(&file, text).expect("written");
    let refused = line_with(&mut lines, "not reloaded").await;
    assert!(refused.contains("pointsman trust"), "{refused}");
    assert_eq!(agent.send(&Ask::messages()).await.good().account(), "a", "the old one stays");
    trust(serve.folder.path()).await;
    line_with(&mut lines, "Configuration reloaded").await;
    assert_eq!(agent.send(&Ask::messages()).await.good().account(), "other");
    serve.signal("TERM").await;
    assert_eq!(serve.code().await, Some(0));
}

fn setup() -> Setup {
    Setup::new().anthropic("a", free())
}

#[tokio::test]
async fn a_broken_standard_error_cuts_no_stream_at_the_end() {
    let pace = Pace::spread(40, std::time::Duration::from_millis(15));
    let mut serve = Serve::start(&setup().pace(pace), false).await;
    let mut agent = Client::connect(&serve.address).await;
    let response = agent.open(&Ask::messages().streaming()).await.expect("a head");
    drop(serve.child.stderr.take());
    serve.signal("TERM").await;
    let heard = within(client::all(response)).await.good();
    assert!(heard.text().contains("message_stop"), "{}", heard.text());
    assert_eq!(serve.code().await, Some(0));
}

/// Without a terminal `SIGHUP` is what a service manager sends for a reload.
#[tokio::test]
async fn a_hangup_without_a_terminal_does_not_end_it() {
    let mut serve = Serve::start(&setup(), false).await;
    serve.signal("HUP").await;
    Client::connect(&serve.address).await.send(&Ask::messages()).await.good();
    serve.signal("TERM").await;
    assert_eq!(serve.code().await, Some(0));
}

/// A pipe holds 64 KiB, and each request says more than 300 bytes at debug level.
#[tokio::test]
async fn a_standard_error_that_nobody_reads_holds_up_nobody() {
    let mut serve = Serve::start(&setup(), true).await;
    let mut agent = Client::connect(&serve.address).await;
    for _ in 0..600 {
        agent.send(&Ask::messages()).await.good();
    }
    serve.signal("TERM").await;
    assert_eq!(serve.code().await, Some(0));
}
