//! What an operator types: `pointsman serve`, and `status` and `explain` of what it did.

use std::process::Stdio;

use pointsman_tests::Setup;
use pointsman_tests::program::pointsman;
use pointsman_tests::setup::{free, spent};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::rig::{Places, Rig, Said};
use crate::run::ASK;

/// A gateway that somebody started in a terminal.
struct Served {
    child: Child,
    url: String,
    /// Keeps the home and the project of the gateway.
    _places: Places,
}

impl Served {
    /// Starts it, and reads where it is off its first line.
    async fn start(rig: &Rig) -> Self {
        let places = Places::new();
        let mut serve = places.command(pointsman());
        serve.env("POINTSMAN_LOG", "debug").arg("serve").arg("--config").arg(rig.config());
        let mut child = serve.args(["--listen", "127.0.0.1:0"]).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let banner = lines.next_line().await.expect("a line").expect("a banner");
        let (_, url) = banner.split_once("pointsman status --url ").expect("the command that asks it");
        Self { child, url: url.to_owned(), _places: places }
    }

    /// Asks a model through it, as a library of the provider would.
    async fn ask(&self) -> Said {
        let places = Places::new();
        let mut ask = places.command("sh");
        ask.env("ANTHROPIC_BASE_URL", &self.url).env("ANTHROPIC_API_KEY", "unused").args(["-c", ASK]);
        places.start(ask).said().await
    }

    /// Runs one of the operator's commands.
    async fn told(&self, command: &[&str]) -> String {
        let places = Places::new();
        let mut told = places.command(pointsman());
        told.args(command).args(["--url", &self.url]).stdin(Stdio::null());
        let said = places.start(told).said().await;
        assert_eq!(said.code, Some(0), "{command:?}: {said:#?}");
        said.out
    }

    /// Interrupts it, and returns what it wrote on standard error.
    async fn stopped(self) -> String {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.expect("kill").success());
        let output = self.child.wait_with_output().await.expect("its output");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

#[tokio::test]
async fn an_operator_reads_what_a_gateway_did_and_why() {
    let setup = Setup::new().set("strategy", "least-connections");
    let rig = Rig::new(setup.anthropic("empty", spent(60)).anthropic("work", free()));
    let gateway = Served::start(&rig).await;
    while rig.calls("empty") == 0 {
        gateway.ask().await.answered_by("work");
    }
    gateway.ask().await.answered_by("work");

    let status = gateway.told(&["status"]).await;
    assert!(status.contains("anthropic:empty") && status.contains("anthropic:work"), "{status}");

    let last = gateway.told(&["explain", "last"]).await;
    let closed = last.lines().find(|line| line.contains("anthropic:empty")).expect("the account");
    assert!(closed.contains("limited for"), "{last}");
    assert!(last.contains("answered 200 by anthropic:work"), "{last}");

    let list = gateway.told(&["explain"]).await;
    let id = list.split_whitespace().find(|word| word.starts_with("pm-")).expect("an id");
    let one = gateway.told(&["explain", id]).await;
    assert!(one.starts_with(&format!("{id}: ")), "{one}");
    let json: serde_json::Value =
        serde_json::from_str(&gateway.told(&["explain", "last", "--format", "json"]).await).expect("JSON");
    assert_eq!(json["end"]["account"], "anthropic:work");

    // With POINTSMAN_LOG=debug each request explains itself in the log.
    let log = gateway.stopped().await;
    assert!(log.contains("plan by least-connections over 2 accounts of anthropic"), "{log}");
    assert!(
        log.contains("sent to anthropic#0 in anthropic: limited"),
        "a log knows accounts by number: {log}"
    );
}
