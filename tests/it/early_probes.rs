//! Guessed limits are tried before their end, by one request at a time; told ones are not.

use std::time::{Duration, Instant};

use pointsman_tests::setup::{free, limited};
use pointsman_tests::{Ask, Heard, Setup, Stage, within};
use pointsman_upstream::{Hint, Pool};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Ten minutes, of which its upstream says nothing. The guess lasts half a minute.
fn silent(requests: u32) -> Pool {
    limited(requests, 600).hint(Hint::Bare)
}

async fn explained(stage: &Stage, answer: &Heard) -> Value {
    let id = answer.header("x-pointsman-request-id").expect("an id");
    stage.client().await.send(&Ask::chat().get().to(&format!("/explain/{id}"))).await.good().json()
}

/// When calls that were refused came to the upstream.
fn refusals(stage: &Stage) -> Vec<Instant> {
    let entries = stage.upstream.ledger().entries();
    entries.iter().filter(|entry| entry.status == Some(429)).map(|entry| entry.arrived).collect()
}

/// Asks, and returns once that request stands in line.
async fn waits(stage: &Stage) -> JoinHandle<Heard> {
    let asked = stage.router.fetch(Ask::messages().request());
    let waiting = tokio::spawn(async { Heard::all(asked.await.expect("an answer")).await });
    within(async {
        while stage.counter("waits") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    waiting
}

/// Both accounts are limited, and nobody said until when. As soon as quota is back, who waits is served.
#[tokio::test]
async fn quota_that_is_back_before_the_guess_ends_is_found() {
    let stage = Setup::new().patient().anthropic("a", silent(1)).anthropic("b", silent(1)).start();
    for _ in 0..2 {
        stage.fetch(&Ask::messages()).await.good();
    }
    let begun = Instant::now();
    let waiting = waits(&stage).await;
    stage.upstream.advance(Duration::from_secs(600));
    let answer = within(waiting).await.expect("a task that ends").good();
    assert!(begun.elapsed() < Duration::from_secs(10), "the guess is three times as long");
    assert_eq!(answer.reason(), "last-resort");
    assert_eq!((stage.counter("early_probes"), refusals(&stage).len()), (1, 2), "nobody else asked");
    let explanation = explained(&stage, &answer).await.to_string();
    assert!(explanation.contains(r#""probe":"last-resort""#), "{explanation}");
}

/// A crowd that waits for accounts of which nothing is known asks each of them once more, one after the other.
#[tokio::test]
async fn a_crowd_probes_each_account_once_and_apart() {
    let setup = Setup::new().set("max_wait", "5s").anthropic("a", silent(0)).anthropic("b", silent(0));
    let stage = setup.start();
    for answer in stage.fetch_times(40, Ask::messages).await {
        answer.refused(429);
    }
    assert_eq!(stage.counter("early_probes"), 2);
    let refused = refusals(&stage);
    assert!(refused.len() <= 2 + 2 + 40, "{}", refused.len());
    let [.., one, other] = refused[..] else { panic!("{refused:?}") };
    assert!(one.duration_since(refused[0]) >= Duration::from_secs(1), "not at once");
    assert!(other.duration_since(one) >= Duration::from_millis(200), "they are apart by 250 ms, less a jolt");
}

/// What the upstream told is waited for to its end.
#[tokio::test]
async fn nobody_probes_a_told_limit_early() {
    let stage = Setup::new().patient().anthropic("a", limited(1, 3)).start();
    for _ in 0..2 {
        stage.fetch(&Ask::messages()).await.good();
    }
    assert_eq!((stage.counter("early_probes"), refusals(&stage).len()), (0, 1));
}

/// A guess that lasts is checked again, although another account is open, and no caller sees it.
#[tokio::test]
async fn a_long_guess_is_checked_again() {
    let setup = Setup::new().set("recheck", "1s").set("strategy", "round-robin");
    let stage = setup.anthropic("a", silent(0)).anthropic("b", free()).start();
    while stage.calls("a") == 0 {
        stage.fetch(&Ask::messages()).await.good();
    }
    let limited = Instant::now();
    while stage.counter("early_probes") == 0 {
        stage.fetch(&Ask::messages()).await.good();
    }
    assert!(limited.elapsed() >= Duration::from_millis(900));
    assert_eq!(refusals(&stage).len(), 2, "the first, and the check");
    stage.upstream.set_pool("a", "default", free()).expect("the pool");
    let back = loop {
        let answer = stage.fetch(&Ask::messages()).await.good();
        if answer.header("x-pointsman-account") == Some("anthropic:a") {
            break answer;
        }
    };
    assert_eq!((back.reason(), stage.counter("early_probes")), ("probe", 2));
}

/// Another provider of its chain serves a request before anybody probes early. Where that is closed as well, the guess
/// of its own is tried.
#[tokio::test]
async fn a_guess_is_tried_after_all_providers_of_a_chain() {
    let chained = |away| {
        let setup = Setup::new().patient().set("affinity", json!({"patience": "0s"}));
        let setup =
            setup.anthropic("home", silent(0)).beside("acme", "anthropic").keyed("acme", "away", away, 1);
        setup.chain("claude-sonnet-4-6", &["acme/big-model"]).start()
    };
    let stage = chained(free());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2_200) {
        assert_eq!(stage.fetch(&Ask::messages()).await.good().reason(), "fallback-provider");
    }
    assert_eq!((stage.counter("early_probes"), refusals(&stage).len()), (0, 1));
    let stage = chained(silent(0));
    let waiting = waits(&stage).await;
    stage.upstream.set_pool("home", "default", free()).expect("it is in the script");
    let answer = within(waiting).await.expect("a task that ends").good();
    assert_eq!(
        (answer.account(), answer.reason(), stage.counter("early_probes")),
        ("home", "last-resort", 1)
    );
}
