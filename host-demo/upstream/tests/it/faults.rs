//! Each class of fault, as a client meets it.

use std::time::Duration;

use pointsman_upstream::{Ending, Fault, Harm, Moment, Pool, Shape, Upstream};

use crate::client::{Answer, Ask, every_format, gemini, messages, responses, upstream, within};

async fn unlimited() -> Upstream {
    upstream(Pool::unlimited()).await
}

async fn harmed(harm: Harm, ask: &Ask) -> (Answer, Ending) {
    let upstream = unlimited().await;
    upstream.inject(Fault::new(harm).next(1));
    let answer = ask.send(&upstream).await;
    let entries = upstream.ledger().wait_for(|entries| entries[0].ending != Ending::Open);
    let ending = within(entries).await[0].ending;
    assert_eq!(ask.send(&upstream).await.status, 200, "the fault was for one request");
    (answer, ending)
}

/// How many times each answer has a piece of content.
fn contents(answer: &Answer) -> usize {
    ["text_delta", "delta\":{\"content\":\"", "output_text.delta\",", "\"parts\":[{\"text\""]
        .iter()
        .map(|mark| answer.body.matches(mark).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn a_status_comes_with_its_shape_in_every_format() {
    for (shape, code) in [
        (Shape::Unauthorized, 401),
        (Shape::Verification, 403),
        (Shape::InvalidArgument, 400),
        (Shape::ServerError, 500),
        (Shape::Bare, 429),
    ] {
        let upstream = unlimited().await;
        upstream.inject(Fault::status(shape));
        for ask in every_format(true) {
            let answer = ask.send(&upstream).await;
            assert_eq!(answer.status, code, "{answer:?}");
            assert!(answer.json()["error"].is_object(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_status_can_have_another_code_and_tell_a_wait() {
    let harm =
        Harm::Status { shape: Shape::Overloaded, code: Some(503), retry: Some(Duration::from_secs(2)) };
    let (answer, _) = harmed(harm, &messages(true)).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    assert_eq!(answer.json()["error"]["type"], "overloaded_error");
}

#[tokio::test]
async fn a_fault_spares_who_it_does_not_name() {
    let upstream = unlimited().await;
    upstream.inject(Fault::status(Shape::Capacity).model("other"));
    assert_eq!(gemini(false).send(&upstream).await.status, 200);
    let fault = upstream.inject(Fault::status(Shape::Capacity).account("work").pool("default").model("m"));
    let answer = gemini(false).send(&upstream).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("No capacity available for model m on the server"));
    upstream.clear_fault(fault);
    assert_eq!(gemini(false).send(&upstream).await.status, 200);
}

#[tokio::test]
async fn a_phase_begins_and_ends_by_the_upstreams_clock() {
    let upstream = unlimited().await;
    let minute = Duration::from_secs(60);
    upstream.inject(Fault::status(Shape::Capacity).during(minute, minute));
    for expected in [200, 503, 200] {
        assert_eq!(gemini(false).send(&upstream).await.status, expected);
        upstream.advance(minute);
    }
}

#[tokio::test]
async fn a_status_costs_no_quota_and_a_broken_stream_does() {
    let upstream = upstream(Pool::limited(1, Duration::from_secs(60))).await;
    upstream.inject(Fault::status(Shape::ServerError).next(1));
    upstream.inject(Fault::new(Harm::Cut { at: Moment::Content(1) }).next(1));
    assert_eq!(messages(true).send(&upstream).await.status, 500);
    assert!(!messages(true).send(&upstream).await.whole);
    assert_eq!(messages(true).send(&upstream).await.status, 429);
}

#[tokio::test]
async fn an_error_event_comes_first_or_after_content() {
    for ask in every_format(true) {
        for (at, expected) in [(Moment::Events(0), 0), (Moment::Content(0), 0), (Moment::Content(2), 2)] {
            let (answer, ending) = harmed(Harm::ErrorEvent { at, shape: Shape::Overloaded }, &ask).await;
            assert_eq!((answer.status, answer.whole, ending), (200, true, Ending::Broken));
            assert_eq!(contents(&answer), expected, "{answer:?}");
            assert!(answer.events().last().unwrap().contains("error"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn the_first_event_of_an_overloaded_stream_is_the_error() {
    let harm = Harm::ErrorEvent { at: Moment::Events(0), shape: Shape::Overloaded };
    let (answer, _) = harmed(harm, &messages(true)).await;
    assert!(
        answer
            .body
            .starts_with("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"")
    );
    let handshake = Harm::ErrorEvent { at: Moment::Events(2), shape: Shape::Overloaded };
    let (answer, _) = harmed(handshake, &responses(true)).await;
    let names: Vec<_> = answer.body.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["response.created", "response.in_progress", "response.failed"]);
}

#[tokio::test]
async fn without_a_stream_an_error_event_is_a_status() {
    let harm = Harm::ErrorEvent { at: Moment::Events(0), shape: Shape::Overloaded };
    assert_eq!(harmed(harm, &messages(false)).await.0.status, 529);
}

#[tokio::test]
async fn a_cut_stream_breaks_after_what_came_before() {
    for ask in every_format(true) {
        let (answer, ending) = harmed(Harm::Cut { at: Moment::Content(2) }, &ask).await;
        assert_eq!((answer.whole, ending, contents(&answer)), (false, Ending::Broken, 2), "{answer:?}");
    }
}

#[tokio::test]
async fn a_cut_of_a_whole_answer_leaves_its_half() {
    let (answer, ending) = harmed(Harm::Cut { at: Moment::Content(1) }, &messages(false)).await;
    assert_eq!((answer.whole, ending), (false, Ending::Broken));
    assert!(answer.body.starts_with("{\"id\""), "{answer:?}");
}

#[tokio::test]
async fn a_harm_later_than_the_stream_meets_its_end() {
    for ask in every_format(true) {
        let (answer, _) = harmed(Harm::Cut { at: Moment::Content(999) }, &ask).await;
        assert!(!answer.whole, "{answer:?}");
    }
}

#[tokio::test]
async fn a_clean_end_comes_early() {
    for ask in every_format(true) {
        let (answer, ending) = harmed(Harm::CleanEof { at: Moment::Content(1) }, &ask).await;
        assert_eq!((answer.whole, ending, contents(&answer)), (true, Ending::Broken, 1), "{answer:?}");
    }
    let (half, _) = harmed(Harm::CleanEof { at: Moment::Content(1) }, &messages(false)).await;
    assert!(half.whole && serde_json::from_str::<serde_json::Value>(&half.body).is_err());
}

#[tokio::test]
async fn pages_and_empty_bodies_are_no_json() {
    for code in [200, 502] {
        let (answer, _) = harmed(Harm::Html { code }, &messages(true)).await;
        assert_eq!((answer.status, answer.header("content-type")), (code, Some("text/html; charset=utf-8")));
    }
    for stream in [true, false] {
        let (answer, ending) = harmed(Harm::Empty, &messages(stream)).await;
        assert_eq!((answer.status, answer.body.as_str(), ending), (200, "", Ending::Broken));
    }
}

#[tokio::test]
async fn a_reset_and_garbage_are_no_answer() {
    for harm in [Harm::Reset, Harm::Garbage] {
        let upstream = unlimited().await;
        upstream.inject(Fault::new(harm).next(1));
        let error = messages(true).try_send(&upstream).await.unwrap_err();
        assert_eq!(error.is_parse(), harm == Harm::Garbage, "{harm:?}: {error:?}");
        let entries = upstream.ledger().entries();
        assert_eq!((entries[0].ending, entries[0].status), (Ending::Broken, None));
        assert_eq!(messages(true).send(&upstream).await.status, 200);
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_on_the_wire() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (harm, read_before) in [(Harm::Reset, false), (Harm::Cut { at: Moment::Content(1) }, true)] {
        let upstream = unlimited().await;
        upstream.inject(Fault::new(harm));
        let mut stream = tokio::net::TcpStream::connect(upstream.addr()).await.unwrap();
        let body = r#"{"model":"m","stream":true}"#;
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: sk-work\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let error = within(stream.read_to_end(&mut read)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(String::from_utf8_lossy(&read).contains("text_delta"), read_before);
    }
}
