//! `pointsman run` itself: variables, signals, the terminal, and exit codes.

use std::process::Command;

use pointsman_tests::Setup;
use pointsman_tests::program::pointsman;
use pointsman_tests::setup::{free, secret};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::rig::{Places, Rig};

fn rig() -> Rig {
    Rig::new(Setup::new().anthropic("work", free()).gemini("home", free()))
}

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let said = rig().run(&["sh", "-c", script]).await;
        assert_eq!(said.code, Some(code), "{script}: {said:#?}");
    }
}

#[tokio::test]
async fn a_command_that_is_not_there_is_told_in_one_sentence() {
    let said = rig().run(&["no-such-agent", "-p", "hi"]).await;
    assert_eq!(said.code, Some(127), "{said:#?}");
    said.told("there is no command `no-such-agent`; is it installed, and in $PATH?");
}

#[tokio::test]
async fn a_command_gets_the_gateway_for_what_there_are_accounts_for_and_no_key_of_ours() {
    let said = rig().run(&["env"]).await;
    let value = |name: &str| said.out.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    assert!(
        value("ANTHROPIC_BASE_URL").is_some_and(|base| base.starts_with("http://127.0.0.1:")),
        "{said:#?}"
    );
    assert_eq!(value("ANTHROPIC_BASE_URL"), value("GOOGLE_GEMINI_BASE_URL"));
    assert_eq!(value("ANTHROPIC_API_KEY"), Some("routed-by-pointsman"));
    assert_eq!(value("OPENAI_BASE_URL"), None, "there is no account for it");
    assert!(!said.out.contains(&secret("key", "work")), "{said:#?}");
}

#[tokio::test]
async fn an_agent_that_nobody_could_answer_is_not_started() {
    let said = rig().run(&["codex", "exec", "hi"]).await;
    assert_eq!(said.code, Some(2), "{said:#?}");
    said.told("codex speaks OpenAI, and none of the accounts does: anthropic:work, gemini:home");
}

/// A machine without any file of ours, where only the variable with a key was set. A second one leads to the
/// upstream of the test, which is not at the provider's address.
fn with_a_key_only(places: &Places, rig: &Rig) -> tokio::process::Command {
    let mut run = places.command(pointsman());
    run.env("ANTHROPIC_API_KEY", secret("key", "work"))
        .env("POINTSMAN_PROVIDERS__ANTHROPIC__BASE_URL", rig.upstream.base_url())
        .args(["run", "--"]);
    run
}

#[tokio::test]
async fn a_key_in_the_environment_is_an_account_and_the_user_hears_of_it() {
    let (rig, places) = (rig(), Places::new());
    let mut run = with_a_key_only(&places, &rig);
    run.args(["sh", "-c", ASK]);
    let said = places.start(run).said().await.answered_by("work");
    said.told("account `anthropic:env` is taken from the environment variable ANTHROPIC_API_KEY")
        .told("1 request: env 1");
}

#[tokio::test]
async fn claude_answers_where_nothing_but_a_key_was_set() {
    let Some(rig) = Rig::agents(Setup::new().anthropic("work", free())) else { return };
    let places = Places::new();
    let mut run = with_a_key_only(&places, &rig);
    run.args(["claude", "-p", "hi"]);
    let said = places.start(run).said().await.answered_by("work");
    said.told("account `anthropic:env` is taken from the environment variable ANTHROPIC_API_KEY");
    assert!(rig.calls("work") > 0);
}

/// What a library of the provider would send.
pub(crate) const ASK: &str = r#"python3 -c '
import os, urllib.request
body = b"{\"model\":\"claude-sonnet-4-6\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
head = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "content-type": "application/json"}
request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", body, head)
print(urllib.request.urlopen(request).read().decode())'"#;

#[tokio::test]
async fn the_log_is_told_where_it_is_asked_for() {
    let rig = rig();
    let places = Places::new();
    let mut run = rig.command(&places, &[], &["sh", "-c", ASK]);
    run.env("POINTSMAN_LOG", "debug");
    let said = places.start(run).said().await.answered_by("work");
    assert!(said.err.contains("over 1 account of anthropic"), "{said:#?}");
}

#[tokio::test]
async fn a_quiet_run_says_nothing_of_its_own() {
    let rig = rig();
    let places = Places::new();
    let run = rig.command(&places, &["--quiet"], &["sh", "-c", "echo mine >&2"]);
    assert_eq!(places.start(run).said().await.err, "mine\n");
}

#[tokio::test]
async fn signals_reach_the_command() {
    for (signal, number) in [("TERM", 15), ("HUP", 1), ("INT", 2), ("USR1", 10)] {
        let script = format!("trap 'exit 5' {signal}; echo ready; while :; do sleep 0.05; done");
        let rig = rig(); // its configuration has to outlive the start
        let mut running = rig.start(&["sh", "-c", &script]);
        let mut out = BufReader::new(running.child.stdout.take().expect("its output")).lines();
        assert_eq!(out.next_line().await.expect("a line").as_deref(), Some("ready"));
        let pid = running.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{number}"), &pid]).status();
        assert!(sent.expect("kill").success());
        assert_eq!(running.said().await.code, Some(5), "{signal}");
    }
}
