//! Request bodies on their way in, by raw bytes: too long, too slow, or of a client that has left.

use std::time::{Duration, Instant};

use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Fault, Harm};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn connect(stage: &Stage) -> TcpStream {
    TcpStream::connect(stage.gateway()).await.expect("a gateway")
}

fn head(length: usize, more: &str) -> String {
    format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{more}\r\n")
}

/// Reads until the gateway closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // It may be closed with a reset.
    let _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the head of an answer and some of its body.
async fn begin(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let length = within(stream.read(&mut bytes)).await.expect("an answer");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_client_sends_it() {
    let stage = Setup::new().set("max_body", "1KiB").anthropic("a", free()).start();
    let mut stream = connect(&stage).await;
    stream.write_all(head(1_025, "expect: 100-continue\r\n").as_bytes()).await.expect("sent");
    let answer = begin(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let mut fits = connect(&stage).await;
    fits.write_all(head(1_024, "expect: 100-continue\r\n").as_bytes()).await.expect("sent");
    let answer = begin(&mut fits).await;
    assert!(answer.starts_with("HTTP/1.1 100 "), "{answer}");
}

/// Without `Expect` the client sends at once, and has to be able to read why it was refused.
#[tokio::test]
async fn who_sends_too_much_reads_why() {
    let stage = Setup::new().set("max_body", "1KiB").anthropic("a", free()).start();
    let mut stream = connect(&stage).await;
    let length = 8 << 20;
    let sent = async {
        stream.write_all(head(length, "").as_bytes()).await?;
        stream.write_all(&vec![b'x'; length]).await
    };
    within(sent).await.expect("all of it is taken");
    let answer = begin(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_so() {
    let stage = Setup::new().set("body_timeout", "100ms").anthropic("a", free()).start();
    let mut stream = connect(&stage).await;
    stream.write_all((head(100, "") + "{").as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_timeout"), "{answer}");
}

/// Sends half of a body of 1 MiB, once the gateway has asked for the body.
async fn half_sent(stage: &Stage) -> TcpStream {
    let mut stream = connect(stage).await;
    stream.write_all(head(1 << 20, "expect: 100-continue\r\n").as_bytes()).await.expect("sent");
    begin(&mut stream).await;
    // The gateway may have refused the body meanwhile, for want of room.
    let _ = stream.write_all(&vec![b' '; 1 << 19]).await;
    stream
}

#[tokio::test]
async fn bodies_together_are_bounded() {
    let setup = Setup::new().set("max_body", "1MiB").set("max_bodies", "1MiB");
    let stage = setup.anthropic("a", free()).start();
    let long = || Ask::messages().body(format!(r#"{{"model":"m","pad":"{}"}}"#, "x".repeat(600_000)));
    let (slow, refused) = within(async {
        loop {
            // The slow body is the refused one where the long body was there first.
            let slow = half_sent(&stage).await;
            let answer = stage.client().await.send(&long()).await;
            if answer.status != 200 {
                return (slow, answer.refused(503));
            }
        }
    })
    .await;
    assert!(refused.text().contains("max_bodies"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(slow);
    within(async { while stage.client().await.send(&long()).await.status != 200 {} }).await;
}

/// The server reads no further while it has bytes of a next request, and still sees a client leave.
#[tokio::test]
async fn a_client_that_leaves_after_surplus_bytes_gives_its_place_up() {
    let stage = Setup::new().anthropic("a", free()).fault(Fault::new(Harm::Hang)).start();
    let mut stream = connect(&stage).await;
    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#;
    let surplus = format!("{}{body}\r\n\r\nGET /health HT", head(body.len(), ""));
    stream.write_all(surplus.as_bytes()).await.expect("sent");
    stage.wait_for(|entries| entries.len() == 1).await;
    drop(stream);
    within(async {
        while stage.pool("a", "anthropic").in_flight > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A request that is not whole holds nobody up who wants to stop.
#[tokio::test]
async fn a_request_that_is_half_sent_does_not_hold_up_the_shutdown() {
    let stage = Setup::new().anthropic("a", free()).start();
    let halves = ["", "POST /v1/mess", "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n"];
    let half_body = head(100, "") + "{\"model\"";
    let mut streams = Vec::new();
    for half in halves.into_iter().chain([half_body.as_str()]) {
        let mut stream = connect(&stage).await;
        stream.write_all(half.as_bytes()).await.expect("sent");
        streams.push(stream);
    }
    // They were accepted before the request that comes after them.
    stage.client().await.send(&Ask::messages()).await.good();
    let begun = Instant::now();
    within(stage.router.shutdown(Duration::from_secs(60))).await.expect("it is shut down");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
