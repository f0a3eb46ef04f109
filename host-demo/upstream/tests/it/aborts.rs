//! What the ledger says of a client that goes away.

use std::time::Duration;

use http_body_util::BodyExt;
use pointsman_upstream::{Ending, Fault, Harm, Moment, Pace, Pool};

use crate::client::{chat, messages, upstream, within};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_client_that_leaves_before_the_head_has_aborted() {
    let upstream = upstream(Pool::unlimited()).await;
    upstream.inject(Fault::new(Harm::Hang));
    let (ask, addr) = (messages(true), upstream.addr());
    let asking = tokio::spawn(async move { ask.head(addr).await.map(|_| ()) });
    within(upstream.ledger().wait_for(|entries| entries.len() == 1)).await;
    asking.abort();
    let entries = within(upstream.ledger().wait_for(|entries| entries[0].ending == Ending::Aborted)).await;
    assert_eq!(entries[0].status, None);
    assert!(entries[0].ended >= Some(entries[0].arrived));
}

#[tokio::test]
async fn a_client_that_leaves_a_stalled_or_slow_stream_has_aborted() {
    for stalls in [true, false] {
        let pace = Pace::spread(3, HOUR);
        let upstream = upstream(Pool::unlimited().pace(if stalls { Pace::default() } else { pace })).await;
        if stalls {
            upstream.inject(Fault::new(Harm::Stall { at: Moment::Content(1) }));
        }
        let mut response = messages(true).head(upstream.addr()).await.unwrap();
        assert!(within(response.body_mut().frame()).await.unwrap().is_ok());
        assert_eq!(upstream.ledger().entries()[0].ending, Ending::Open);
        drop(response);
        let entries =
            within(upstream.ledger().wait_for(|entries| entries[0].ending == Ending::Aborted)).await;
        assert_eq!(entries[0].status, Some(200));
        assert!(entries[0].sent > 0);
    }
}

#[tokio::test]
async fn a_huge_stream_is_made_while_it_is_read_and_ends_with_its_reader() {
    let upstream = upstream(Pool::unlimited().pace(Pace::bulk(1 << 40, 65_536))).await;
    let mut response = chat(true).head(upstream.addr()).await.unwrap();
    let mut read = 0;
    while read < 5_000_000 {
        let frame = within(response.body_mut().frame()).await.unwrap().unwrap();
        read += frame.data_ref().unwrap().len();
    }
    drop(response);
    let entries = within(upstream.ledger().wait_for(|entries| entries[0].ending == Ending::Aborted)).await;
    assert!(entries[0].sent >= 5_000_000 && entries[0].sent < 100_000_000, "{}", entries[0].sent);
}

#[tokio::test]
async fn a_finished_answer_is_complete_before_its_client_goes_on() {
    let upstream = upstream(Pool::unlimited()).await;
    for stream in [true, false] {
        let answer = messages(stream).send(&upstream).await;
        let entry = upstream.ledger().entries().pop().unwrap();
        assert_eq!((entry.ending, entry.sent), (Ending::Complete, answer.body.len() as u64));
    }
    assert_eq!(upstream.ledger().max_concurrency("work", "default"), 1);
}
