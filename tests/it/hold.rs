//! Waiting that agents survive: signs of life while a streaming request waits in the queue.

use std::time::Duration;

use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Setup};
use pointsman_upstream::Pace;

fn by(agent: &str) -> Ask {
    Ask::messages().streaming().header("user-agent", agent)
}

const CLAUDE: &str = "claude-cli/2.1.332 (external, sdk-cli)";
const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// The limit lasts longer than a request may wait, and than the head of a held one is kept back.
fn limited_for_seven_seconds() -> Setup {
    Setup::new().set("hold", "30m").anthropic("a", limited(1, 7))
}

#[tokio::test]
async fn a_request_that_waits_long_is_kept_alive_and_served() {
    let stage = limited_for_seven_seconds().start();
    stage.fetch(&by(CLAUDE)).await.good();
    let held = stage.fetch(&by(CLAUDE)).await.good();
    assert_eq!(held.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(held.header("x-pointsman-request-id").is_some(), "{:?}", held.headers);
    let text = held.text();
    let stream = text.trim_start_matches(PING);
    assert!(text.starts_with(PING) && stream.starts_with("event: message_start"), "{text}");
    assert!(text.trim_end().ends_with("{\"type\":\"message_stop\"}"), "{text}");
    assert_eq!(stage.counter("held_streams"), 1);
}

/// What is not known to accept it, and what is no stream, is refused as always.
#[tokio::test]
async fn only_streams_of_known_agents_are_held() {
    let stage = Setup::new().set("hold", "30m").anthropic("a", spent(60)).start();
    stage.fetch(&Ask::messages().streaming()).await.refused(429);
    stage.fetch(&Ask::messages().header("user-agent", CLAUDE)).await.refused(429);
    let off = Setup::new().anthropic("a", spent(60)).start();
    off.fetch(&by(CLAUDE)).await.refused(429);
    assert_eq!((stage.counter("held_streams"), off.counter("held_streams")), (0, 0));
}

/// A limit that ends after the longest wait is refused at once, with the status that it has.
#[tokio::test]
async fn what_cannot_be_served_in_time_is_refused_and_not_held() {
    let stage = Setup::new().set("hold", "10s").anthropic("a", spent(60)).start();
    stage.fetch(&by(CLAUDE)).await.refused(429);
    assert_eq!(stage.counter("held_streams"), 0);
}

/// The head is out, so that a failure has to be an event.
#[tokio::test]
async fn a_failure_of_a_held_request_is_an_error_event() {
    // The one place is taken for longer than it waits.
    let setup = Setup::new().set("hold", "6s").anthropic("a", free()).with("max_in_flight", 1);
    let stage = setup.pace(Pace::spread(30, Duration::from_secs(60))).start();
    let _taken = stage.open(&Ask::messages().streaming()).await;
    let ended = stage.fetch(&by(CLAUDE)).await.good().text();
    let error = ended.trim_start_matches(PING);
    assert!(ended.starts_with(PING) && error.starts_with("event: error\ndata: {"), "{ended}");
    assert!(error.contains("of 1 account"), "{error}");
}
