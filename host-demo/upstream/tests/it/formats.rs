//! Every wire format, whole and streamed.

use pointsman_upstream::{Pace, Pool, Script, Upstream};
use serde_json::Value;
use std::time::Duration;

use crate::client::{Ask, chat, code_assist, every_format, gemini, messages, responses, start, upstream};

const PONG: &str = "pong from work/default model m";

async fn answered(ask: Ask) -> crate::client::Answer {
    let answer = ask.send(&upstream(Pool::unlimited()).await).await;
    assert_eq!((answer.status, answer.whole), (200, true), "{answer:?}");
    answer
}

fn joined(events: &[&str], piece: impl Fn(&Value) -> Option<String>) -> String {
    events.iter().filter_map(|data| piece(&serde_json::from_str(data).ok()?)).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[tokio::test]
async fn anthropic_answers_whole() {
    let answer = answered(messages(false)).await.json();
    assert_eq!(answer["content"][0]["text"], PONG);
    assert_eq!((&answer["type"], &answer["stop_reason"]), (&"message".into(), &"end_turn".into()));
    assert!(answer["usage"]["input_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn anthropic_streams_named_events() {
    let answer = answered(messages(true)).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(answer.body.starts_with("event: message_start\ndata: {\"type\":\"message_start\""));
    assert!(answer.body.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    assert_eq!(joined(&answer.events(), |data| text(&data["delta"]["text"])), PONG);
}

#[tokio::test]
async fn openai_chat_answers_whole() {
    let answer = answered(chat(false)).await.json();
    assert_eq!(answer["choices"][0]["message"]["content"], PONG);
    assert!(answer["usage"]["total_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn openai_chat_streams_until_done() {
    let answer = answered(chat(true)).await;
    assert_eq!(answer.events().last(), Some(&"[DONE]"));
    assert_eq!(joined(&answer.events(), |data| text(&data["choices"][0]["delta"]["content"])), PONG);
}

#[tokio::test]
async fn openai_responses_answer_whole() {
    let answer = answered(responses(false)).await.json();
    assert_eq!(answer["output"][0]["content"][0]["text"], PONG);
    assert_eq!(answer["status"], "completed");
}

#[tokio::test]
async fn openai_responses_stream_until_completed() {
    let answer = answered(responses(true)).await;
    assert!(answer.body.starts_with("event: response.created\n"));
    let delta = |data: &Value| text(&data["delta"]);
    assert_eq!(joined(&answer.events(), delta), PONG);
    let last: Value = serde_json::from_str(answer.events().last().unwrap()).unwrap();
    assert_eq!(last["type"], "response.completed");
}

fn part(data: &Value) -> Option<String> {
    text(&data["candidates"][0]["content"]["parts"][0]["text"])
}

#[tokio::test]
async fn gemini_answers_whole() {
    let answer = answered(gemini(false)).await.json();
    assert_eq!(part(&answer).as_deref(), Some(PONG));
    assert_eq!(answer["candidates"][0]["finishReason"], "STOP");
}

#[tokio::test]
async fn gemini_streams_events_with_sse_and_an_array_without() {
    let answer = answered(gemini(true)).await;
    assert_eq!(joined(&answer.events(), part), PONG);
    let array = Ask::post("/v1beta/models/m:streamGenerateContent", r#"{"contents":[]}"#).keyed();
    let parts = answered(array).await.json();
    let pieces = parts.as_array().unwrap().iter().filter_map(part);
    assert_eq!(pieces.collect::<String>(), PONG);
}

#[tokio::test]
async fn code_assist_wraps_both_ways() {
    let answer = answered(code_assist(false)).await.json();
    assert_eq!(part(&answer["response"]).as_deref(), Some(PONG));
    let stream = answered(code_assist(true)).await;
    assert_eq!(joined(&stream.events(), |data| part(&data["response"])), PONG);
}

#[tokio::test]
async fn code_assist_refuses_a_request_without_its_envelope() {
    let upstream = upstream(Pool::unlimited()).await;
    for body in [r#"{"contents":[]}"#, r#"{"model":"m","request":{}}"#, "not json", ""] {
        let answer = Ask::post("/v1internal:generateContent", body).keyed().send(&upstream).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["error"]["status"], "INVALID_ARGUMENT", "{body}");
    }
}

#[tokio::test]
async fn tokens_are_counted_in_every_format_that_counts() {
    for (path, body, field) in [
        ("/v1/messages/count_tokens", r#"{"model":"m"}"#, "input_tokens"),
        ("/v1beta/models/m:countTokens", "{}", "totalTokens"),
        ("/v1internal:countTokens", r#"{"request":{"model":"models/m"}}"#, "totalTokens"),
    ] {
        let answer = answered(Ask::post(path, body).keyed()).await;
        assert!(answer.json()[field].as_u64() > Some(0), "{path}");
    }
}

#[tokio::test]
async fn models_are_listed_in_the_callers_form() {
    let lists = [
        (Ask::get("/v1/models"), "data", "id"),
        (Ask::get("/v1/models").header("anthropic-version", "2023-06-01"), "data", "display_name"),
        (Ask::get("/v1beta/models"), "models", "name"),
    ];
    for (ask, list, field) in lists {
        let answer = answered(ask.keyed()).await.json();
        assert!(answer[list][0][field].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn code_assist_tells_project_and_quota() {
    let upstream = upstream(Pool::limited(4, Duration::from_secs(60))).await;
    code_assist(false).send(&upstream).await;
    let load = Ask::post("/v1internal:loadCodeAssist", "{}").keyed().send(&upstream).await;
    assert_eq!(load.json()["cloudaicompanionProject"], "local-project");
    let quota =
        Ask::post("/v1internal:retrieveUserQuota", r#"{"project":"p"}"#).keyed().send(&upstream).await;
    assert_eq!(quota.json()["buckets"][0]["remainingFraction"], 0.75);
}

#[tokio::test]
async fn an_unknown_path_or_method_is_not_found() {
    let upstream = upstream(Pool::unlimited()).await;
    assert_eq!(Ask::post("/v1/nothing", "{}").keyed().send(&upstream).await.status, 404);
    assert_eq!(Ask::get("/v1/messages").keyed().send(&upstream).await.status, 404);
}

#[tokio::test]
async fn an_unknown_credential_is_refused_in_every_format() {
    let upstream = upstream(Pool::unlimited()).await;
    for ask in every_format(false) {
        upstream.revoke(crate::client::KEY);
        let answer = ask.send(&upstream).await;
        assert_eq!(answer.status, 401);
        assert!(answer.json()["error"]["message"].is_string(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_stream_has_as_many_chunks_and_bytes_as_its_pace_says() {
    let upstream = upstream(Pool::unlimited().pace(Pace::bulk(1_000_000, 10_000))).await;
    let answer = messages(true).send(&upstream).await;
    let text = joined(&answer.events(), |data| text(&data["delta"]["text"]));
    assert_eq!(text.len(), 1_000_000);
    assert_eq!(answer.body.matches("event: content_block_delta").count(), 100);
}

async fn paced(pace: Pace) -> Upstream {
    start(Script { pace, ..Script::anonymous() }).await
}

#[tokio::test]
async fn gaps_and_the_delay_of_the_head_take_their_time() {
    let (head, gap) = (Duration::from_millis(30), Duration::from_millis(10));
    let upstream = paced(Pace::spread(4, gap).head(head)).await;
    let begun = std::time::Instant::now();
    assert!(chat(true).send(&upstream).await.whole);
    assert!(begun.elapsed() >= head + gap * 3, "{:?}", begun.elapsed());
}
