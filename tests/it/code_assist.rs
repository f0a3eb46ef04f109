//! The envelope of Code Assist: put around requests, taken off answers, wherever the chunks are cut.

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::{free, limited};
use pointsman_tests::{Ask, Setup, Stage, plugin, setup};
use pointsman_upstream::{Fault, Harm, Moment};
use serde_json::{Value, json};

fn stage() -> Stage {
    Setup::new().enveloped().antigravity("work", &[("gemini-cli", free())]).start()
}

fn sent(stage: &Stage) -> (String, Value) {
    let entry = &stage.upstream.ledger().entries()[0];
    (entry.path.clone(), serde_json::from_slice(&entry.body).expect("JSON"))
}

#[tokio::test]
async fn a_request_gets_its_envelope_and_the_answer_loses_its_own() {
    let stage = stage();
    let ask = Ask::gemini().body(r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#);
    let answer = stage.fetch(&ask).await.good().json();
    assert!(answer["candidates"].is_array() && answer.get("response").is_none(), "{answer}");
    let (path, body) = sent(&stage);
    assert_eq!(path, "/pool-gemini-cli/v1internal:generateContent");
    let request = json!({"contents": [{"parts": [{"text": "hi"}]}]});
    assert_eq!(body, json!({"project": "a-project", "model": "gemini-3-flash-preview", "request": request}));
}

#[tokio::test]
async fn each_event_of_a_stream_loses_its_envelope() {
    let stage = stage();
    let events = stage.fetch(&Ask::gemini().streaming()).await.good().events();
    assert!(!events.is_empty());
    for event in events {
        let event: Value = serde_json::from_str(&event).expect("JSON");
        assert!(event["candidates"].is_array() && event.get("response").is_none(), "{event}");
    }
    assert_eq!(sent(&stage).0, "/pool-gemini-cli/v1internal:streamGenerateContent?alt=sse");
}

/// The same stream is cut into chunks at each place there is, and comes out the same.
#[tokio::test]
async fn chunks_may_be_cut_anywhere() {
    let event = |text: &str| {
        format!("data: {{\"response\":{{\"candidates\":[\"{text}\"]}},\"traceId\":\"t\"}}\r\n\r\n")
    };
    let stream = [event("one {\\\"response\\\":"), event("z\u{e4}hl } zwei")].concat();
    let whole = unwrapped(&[stream.as_bytes()]).await;
    assert_eq!(whole.len(), 2);
    let first: Value = serde_json::from_str(&whole[0]).expect("JSON");
    assert_eq!(first, json!({"candidates": ["one {\"response\":"]}));
    for cut in 1..stream.len() {
        let (head, tail) = stream.as_bytes().split_at(cut);
        assert_eq!(unwrapped(&[head, tail]).await, whole, "cut at {cut}");
    }
}

/// A limit inside of the envelope's service is read from its own details, and errors pass as they are.
#[tokio::test]
async fn errors_of_the_service_are_not_unwrapped() {
    let stage = Setup::new().enveloped().antigravity("work", &[("gemini-cli", limited(0, 60))]).start();
    let refused = stage.fetch(&Ask::gemini()).await.refused(429);
    let seconds = refused.retry_after().expect("a hint was given");
    // A date in whole seconds, a cell's tick and the header each round up.
    assert!((55..=62).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_stream_in_envelopes_that_breaks_is_a_broken_stream() {
    let stage = stage();
    stage.upstream.inject(Fault::new(Harm::Cut { at: Moment::Content(1) }));
    let answer = stage.fetch(&Ask::gemini().streaming()).await;
    assert!(answer.broken.is_some() && !answer.events().is_empty());
}

/// Returns the events of a stream that the upstream cuts into these chunks.
async fn unwrapped(chunks: &[&[u8]]) -> Vec<String> {
    let raw = Raw::events(chunks);
    let config = json!({
        "store": "memory", "max_wait": "0s", "quota_refresh": "0s",
        "providers": {"antigravity": {"pools": {"gemini-cli": {"base_url": raw.base_url()}}}},
        "accounts": [{"id": "antigravity:work", "access_token": "t", "project": "p"}],
    });
    let router =
        plugin::library().start(setup::options(&config.to_string()), pointsman_tests::Told::default());
    // It has to live for as long as its streams.
    let router = router.expect("the router starts");
    let answer = router.fetch(Ask::gemini().streaming().request()).await;
    pointsman_tests::Heard::all(answer.expect("an answer")).await.good().events()
}
