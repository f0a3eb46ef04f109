//! Shutting down: streams finish, new requests are refused, and what takes too long is cut.

use std::time::Duration;

use pointsman_loader::api::ErrorCode;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Client, Heard, Setup, Stage, client, within};
use pointsman_upstream::{Ending, Fault, Harm, Moment, Pace};

const GRACE: Duration = Duration::from_secs(20);

fn slow() -> Stage {
    let pace = Pace::spread(40, Duration::from_millis(15));
    Setup::new().anthropic("a", free()).pace(pace).start()
}

/// Asks until the shutdown has begun.
async fn closed(stage: &Stage) -> ErrorCode {
    within(async {
        loop {
            if let Err(error) = stage.router.fetch(Ask::messages().request()).await {
                return error.code;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_stream_finishes_and_new_requests_are_refused() {
    let stage = slow();
    let answer = stage.open(&Ask::messages().streaming()).await;
    let ending = tokio::spawn(stage.router.shutdown(GRACE));
    assert_eq!(closed(&stage).await, ErrorCode::CLOSED);
    let heard = within(Heard::all(answer)).await.good();
    assert!(heard.text().contains("message_stop"), "{}", heard.text());
    within(ending).await.expect("the task ends").expect("it is shut down");
}

#[tokio::test]
async fn a_gateway_finishes_its_streams_and_takes_no_more() {
    let stage = slow();
    let address = stage.gateway();
    let mut agent = Client::connect(&address).await;
    let response = agent.open(&Ask::messages().streaming()).await.expect("a head");
    let ending = tokio::spawn(stage.router.shutdown(GRACE));
    let heard = within(client::all(response)).await.good();
    assert!(heard.text().contains("message_stop"));
    within(ending).await.expect("the task ends").expect("it is shut down");
    assert!(agent.open(&Ask::messages()).await.is_err(), "the connection is closed");
    assert!(tokio::net::TcpStream::connect(&address).await.is_err(), "nobody listens any more");
}

/// An agent that keeps a connection without using it does not hold the shutdown up.
#[tokio::test]
async fn an_idle_connection_is_closed_at_once() {
    let stage = Setup::new().anthropic("a", free()).start();
    let mut agent = stage.client().await;
    agent.send(&Ask::messages()).await.good();
    within(stage.router.shutdown(GRACE)).await.expect("it is shut down");
}

#[tokio::test]
async fn what_takes_longer_than_the_grace_is_cut() {
    let stall = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let stage = Setup::new().anthropic("a", free()).fault(stall).start();
    let answer = stage.open(&Ask::messages().streaming()).await;
    within(stage.router.shutdown(Duration::from_millis(50))).await.expect("it is shut down");
    let heard = within(Heard::all(answer)).await;
    assert!(heard.broken.is_some(), "a stream that was cut is broken, never a clean end");
    let entries = stage.wait_for(|entries| entries[0].ending != Ending::Open).await;
    assert_eq!(entries[0].ending, Ending::Aborted);
}

/// A host that drops the router without a word ends it all the same.
#[tokio::test]
async fn dropping_the_router_ends_what_is_under_way() {
    let stall = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let Stage { router, upstream, told: _ } = Setup::new().anthropic("a", free()).fault(stall).start();
    let answer = within(router.fetch(Ask::messages().streaming().request())).await.expect("an answer");
    drop(router);
    assert!(within(Heard::all(answer)).await.broken.is_some(), "its streams are cut, not ended");
    within(upstream.ledger().wait_for(|entries| entries[0].ending == Ending::Aborted)).await;
}

#[tokio::test]
async fn shutting_down_twice_is_no_error() {
    let stage = Setup::new().anthropic("a", free()).start();
    for _ in 0..2 {
        within(stage.router.shutdown(Duration::ZERO)).await.expect("it is shut down");
    }
    assert_eq!(stage.try_open(&Ask::messages()).await.expect_err("closed").code, ErrorCode::CLOSED);
}

/// A router that has been shut down opens no gateway.
#[tokio::test]
async fn a_closed_router_does_not_listen() {
    let stage = Setup::new().anthropic("a", free()).start();
    within(stage.router.shutdown(Duration::ZERO)).await.expect("it is shut down");
    assert!(stage.router.listen("127.0.0.1:0").is_err());
}
