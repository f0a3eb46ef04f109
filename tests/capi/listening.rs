//! Listening for the host: a socket that is its own, a port with a token, and where requests would go.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use http_body_util::BodyExt;
use pointsman_tests::setup::{free, secret};
use pointsman_tests::{Ask, Client, Setup, tools, within};
use pointsman_upstream::{Pace, Upstream};
use tempfile::TempDir;

/// The example that listens, in a process of its own.
struct Serving {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Its end is the program's end.
    input: Option<ChildStdin>,
    address: String,
    token: String,
    upstream: Upstream,
    _folder: TempDir,
}

impl Serving {
    fn start(setup: &Setup, address: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = tools::compiled("host-demo/examples/c/serve.c", folder.path());
        let upstream = setup.upstream();
        let config = folder.path().join("pointsman.yaml");
        std::fs::write(&config, setup.config(&upstream.base_url())).expect("a file");
        let mut command = Command::new(program);
        command.arg(config).args(address).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("its first line");
        let (address, token) = line.trim().split_once(' ').expect("an address and a token");
        let (address, token) = (address.to_owned(), token.to_owned());
        let input = child.stdin.take();
        Self { child, lines, input, address, token, upstream, _folder: folder }
    }

    fn socket(&self) -> PathBuf {
        self.address.strip_prefix("unix:").expect("a unix socket").into()
    }

    fn end(mut self) -> bool {
        drop(self.input.take());
        self.child.wait().expect("it ends").success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn setup() -> Setup {
    Setup::new().anthropic("a", free())
}

fn targeted(url: &str) -> Ask {
    Ask::messages().to("/").header("x-pointsman-target", url)
}

const ANTHROPIC: &str = "https://api.anthropic.com/v1/messages?beta=true";

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().expect("it is there").permissions().mode() & 0o777
}

#[cfg(unix)]
#[tokio::test]
async fn the_socket_is_fresh_its_owners_and_gone_afterwards() {
    let (one, other) = (Serving::start(&setup(), None), Serving::start(&setup(), None));
    assert_ne!(one.socket().parent(), other.socket().parent(), "two programs never meet");
    let socket = one.socket();
    let folder = socket.parent().expect("a folder").to_owned();
    assert_eq!((mode(&socket), mode(&folder)), (0o600, 0o700));
    let mut client = Client::connect(&one.address).await;
    client.send(&targeted(ANTHROPIC).streaming()).await.good();
    client.send(&Ask::messages()).await.good();
    assert_eq!(one.upstream.ledger().count(|entry| entry.account.as_deref() == Some("a")), 2);
    assert!(one.end(), "it ends well");
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_port_asks_for_the_token_in_clear_words() {
    let serving = Serving::start(&setup(), Some("127.0.0.1:0"));
    let mut client = Client::connect(&serving.address).await;
    for ask in [Ask::messages(), targeted(ANTHROPIC), Ask::messages().get().to("/account-limits")] {
        let refused = client.send(&ask).await.refused(401);
        assert!(refused.text().contains("x-pointsman-token"), "{}", refused.text());
        client.send(&ask.clone().header("x-pointsman-token", "wrong")).await.refused(401);
    }
    let token = serving.token.clone();
    client.send(&Ask::messages().header("x-pointsman-token", &token)).await.good();
    client.send(&targeted(ANTHROPIC).header("authorization", &format!("Bearer {token}"))).await.good();
    client.send(&Ask::messages().header("x-api-key", &token)).await.good();
    let seen = serving.upstream.ledger().count(|entry| {
        entry.header("x-api-key") != Some(&secret("key", "a")) || entry.header("x-pointsman-token").is_some()
    });
    assert_eq!(seen, 0, "the token stays here");
}

/// What no account serves goes where it would have gone, with its own credential.
#[tokio::test]
async fn what_is_not_claimed_passes_through_to_its_target() {
    let elsewhere = setup().upstream();
    let serving = Serving::start(&Setup::new().openai("o", free()), None);
    let url = format!("{}/v1/messages", elsewhere.base_url());
    let ask = targeted(&url).header("x-api-key", &secret("key", "a"));
    let answer = Client::connect(&serving.address).await.send(&ask).await.good();
    assert_eq!(answer.header("x-pointsman-account"), None);
    let passed = elsewhere.ledger().count(|entry| {
        entry.header("x-api-key") == Some(&secret("key", "a")) && entry.header("x-pointsman-target").is_none()
    });
    assert_eq!(passed, 1);
    let unreachable = targeted("http://127.0.0.1:9/v1/messages");
    Client::connect(&serving.address).await.send(&unreachable).await.refused(502);
    Client::connect(&serving.address).await.send(&targeted("no url")).await.refused(400);
}

/// A program in C need not ignore SIGPIPE; a client that goes away while it is written to must not end it
/// all the same. It is written to all the time here, so some of these go between a look and a write.
#[tokio::test]
async fn clients_that_go_away_do_not_end_the_host() {
    let serving = Serving::start(&setup().pace(Pace::bulk(64 << 20, 16 << 10)), None);
    for _ in 0..100 {
        let mut client = Client::connect(&serving.address).await;
        let mut answer = client.open(&targeted(ANTHROPIC).streaming()).await.expect("a head");
        within(answer.body_mut().frame()).await.expect("a piece").expect("a good one");
        drop((answer, client));
    }
    let health = Ask::messages().get().to("/health");
    Client::connect(&serving.address).await.send(&health).await.good();
    assert!(serving.end(), "it ends well");
}

/// An open gateway takes nobody's word for where a request goes.
#[tokio::test]
async fn the_gateway_knows_no_target() {
    let stage = setup().start();
    let refused = stage.client().await.send(&targeted(ANTHROPIC)).await.refused(403);
    assert!(refused.text().contains("x-pointsman-target"), "{}", refused.text());
}

#[tokio::test]
async fn the_programs_notices_come_as_lines() {
    let setup = Setup::new().anthropic("a", pointsman_tests::setup::spent(60)).anthropic("b", free());
    let mut serving = Serving::start(&setup, None);
    Client::connect(&serving.address).await.send(&targeted(ANTHROPIC)).await.good();
    let mut line = String::new();
    serving.lines.read_line(&mut line).expect("a line");
    assert!(line.contains("\"text\":") && line.contains("anthropic:a"), "{line}");
}
