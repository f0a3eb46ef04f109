use proptest::prelude::*;

use super::*;
use crate::formats::WireFormat;
use crate::response::outcome::{Hint, HintSource, LimitKind};
use crate::time::{Millis, UnixMillis};

const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_780_000_000_000) };
const CREATED: &str =
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"error\":null}}\n\n";

/// What a look came to, with the outcome alone of an error.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Hold,
    Content,
    Failed(Outcome, Hint),
}

impl From<Look> for Came {
    fn from(look: Look) -> Self {
        match look {
            Look::Hold => Self::Hold,
            Look::Content => Self::Content,
            Look::Failed(evidence) => Self::Failed(evidence.outcome, evidence.until),
        }
    }
}

fn look(chunks: &[&str]) -> Came {
    let mut first = FirstEvent::new(Asked::of(WireFormat::OpenAi));
    chunks
        .iter()
        .map(|chunk| first.feed(chunk.as_bytes(), &HeaderMap::new(), NOW))
        .last()
        .expect("a chunk")
        .into()
}

fn ended(stream: &str) -> Outcome {
    let mut first = FirstEvent::new(Asked::of(WireFormat::Anthropic));
    first.feed(stream.as_bytes(), &HeaderMap::new(), NOW);
    first.ended(&HeaderMap::new(), NOW).outcome
}

#[test]
fn handshakes_are_held_and_content_is_not() {
    assert_eq!(look(&[": hello\n\n", "\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n"]), Came::Hold);
    assert_eq!(look(&[CREATED, "data: {\"type\":\"response.in_progress\"}\n\n"]), Came::Hold);
    assert_eq!(look(&["data: {\"type\":\"message_start\",\"message\":{}}\n\n"]), Came::Hold);
    assert_eq!(look(&["event: codex.rate_limits\r\ndata: {}\r\n\r\n"]), Came::Hold);
    assert_eq!(
        look(&[CREATED, "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n"]),
        Came::Content
    );
    assert_eq!(look(&["data: {\"candidates\":[]}\n\n"]), Came::Hold);
    assert_eq!(look(&["data: [DONE]\n\n"]), Came::Hold);
    assert_eq!(look(&["\u{feff}data: {\"choices\":[{\"text\":\"a\"}]}\n\n"]), Came::Content);
}

#[test]
fn an_event_speaks_when_it_is_complete() {
    assert_eq!(
        look(&["data: {\"type\":\"error\",", "\"error\":{\"type\":\"overloaded_error\"}}\n"]),
        Came::Hold
    );
    assert_eq!(
        look(&["data: {\"type\":\"error\",", "\"error\":{\"type\":\"overloaded_error\"}}\n", "\n"]),
        Came::Failed(Outcome::Capacity, Hint::Unknown)
    );
}

#[test]
fn an_object_that_calls_itself_an_error_is_one() {
    let error =
        "data: {\"object\":\"error\",\"message\":\"Rate limit exceeded\",\"type\":\"rate_limited\"}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4}}\n\n";
    assert!(matches!(look(&[usage, error]), Came::Failed(..)));
}

#[test]
fn an_error_behind_a_handshake_is_an_error() {
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Please try again in 11.054s.\"}}}\n\n";
    let hint = Hint::Until { until: Millis(12_054), source: HintSource::Message };
    assert_eq!(look(&[CREATED, failed]), Came::Failed(Outcome::Limited(LimitKind::Rate), hint));
}

#[test]
fn an_array_stream_is_judged_by_its_first_object() {
    assert_eq!(look(&["[", "{\"candidates\"", ":[{}]}"]), Came::Content);
    assert_eq!(look(&["[{\"candidates\":[{}]"]), Came::Hold);
    let error = "[{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}";
    assert_eq!(look(&[error]), Came::Failed(Outcome::Capacity, Hint::Unknown));
    assert_eq!(look(&["\n {\"id\":\"x\",\"error\":null,\"output\":[]}"]), Came::Content);
    assert_eq!(look(&[" <!DOCTYPE html>"]), Came::Failed(Outcome::ServerError, Hint::Unknown));
}

#[test]
fn what_was_decided_stays() {
    let content = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";
    let error = "data: {\"error\":{\"code\":500}}\n\n";
    assert_eq!(look(&[content, error]), Came::Content);
    assert_eq!(look(&[error, content]), Came::Failed(Outcome::ServerError, Hint::Unknown));
}

#[test]
fn holding_is_bounded() {
    let ping = "data: {\"type\":\"ping\"}\n\n";
    let many = |count: u8| look(&[&ping.repeat(count.into())]);
    assert_eq!(many(MAX_HELD_EVENTS), Came::Hold);
    assert_eq!(many(MAX_HELD_EVENTS + 1), Came::Content);

    let comment = |length: usize| look(&[&format!(":{}", "x".repeat(length - 1))]);
    assert_eq!(comment(MAX_HELD_BYTES), Came::Hold);
    assert_eq!(comment(MAX_HELD_BYTES + 1), Came::Content);
}

#[test]
fn a_stream_that_ends_before_it_said_anything_has_failed() {
    assert_eq!(ended(""), Outcome::ServerError);
    assert_eq!(ended(CREATED), Outcome::ServerError);
    assert_eq!(ended("[]"), Outcome::ServerError);
    assert_eq!(ended("data: {\"error\":{\"type\":\"overloaded_error\"}}"), Outcome::Capacity);
    assert_eq!(ended("data: {\"choices\":[]}\n\n"), Outcome::ServerError);
    assert_eq!(ended("data: [DONE]\n\n"), Outcome::ServerError);
    assert_eq!(ended("data: {\"choices\":[{\"text\":\"a\"}]}\n"), Outcome::Good);
    assert_eq!(ended("data: {\"choices\":[{\"text\":\"a\"}]}\n\n"), Outcome::Good);
}

#[test]
fn a_whole_answer_without_what_it_needs_is_none() {
    let whole = |text: &str| {
        let mut first = FirstEvent::new(Asked::of(WireFormat::OpenAi));
        Came::from(first.feed_all(text.as_bytes(), &HeaderMap::new(), NOW))
    };
    for odd in ["{}", "{\"detail\":\"Unavailable\"}", " {\"choices\":null}", "{\"x\":1}"] {
        let failed = Came::Failed(Outcome::ServerError, Hint::Unknown);
        assert_eq!((whole(odd), look(&[odd])), (failed, Came::Failed(Outcome::ServerError, Hint::Unknown)));
    }
    assert_eq!(whole("{\"choices\":[{}]}"), Came::Content);
}

proptest! {
    #[test]
    fn any_split_comes_to_the_same(
        pieces in prop::collection::vec(prop::sample::select(vec![
            CREATED, ": c\r\n\r\n", "\n", "\r\n", "data: {\"type\":\"ping\"}", "data: {\"error\":{\"code\":429}}",
            "data: {\"x\":1}", "event: error", "[", "{\"x\":[1]}", "{\"error\":{\"code\":\"429\"}}", ",", "]", "é",
        ]), 1..8),
        size in 1_usize..40,
    ) {
        let stream = pieces.concat();
        let mut first = FirstEvent::new(Asked::of(WireFormat::Gemini));
        let whole = first.feed(stream.as_bytes(), &HeaderMap::new(), NOW);
        let mut split = FirstEvent::new(Asked::of(WireFormat::Gemini));
        let last = stream.as_bytes().chunks(size).map(|chunk| split.feed(chunk, &HeaderMap::new(), NOW)).last();
        let all = FirstEvent::new(Asked::of(WireFormat::Gemini)).feed_all(stream.as_bytes(), &HeaderMap::new(), NOW);
        prop_assert_eq!(&all, &whole);
        prop_assert_eq!(last, Some(whole));
        prop_assert_eq!(split.ended(&HeaderMap::new(), NOW), first.ended(&HeaderMap::new(), NOW));
    }

    #[test]
    fn no_bytes_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..8)) {
        let mut first = FirstEvent::new(Asked::of(WireFormat::Gemini));
        for chunk in &chunks {
            first.feed(chunk, &HeaderMap::new(), NOW);
        }
        first.ended(&HeaderMap::new(), NOW);
    }
}
