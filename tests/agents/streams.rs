//! Streams that end early: a cut upstream is a cut for the agent, and an agent that goes away is gone.

use std::process::Command;
use std::time::{Duration, Instant};

use pointsman_tests::Setup;
use pointsman_tests::setup::free;
use pointsman_upstream::{Ending, Entry, Fault, Harm, Moment, Pace};

use crate::relay::Relay;
use crate::rig::{Agent, Places, Rig, Running};

/// A stream that breaks after its first word, once.
fn cut_once(agent: Agent) -> Option<Rig> {
    let cut = Fault::new(Harm::Cut { at: Moment::Content(1) }).next(1);
    Rig::agents(agent.account(Setup::new().patient(), "work", free()).fault(cut))
}

/// The agent takes the break for a break: it asks again, and what it prints is whole.
async fn check_asks_again(agent: Agent) -> Option<Rig> {
    let rig = cut_once(agent)?;
    rig.ask(agent, "say hi").await.answered_by("work");
    let entries = rig.upstream.ledger().entries();
    let endings: Vec<_> = entries.iter().filter(|entry| entry.stream).map(|entry| entry.ending).collect();
    assert_eq!(endings.iter().filter(|ending| **ending == Ending::Broken).count(), 1, "{endings:?}");
    assert!(rig.calls("work") >= 2, "it asked again");
    Some(rig)
}

#[tokio::test]
async fn claude_repeats_a_turn_that_was_cut() {
    let Some(rig) = check_asks_again(Agent::Claude).await else { return };
    let entries = rig.upstream.ledger().entries();
    let asked: Vec<_> = entries.iter().filter(|entry| entry.model.is_some()).collect();
    assert_eq!(asked.iter().map(|entry| entry.stream).collect::<Vec<_>>(), [true, true]);
    let session = |at: usize| asked[at].header("x-claude-code-session-id");
    assert!(session(0).is_some() && session(0) == session(1), "it is one session");
}

#[tokio::test]
async fn codex_repeats_a_turn_that_was_cut() {
    check_asks_again(Agent::Codex).await;
}

#[tokio::test]
async fn opencode_repeats_a_turn_that_was_cut() {
    check_asks_again(Agent::Opencode).await;
}

/// Gemini CLI gives up on a broken stream; on one that seems to end it would print half an answer.
#[tokio::test]
async fn gemini_fails_on_a_stream_that_was_cut() {
    let Some(rig) = cut_once(Agent::Gemini) else { return };
    let said = rig.ask(Agent::Gemini, "say hi").await;
    assert!(said.code != Some(0) && !said.out.contains("model gemini"), "{said:#?}");
    assert_eq!(rig.calls("work"), 1);
}

/// An answer that would take a minute.
fn slowly(agent: Agent) -> Option<Rig> {
    let slow = Pace::spread(600, Duration::from_millis(100));
    Rig::agents(agent.account(Setup::new().pace(slow), "work", free()))
}

fn is_answering(entry: &Entry) -> bool {
    entry.stream && entry.status == Some(200)
}

/// Sends a signal to the command once its answer has begun, and returns when that was, and the ends of its
/// requests.
async fn end_of_requests(rig: &Rig, running: &Running, signal: &str) -> (Instant, Vec<Instant>) {
    rig.wait_for(|entries| entries.iter().any(is_answering)).await;
    let pid = running.child.id().expect("it runs").to_string();
    let told = Instant::now();
    assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    let ended = rig.wait_for(|entries| entries.iter().all(|entry| entry.ending != Ending::Open)).await;
    let answering = ended.iter().filter(|entry| is_answering(entry));
    let ends = answering.map(|entry| {
        assert_eq!(entry.ending, Ending::Aborted, "{entry:?}");
        entry.ended.expect("it has ended")
    });
    (told, ends.collect())
}

/// The request ends upstream within a second of the signal.
async fn check_ends_upstream(agent: Agent, signal: &str) {
    let Some(rig) = slowly(agent) else { return };
    let running = rig.start(&agent.asked("say hi"));
    let (told, ends) = end_of_requests(&rig, &running, signal).await;
    for end in ends {
        let after = end.duration_since(told);
        assert!(after < Duration::from_secs(1), "{agent:?}: {after:?}");
    }
    running.said().await;
}

/// The request ends upstream within a second of the agent's closing its own connection, for which it may
/// take its time.
async fn check_ends_upstream_once_let_go(agent: Agent, signal: &str) {
    let Some(rig) = slowly(agent) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let relay = Relay::start(folder.path().join("gateway")).await;
    let places = Places::new();
    let name = format!("{agent:?}").to_lowercase();
    let run = rig.command(&places, &["--as", &name], &relay.through(&agent.asked("say hi")));
    let running = places.start(run);
    let (_, ends) = end_of_requests(&rig, &running, signal).await;
    let let_go = relay.let_go();
    for end in ends {
        let after = let_go.iter().filter_map(|at| end.checked_duration_since(*at)).min();
        assert!(
            after.is_some_and(|after| after < Duration::from_secs(1)),
            "{agent:?}: {after:?} of {let_go:?}"
        );
    }
    running.said().await;
}

#[tokio::test]
async fn claude_that_is_interrupted_ends_its_request() {
    check_ends_upstream(Agent::Claude, "-INT").await;
}

#[tokio::test]
async fn codex_that_is_ended_ends_its_request() {
    check_ends_upstream(Agent::Codex, "-TERM").await;
}

/// It cleans up for about two seconds, and holds on to its request meanwhile.
#[tokio::test]
async fn gemini_that_is_ended_ends_its_request() {
    check_ends_upstream_once_let_go(Agent::Gemini, "-TERM").await;
}

#[tokio::test]
async fn opencode_that_is_ended_ends_its_request() {
    check_ends_upstream_once_let_go(Agent::Opencode, "-TERM").await;
}
