//! The line: sessions are served in turn, and it has an end.

use std::time::Duration;

use pointsman_loader::Answer;
use pointsman_tests::ask::Format;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup, Stage, within};
use pointsman_upstream::Pace;
use serde_json::json;
use tokio::task::JoinHandle;

/// One place, which is taken. What comes has to wait.
async fn full(setup: Setup) -> (Stage, Answer) {
    full_of(setup.anthropic("a", free()), "anthropic", Format::Messages).await
}

/// The same at the provider of a format.
async fn full_of(setup: Setup, provider: &str, format: Format) -> (Stage, Answer) {
    let setup = setup.patient().provider(provider, "concurrency", json!({"total": 1}));
    let stage = setup.pace(Pace::spread(1_000, Duration::from_millis(20))).start();
    let held = stage.open(&Ask::of(format).streaming()).await;
    (stage, held)
}

async fn until_waiting(stage: &Stage, waiting: u64) {
    within(async {
        while stage.counter("waits") < waiting {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn heard(stage: &Stage, ask: Ask) -> JoinHandle<Heard> {
    let asked = stage.router.fetch(ask.request());
    tokio::spawn(async { Heard::all(asked.await.expect("an answer")).await })
}

/// A lone request comes after twelve of one session, and is served after at most two of them.
#[tokio::test]
async fn a_session_with_many_requests_in_line_does_not_hold_up_a_lone_one() {
    let (stage, held) = full(Setup::new()).await;
    let mut asked = Vec::new();
    for waiting in 1..=12 {
        asked.push(heard(&stage, Ask::messages().session("loud")));
        until_waiting(&stage, waiting).await;
    }
    asked.push(heard(&stage, Ask::messages().session("lone")));
    until_waiting(&stage, 13).await;
    drop(held);
    for answer in asked {
        within(answer).await.expect("a task that ends").good();
    }
    let entries = stage.upstream.ledger().entries();
    let order: Vec<_> = entries[1..].iter().map(|entry| entry.header("x-session-id")).collect();
    let place = order.iter().position(|session| *session == Some("lone"));
    assert!(place.is_some_and(|place| place <= 2), "{order:?}");
}

/// How each agent names its subagents, and in which format: of Claude Code and Codex by one session, of opencode
/// by the parent, of others by the launch.
fn subagent(shape: usize, agent: usize) -> Ask {
    let child = format!("child {agent}");
    let ask = Ask::of(FORMATS[shape]);
    match shape {
        0 => ask.header("x-claude-code-session-id", "S").header("x-claude-code-agent-id", &child),
        1 => ask.header("session-id", "S").header("thread-id", &child),
        2 => ask.header("x-session-affinity", &child).header("x-parent-session-id", "S"),
        _ => ask.header("x-pointsman-root", "S"),
    }
}

const FORMATS: [Format; 4] = [Format::Messages, Format::Responses, Format::Chat, Format::Gemini];

/// A setup with one account of the format.
async fn full_in(setup: Setup, format: Format) -> (Stage, Answer) {
    match format {
        Format::Messages => full(setup).await,
        Format::Chat | Format::Responses => full_of(setup.openai("a", free()), "openai", format).await,
        Format::Gemini => full_of(setup.gemini("a", free()), "gemini", format).await,
    }
}

/// Eight subagents wait when a request of another session comes. It is served after one or two of them.
#[tokio::test]
async fn eight_subagents_are_one_session_beside_a_lone_one() {
    for (shape, format) in FORMATS.into_iter().enumerate() {
        for strategy in ["hybrid", "round-robin"] {
            let (stage, held) = full_in(Setup::new().set("strategy", strategy), format).await;
            let mut asked = Vec::new();
            for waiting in 1..=8 {
                let ask = subagent(shape, waiting).header("x-test", "subagent");
                asked.push(heard(&stage, ask));
                until_waiting(&stage, waiting as u64).await;
            }
            asked.push(heard(&stage, Ask::of(format).session("lone").header("x-test", "lone")));
            until_waiting(&stage, 9).await;
            drop(held);
            for answer in asked {
                within(answer).await.expect("a task that ends").good();
            }
            let order = order(&stage);
            let place = order.iter().position(|who| who == "lone");
            assert!(place.is_some_and(|place| place <= 2), "{shape}, {strategy}: {order:?}");
        }
    }
}

/// Returns who was served after the first, in order, by a header of theirs.
fn order(stage: &Stage) -> Vec<String> {
    let entries = stage.upstream.ledger().entries();
    entries[1..].iter().map(|entry| entry.header("x-test").unwrap_or_default().to_owned()).collect()
}

/// A person's request comes after those of the background, of its own session and of another one.
#[tokio::test]
async fn who_a_person_waits_for_goes_before_the_background() {
    for (is_first, expected) in [(true, 0), (false, 4)] {
        let (stage, held) = full(Setup::new().set("interactive_first", is_first)).await;
        let mut asked = Vec::new();
        let ask = |class: &str| {
            let ask = Ask::messages().header("x-claude-code-session-id", "S").header("x-test", class);
            ask.header("x-claude-code-request-class", class)
        };
        for (waiting, class) in (1..).zip(["subagent", "workflow", "auxiliary", "subagent", "main"]) {
            asked.push(heard(&stage, ask(class)));
            until_waiting(&stage, waiting).await;
        }
        drop(held);
        for answer in asked {
            within(answer).await.expect("a task that ends").good();
        }
        let order = order(&stage);
        assert_eq!(order.iter().position(|class| class == "main"), Some(expected), "{order:?}");
    }
}

/// Who finds the line full is told so at once, and it is no limit.
#[tokio::test]
async fn past_the_end_of_the_line_a_request_is_turned_away() {
    let (stage, held) = full(Setup::new().set("max_waiting", 2)).await;
    let waiting: Vec<_> = (0..2).map(|_| heard(&stage, Ask::messages())).collect();
    until_waiting(&stage, 2).await;
    let turned_away = stage.fetch(&Ask::messages()).await.refused(503);
    assert_eq!(turned_away.reason(), "crowded");
    let text = turned_away.text();
    assert!(text.contains("2 requests for") && text.contains("max_waiting"), "{text}");
    drop(held);
    for answer in waiting {
        within(answer).await.expect("a task that ends").good();
    }
}

/// A full line is no reason to turn away who has somewhere else to go. Nobody is overtaken for it.
#[tokio::test]
async fn who_finds_the_line_full_goes_on_at_another_provider() {
    let setup =
        Setup::new().set("max_waiting", 1).beside("acme", "anthropic").keyed("acme", "away", free(), 1);
    let (stage, held) = full(setup.chain("claude-sonnet-4-6", &["acme/big-model"])).await;
    let waiting = heard(&stage, Ask::messages());
    until_waiting(&stage, 1).await;
    let answer = stage.fetch(&Ask::messages()).await.good();
    assert_eq!((answer.account(), answer.reason()), ("away", "fallback-provider"));
    drop(held);
    assert_eq!(within(waiting).await.expect("a task that ends").good().account(), "a");
}
