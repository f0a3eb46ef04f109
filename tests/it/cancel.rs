//! Callers that go away: what they had under way ends, upstream too.

use std::time::Duration;

use http_body_util::BodyExt;
use pointsman_tests::setup::{free, limited};
use pointsman_tests::{Ask, Client, Setup, Stage, within};
use pointsman_upstream::{Ending, Entry, Fault, Harm, Moment, Pace};

fn is_aborted(entries: &[Entry]) -> bool {
    entries.len() == 1 && entries[0].ending == Ending::Aborted
}

fn stage(harm: Harm) -> Stage {
    Setup::new().anthropic("a", free()).fault(Fault::new(harm)).start()
}

async fn check_nothing_is_left(stage: &Stage) {
    stage.wait_for(is_aborted).await;
    // The upstream can see the end of the connection before the router has settled.
    within(async {
        while stage.pool("a", "anthropic").in_flight > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn dropping_the_future_closes_the_upstream_request() {
    let stage = stage(Harm::Hang);
    let asked = tokio::spawn(stage.router.fetch(Ask::messages().request()));
    stage.wait_for(|entries| entries.len() == 1).await;
    asked.abort();
    check_nothing_is_left(&stage).await;
    assert_eq!(stage.counter("cancelled"), 1);
}

#[tokio::test]
async fn dropping_the_body_closes_the_upstream_request() {
    let stage = stage(Harm::Stall { at: Moment::Content(1) });
    let mut answer = stage.open(&Ask::messages().streaming()).await;
    within(answer.body.next()).await.expect("a piece").expect("a good one");
    drop(answer);
    check_nothing_is_left(&stage).await;
}

#[tokio::test]
async fn a_client_that_goes_before_the_head_closes_the_upstream_request() {
    let stage = stage(Harm::Hang);
    let address = stage.gateway();
    let asked =
        tokio::spawn(async move { Client::connect(&address).await.open(&Ask::messages()).await.is_ok() });
    stage.wait_for(|entries| entries.len() == 1).await;
    asked.abort();
    check_nothing_is_left(&stage).await;
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_closes_the_upstream_request() {
    let stage = stage(Harm::Stall { at: Moment::Content(1) });
    let mut client = stage.client().await;
    let mut body = client.open(&Ask::messages().streaming()).await.expect("a head").into_body();
    within(body.frame()).await.expect("a piece").expect("a good one");
    drop((body, client));
    check_nothing_is_left(&stage).await;
}

/// Somebody who waits for a place and goes away leaves the place to the next.
#[tokio::test]
async fn a_waiter_that_goes_away_does_not_hold_up_the_line() {
    let stage = Setup::new().patient().anthropic("a", limited(1, 1)).start();
    stage.fetch(&Ask::messages()).await.good();
    let first = tokio::spawn(stage.router.fetch(Ask::messages().request()));
    stage.told.wait_for("Waiting").await;
    let second = stage.router.fetch(Ask::messages().request());
    first.abort();
    assert_eq!(within(second).await.expect("an answer").status, 200);
}

/// A place that is given back by a cancelled stream can be taken at once.
#[tokio::test]
async fn a_dropped_stream_frees_its_place() {
    let pace = Pace::spread(1_000, Duration::from_millis(20));
    let setup = Setup::new().patient().provider("anthropic", "max_in_flight", 1);
    let stage = setup.anthropic("a", free()).pace(pace).start();
    let first = stage.open(&Ask::messages().streaming()).await;
    let second = stage.router.fetch(Ask::messages().streaming().request());
    drop(first);
    assert_eq!(within(second).await.expect("an answer").status, 200);
}
