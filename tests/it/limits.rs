//! Limits: waiting for their end, and saying honestly when that is too far.

use std::time::{Duration, Instant};

use pointsman_loader::api::PoolState;
use pointsman_tests::ask::Format;
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Setup, Stage};
use pointsman_upstream::{Hint, Pool};
use serde_json::Value;

/// Nothing is refused that a short wait can serve, and the wait ends when the limit does.
#[tokio::test]
async fn when_all_are_limited_a_request_waits_and_succeeds() {
    let stage = Setup::new().patient().anthropic("a", limited(1, 1)).anthropic("b", limited(1, 1)).start();
    let begun = Instant::now();
    let mut reasons = Vec::new();
    for _ in 0..3 {
        reasons.push(stage.fetch(&Ask::messages()).await.good().reason().to_owned());
    }
    assert!(begun.elapsed() >= Duration::from_millis(900) && begun.elapsed() < Duration::from_secs(4));
    assert!(["waited", "probe"].contains(&reasons[2].as_str()), "{reasons:?}");
    assert!(stage.counter("waits") > 0);
}

/// Those who wait get their places one by one as they are freed, and all of them are served.
#[tokio::test]
async fn a_crowd_that_waits_is_served_without_a_storm() {
    let stage = Setup::new().patient().anthropic("a", limited(6, 1)).anthropic("b", limited(6, 1)).start();
    for answer in stage.fetch_times(24, Ask::messages).await {
        answer.good();
    }
    let limited = stage.counter("upstream_429");
    assert!(limited <= 24 + 12, "{limited} refusals: more than one for each request and each reset");
}

/// Past `max_wait` the caller gets a 429 in its own wire format, with the counts and the earliest end.
#[tokio::test]
async fn past_the_longest_wait_there_is_an_honest_429_in_each_format() {
    for format in Format::ALL {
        let stage = everybody_spent();
        let refused = stage.fetch(&Ask::of(format)).await.refused(429);
        let seconds = refused.retry_after().expect("it says when to come back");
        // A date in whole seconds, a cell's tick and the header each round up.
        assert!((55..=62).contains(&seconds), "{seconds}");
        let body = refused.json();
        let message = body["error"]["message"].as_str().expect("a message");
        assert!(message.contains("of 2 accounts 2 limited"), "{message}");
        check_form(format, &body);
    }
}

/// A hint is obeyed to the end: nobody probes early before it.
#[tokio::test]
async fn a_limit_is_obeyed_until_its_end() {
    let stage = Setup::new().anthropic("a", spent(60)).start();
    for _ in 0..5 {
        stage.fetch(&Ask::messages()).await.refused(429);
    }
    assert_eq!(stage.calls("a"), 1);
    let pool = stage.pool("a", "anthropic");
    assert_eq!(pool.state, PoolState::LIMITED);
    let until = pool.until_unix_ms.into_option().expect("it ends");
    let seconds = until.saturating_sub(stage.status().now_unix_ms) / 1_000;
    assert!((55..=60).contains(&seconds), "{seconds}");
}

/// A 429 that does not say how long is a guess, and is called one.
#[tokio::test]
async fn a_limit_without_a_hint_is_a_guess() {
    let stage = Setup::new().anthropic("a", limited(0, 60).hint(Hint::Bare)).start();
    stage.fetch(&Ask::messages()).await.refused(429);
    assert_eq!(stage.pool("a", "anthropic").state, PoolState::ESTIMATED);
}

/// After its end a limit is tried by one request, not by all at once.
#[tokio::test]
async fn after_a_limit_one_request_tries_whether_it_is_over() {
    let stage = Setup::new().patient().anthropic("a", limited(2, 1)).start();
    for answer in stage.fetch_times(5, Ask::messages).await {
        answer.good();
    }
    let probes = stage.told.texts().iter().filter(|text| text.contains("is back for")).count();
    assert!(probes >= 1, "{:?}", stage.told.texts());
}

/// The provider's hint is read from each place that providers put it.
#[tokio::test]
async fn hints_are_read_in_each_format() {
    for (format, hint) in [
        (Format::Messages, Hint::HeaderOnly),
        (Format::Chat, Hint::Full),
        (Format::Responses, Hint::HeaderOnly),
        (Format::Gemini, Hint::Full),
    ] {
        let pool = limited(0, 40).hint(hint);
        let stage = one_of_each(&pool);
        let refused = stage.fetch(&Ask::of(format)).await.refused(429);
        let seconds = refused.retry_after().expect("it says when to come back");
        assert!((35..=41).contains(&seconds), "{format:?}: {seconds}");
    }
}

/// A disabled account and one in need of its owner are counted apart from those that are limited.
#[tokio::test]
async fn the_refusal_counts_each_account_once_by_its_cause() {
    let stage = Setup::new()
        .anthropic("a", spent(60))
        .anthropic("b", free())
        .fault(pointsman_upstream::Fault::status(pointsman_upstream::Shape::Disabled).account("b"))
        .start();
    let refused = stage.fetch(&Ask::messages()).await.refused(429);
    let text = refused.text();
    assert!(text.contains("of 2 accounts 1 limited, 1 in need of sign-in"), "{text}");
}

fn everybody_spent() -> Stage {
    let setup = ["anthropic", "openai", "gemini"].into_iter().fold(Setup::new(), |setup, provider| {
        let labels = [format!("{provider}-1"), format!("{provider}-2")];
        labels.iter().fold(setup, |setup, label| setup.keyed(provider, label, spent(60), 1))
    });
    setup.start()
}

fn one_of_each(pool: &Pool) -> Stage {
    Setup::new().anthropic("a", pool.clone()).openai("o", pool.clone()).gemini("g", pool.clone()).start()
}

fn check_form(format: Format, body: &Value) {
    match format {
        Format::Messages => {
            assert_eq!(
                (&body["type"], &body["error"]["type"]),
                (&"error".into(), &"rate_limit_error".into())
            );
        }
        Format::Chat | Format::Responses => assert_eq!(body["error"]["code"], "rate_limit_exceeded"),
        Format::Gemini => {
            assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED");
            let delay = body["error"]["details"][0]["retryDelay"].as_str().unwrap_or_default();
            assert!(delay.ends_with('s'), "{delay}");
        }
    }
}
