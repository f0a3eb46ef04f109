//! Gateways that find each other: `run` uses a `serve` that is there, `status` and `explain` ask whichever runs.

use std::process::{Output, Stdio};
use std::time::Duration;

use pointsman_tests::Setup;
use pointsman_tests::program::pointsman;
use pointsman_tests::setup::{free, spent};
use pointsman_tests::within;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::rig::{Places, Rig};
use crate::run::ASK;

/// A user's machine: one home, one configuration.
struct Machine {
    rig: Rig,
    places: Places,
}

/// A `pointsman serve` of the user.
struct Served {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Machine {
    fn new(setup: Setup) -> Self {
        Self { rig: Rig::new(setup), places: Places::new() }
    }

    async fn serve(&self, options: &[&str]) -> Served {
        let mut serve = self.places.command(pointsman());
        serve
            .arg("serve")
            .arg("--config")
            .arg(self.rig.config())
            .args(["--listen", "127.0.0.1:0"])
            .args(options);
        let mut child = serve.stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut served = Served { child, lines };
        if options.is_empty() {
            let banner = served.line().await;
            assert!(banner.contains("listens on http://127.0.0.1:"), "{banner}");
        }
        served
    }

    /// Runs a command of an operator; the configuration is the user's own, and no key is in its environment.
    async fn told(&self, command: &[&str]) -> Output {
        let mut told = self.places.command(pointsman());
        told.args(command).env("POINTSMAN_CONFIG", self.rig.config());
        within(told.output()).await.expect("it runs")
    }

    async fn run(&self, options: &[&str], script: &str) -> Output {
        let mut run = self.places.command(pointsman());
        run.arg("run").arg("--config").arg(self.rig.config()).args(options).args(["--", "sh", "-c", script]);
        within(run.output()).await.expect("it runs")
    }
}

impl Served {
    async fn line(&mut self) -> String {
        within(self.lines.next_line()).await.expect("a line").expect("a line")
    }

    /// Ends it as a crash would.
    async fn killed(mut self) {
        self.child.kill().await.expect("it runs");
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn serve_says_at_start_by_which_file_and_for_whom() {
    let machine = Machine::new(Setup::new().anthropic("work", free()).openai("main", free()));
    let mut served = machine.serve(&[]).await;
    let file = machine.rig.config();
    assert_eq!(served.line().await, format!("configuration: {}", file.display()));
    assert_eq!(served.line().await, "accounts:      anthropic (work), openai (main)");
    served.killed().await;
}

/// A limit that `serve` has met is known to the agent's run, and what it did can be asked without a URL.
#[tokio::test]
async fn a_run_uses_the_serve_that_is_there_and_operators_find_it() {
    let machine = Machine::new(Setup::new().anthropic("empty", spent(60)).anthropic("work", free()));
    let served = machine.serve(&[]).await;
    for _ in 0..3 {
        let said = machine.run(&[], ASK).await;
        assert!(said.status.success() && out(&said).contains("pong from work"), "{said:?}");
        assert!(err(&said).contains("pointsman: uses the gateway at http://127.0.0.1:"), "{said:?}");
        assert!(err(&said).contains(": 1 request: work 1"), "{said:?}");
    }
    assert!(machine.rig.calls("empty") <= 1, "its limit is known from then on");
    let last = machine.told(&["explain", "last"]).await;
    assert!(out(&last).contains("answered 200 by anthropic:work"), "{last:?}");
    let status = machine.told(&["status"]).await;
    assert!(out(&status).contains("3 requests, 3 answered"), "{status:?}");
    let own = machine.run(&["--own"], ASK).await;
    assert!(!err(&own).contains("uses the gateway"), "{own:?}");
    served.killed().await;
}

/// What a killed gateway left behind leads nobody anywhere.
#[tokio::test]
async fn a_killed_gateway_is_not_trusted() {
    let machine = Machine::new(Setup::new().anthropic("work", free()).set("listen", "127.0.0.1:9"));
    machine.serve(&[]).await.killed().await;
    let said = machine.run(&[], ASK).await;
    assert!(said.status.success() && !err(&said).contains("uses the gateway"), "{said:?}");
    let status = machine.told(&["status"]).await;
    assert!(err(&status).contains("no gateway is running"), "{status:?}");
    assert!(out(&status).contains("anthropic:work"), "{status:?}");
    let explain = machine.told(&["explain"]).await;
    assert_eq!(explain.status.code(), Some(1), "{explain:?}");
    assert!(err(&explain).contains("no gateway is running"), "{explain:?}");
}

#[tokio::test]
async fn status_and_explain_find_the_gateway_of_a_run() {
    let machine = Machine::new(Setup::new().anthropic("work", free()));
    let script = format!("{ASK}\n{0} explain last; {0} status", pointsman().display());
    let said = machine.run(&[], &script).await;
    assert!(out(&said).contains("answered 200 by anthropic:work"), "{said:?}");
    assert!(out(&said).contains("1 request, 1 answered"), "{said:?}");
    assert!(err(&said).contains("this is the gateway at http://127.0.0.1:"), "{said:?}");
}

/// The key is in no environment but that of `serve`; the command that would print another one is not run.
#[tokio::test]
async fn status_reads_no_secret() {
    let machine = Machine::new(Setup::new().anthropic("work", free()));
    let marker = machine.places.home().join("was-run");
    let config = format!(
        "accounts:\n  - {{id: 'anthropic:a', api_key: {{env: NOT_SET_HERE}}}}\n  \
         - {{id: 'anthropic:b', api_key: {{command: [touch, '{}']}}}}\n",
        marker.display()
    );
    std::fs::write(machine.rig.config(), config).expect("a file");
    let status = machine.told(&["status"]).await;
    assert!(status.status.success(), "{status:?}");
    assert!(out(&status).contains("anthropic:a") && out(&status).contains("anthropic:b"), "{status:?}");
    assert!(!marker.exists(), "a command was run for a look");
}

#[tokio::test]
async fn a_configuration_is_checked_whole_and_nothing_is_sent() {
    let machine = Machine::new(Setup::new().anthropic("work", free()));
    let check = machine.told(&["check"]).await;
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    assert!(out(&check).contains("accounts:      anthropic (work)"), "{check:?}");
    assert!(out(&check).contains("nothing was sent"), "{check:?}");
    assert_eq!(machine.rig.upstream.ledger().entries().len(), 0);
    let accounts = "accounts:\n  - {id: 'anthropic:a', api_key: k}\n  \
                    - {id: 'anthropic:b', api_key: {env: NOT_SET_HERE}}\n";
    std::fs::write(machine.rig.config(), accounts).expect("a file");
    let check = machine.told(&["check"]).await;
    assert_eq!(check.status.code(), Some(2), "{check:?}");
    assert!(out(&check).contains("anthropic:b: ") && out(&check).contains("NOT_SET_HERE"), "{check:?}");
    assert!(err(&check).contains("1 of 2 accounts cannot be used"), "{check:?}");
    std::fs::write(machine.rig.config(), "stratgy: sticky\nlisten: nowhere\n").expect("a file");
    let check = machine.told(&["check"]).await;
    assert_eq!(check.status.code(), Some(2), "{check:?}");
    assert!(err(&check).contains("stratgy") && err(&check).contains("nowhere"), "{check:?}");
}

#[tokio::test]
async fn a_first_configuration_is_written_and_can_be_used() {
    let places = Places::new();
    let told = |command: &'static [&'static str]| {
        let mut told = places.command(pointsman());
        told.args(command).env("OPENAI_API_KEY", "sk-hush");
        async move { within(told.output()).await.expect("it runs") }
    };
    let init = told(&["init"]).await;
    assert_eq!(init.status.code(), Some(0), "{init:?}");
    let check = told(&["check"]).await;
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    assert!(out(&check).contains("accounts:      openai (main)"), "{check:?}");
    let again = told(&["init"]).await;
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert!(err(&again).contains("stays as it is"), "{again:?}");
}

#[tokio::test]
async fn without_accounts_serve_warns_and_a_quiet_one_says_no_more() {
    let machine = Machine::new(Setup::new());
    std::fs::write(machine.rig.config(), "accounts: []\n").expect("a file");
    let mut served = machine.serve(&["--quiet"]).await;
    let mut errors = BufReader::new(served.child.stderr.take().expect("its errors")).lines();
    let warning = within(errors.next_line()).await.expect("a line").expect("a line");
    assert!(warning.contains("there is no account") && warning.contains("pointsman init"), "{warning}");
    let nothing = tokio::time::timeout(Duration::from_millis(1), served.lines.next_line()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    served.killed().await;
}
