//! Output: the part of a stream or an answer that a caller waits for.
//!
//! Once output is delivered, nothing can be tried again. Everything before it is held: role chunks, events that a
//! request is queued or in progress, pings, items and deltas without content, filter results, usage alone. An end
//! (`finish_reason`, `stop_reason`, `response.completed`) is output, too: an empty answer is an answer.
//!
//! The events are those of every format: gateways answer in any.

use std::borrow::Cow;

use crate::formats;
use crate::formats::body::json;
use crate::formats::format::events::{Events, member};

/// Says whether an event carries output.
pub(super) fn is_in_event(name: &[u8], data: &[u8]) -> bool {
    if !data.trim_ascii_start().starts_with(b"{") {
        return !events().any(|events| events.end_mark.is_some_and(|mark| mark.as_bytes() == data));
    }
    let kind = kind(data).or_else(|| Some(String::from_utf8_lossy(name)).filter(|name| !name.is_empty()));
    kind.and_then(|kind| is_in_kind(&kind, data)).unwrap_or_else(|| is_in_chunk(data))
}

/// Says whether an event is an error by its name or its `type`.
pub(super) fn is_failure(name: &[u8], kind: Option<&str>) -> bool {
    let is_any = |names: &[&str]| names.iter().any(|one| kind == Some(*one) || name == one.as_bytes());
    events().any(|events| is_any(events.failures))
}

/// Says whether a whole JSON answer has what an answer needs.
pub(super) fn is_answer(object: &[u8]) -> bool {
    let mut members = json::members(object).map_while(Result::ok);
    members.any(|member| {
        let name = member.key.name();
        is_any(|events| events.answer, &name) && member.value.bytes() != b"null"
    })
}

/// Returns the `type` of an event's data.
pub(super) fn kind(data: &[u8]) -> Option<Cow<'_, str>> {
    member(data, "type")?.string()
}

fn events() -> impl Iterator<Item = &'static Events> {
    formats::all().map(|format| &format.events)
}

fn is_any(names: impl Fn(&Events) -> &'static [&'static str], name: &[u8]) -> bool {
    events().any(|events| names(events).iter().any(|known| known.as_bytes() == name))
}

/// Judges an event by its type; none for an unknown type.
fn is_in_kind(kind: &str, data: &[u8]) -> Option<bool> {
    if is_any(|events| events.silent, kind.as_bytes()) {
        return Some(false);
    }
    let ends = is_any(|events| events.ends, kind.as_bytes()).then_some(true);
    ends.or_else(|| events().find_map(|events| (events.typed)(kind, data)))
}

/// Judges a chunk by its first known member, in an envelope or without one.
fn is_in_chunk(data: &[u8]) -> bool {
    let mut is_empty = true;
    let mut is_beside = false;
    for member in json::members(data).map_while(Result::ok) {
        is_empty = false;
        let name = member.key.name();
        let mut judges = events().flat_map(|events| events.chunk);
        if let Some((_, is_output)) = judges.find(|(known, _)| known.as_bytes() == &*name) {
            return is_output(member.value);
        }
        let wraps = |events: &Events| events.wrapped.is_some_and(|known| known.as_bytes() == &*name);
        if member.value.is_object() && events().any(wraps) {
            return is_in_chunk(member.value.bytes());
        }
        is_beside |= is_any(|events| events.beside, &name);
    }
    !is_empty && !is_beside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &str, expected: bool) {
        assert_eq!(is_in_event(b"", data.as_bytes()), expected, "{data}");
    }

    #[test]
    fn what_comes_before_the_output_is_none() {
        for data in [
            "[DONE]",
            "{}",
            r#"{"type":"message_start","message":{"content":[]}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_start","content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":null}}"#,
            r#"{"type":"response.queued"}"#,
            r#"{"type":"response.output_item.added","item":{"type":"reasoning","summary":[]}}"#,
            r#"{"type":"response.content_part.added","part":{"text":""}}"#,
            r#"{"type":"response.web_search_call.searching"}"#,
            r#"{"type":"response.output_text.delta","delta":""}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"id":"","object":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
            r#"{"choices":[{"delta":{"role":"assistant","tool_calls":[],"refusal":null}}]}"#,
            r#"{"choices":[{"delta":{},"content_filter_results":{"hate":{}}}]}"#,
            r#"{"id":"c","choices":[],"usage":{"prompt_tokens":4}}"#,
            r#"{"usageMetadata":{"promptTokenCount":3},"modelVersion":"x"}"#,
            r#"{"response":{"candidates":[{"content":{"role":"model","parts":[{"text":""}]}}]}}"#,
        ] {
            check(data, false);
        }
    }

    #[test]
    fn output_and_ends_are_output() {
        for data in [
            r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"Hm"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
            r#"{"type":"message_stop"}"#,
            r#"{"type":"response.output_text.delta","delta":"a"}"#,
            r#"{"type":"response.completed","response":{}}"#,
            r#"{"type":"response.output_item.done","item":{}}"#,
            r#"{"choices":[{"delta":{"content":" "}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"text":"a"}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#,
            r#"{"response":{"candidates":[{"finishReason":"SAFETY"}]}}"#,
            r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#,
            r#"{"something":"new"}"#,
            "a line of text",
        ] {
            check(data, true);
        }
    }

    #[test]
    fn an_answer_has_what_its_format_needs() {
        for answer in [
            r#"{"type":"message","content":[]}"#,
            r#"{"id":"c","choices":[{}]}"#,
            r#"{"id":"r","status":"queued","output":[]}"#,
            r#"{"input_tokens":7}"#,
            r#"{"response":{"candidates":[]}}"#,
            r#"{"promptFeedback":{}}"#,
        ] {
            assert!(is_answer(answer.as_bytes()), "{answer}");
        }
        for other in [
            "{}",
            r#"{"detail":"Unavailable"}"#,
            r#"{"success":false}"#,
            r#"{"choices":null,"base_resp":{"status_code":1002}}"#,
            r#"{"status":"error","message":"upstream unavailable"}"#,
            r#"{"usageMetadata":{}}"#,
        ] {
            assert!(!is_answer(other.as_bytes()), "{other}");
        }
    }
}
