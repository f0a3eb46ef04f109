//! Output: the part of a stream or an answer that a caller waits for.
//!
//! Once output is delivered, nothing can be tried again. Everything before it is held: role chunks, events that a
//! request is queued or in progress, pings, items and deltas without content, filter results, usage alone. An end
//! (`finish_reason`, `stop_reason`, `response.completed`) is output, too: an empty answer is an answer.

use std::borrow::Cow;

use crate::formats::body::json::{self, Value};

/// Events that carry no output by their name: Anthropic's, and those of Codex and proxies.
const WITHOUT_OUTPUT: [&str; 7] = [
    "message_start",
    "content_block_start",
    "content_block_stop",
    "ping",
    "keepalive",
    "codex.rate_limits",
    "codex.response.metadata",
];

/// The last word of the names of the Responses API's events without output.
const STAGES: [&str; 7] =
    ["created", "queued", "in_progress", "added", "searching", "interpreting", "generating"];

/// Members of chunks that say nothing without others.
const BESIDE_OUTPUT: [&str; 4] = ["usage", "usageMetadata", "prompt_filter_results", "modelVersion"];

/// Members of which a whole answer has at least one, of any format and operation.
const OF_ANSWERS: [&str; 19] = [
    "content",
    "completion",
    "input_tokens",
    "choices",
    "output",
    "data",
    "results",
    "text",
    "candidates",
    "promptFeedback",
    "response",
    "totalTokens",
    "total_tokens",
    "embedding",
    "embeddings",
    "predictions",
    "answer",
    "steps",
    "name",
];

/// Says whether an event carries output.
pub(super) fn is_in_event(name: &[u8], data: &[u8]) -> bool {
    if !data.trim_ascii_start().starts_with(b"{") {
        return data != b"[DONE]";
    }
    match kind(data).or_else(|| Some(String::from_utf8_lossy(name)).filter(|name| !name.is_empty())) {
        Some(kind) if WITHOUT_OUTPUT.contains(&&*kind) || is_stage(&kind) => false,
        Some(kind) if kind == "content_block_delta" || kind.ends_with(".delta") => has_content(data, "delta"),
        Some(kind) if kind == "message_delta" => {
            member(data, "delta").and_then(|delta| delta.member("stop_reason")).is_none_or(speaks)
        }
        Some(kind) if kind.starts_with("response.") => true,
        Some(_) | None => is_in_chunk(data),
    }
}

/// Says whether a whole JSON answer has what an answer needs.
pub(super) fn is_answer(object: &[u8]) -> bool {
    let mut members = json::members(object).map_while(Result::ok);
    members.any(|member| {
        let is_known = OF_ANSWERS.iter().any(|name| member.key.is(name));
        is_known && member.value.bytes() != b"null"
    })
}

/// Returns the `type` of an event's data.
pub(super) fn kind(data: &[u8]) -> Option<Cow<'_, str>> {
    member(data, "type")?.string()
}

fn is_stage(kind: &str) -> bool {
    let last = kind.strip_prefix("response.").and_then(|kind| kind.rsplit('.').next());
    last.is_some_and(|last| STAGES.contains(&last))
}

/// Looks into a chunk of Chat Completions or of Gemini, in an envelope or without one.
fn is_in_chunk(data: &[u8]) -> bool {
    let mut is_empty = true;
    let mut is_beside = false;
    for member in json::members(data).map_while(Result::ok) {
        is_empty = false;
        if member.key.is("choices") {
            return elements(member.value).any(is_in_choice);
        }
        if member.key.is("candidates") {
            return elements(member.value).any(is_in_candidate);
        }
        if member.key.is("promptFeedback") {
            return speaks(member.value);
        }
        if member.key.is("response") && member.value.is_object() {
            return is_in_chunk(member.value.bytes());
        }
        is_beside |= BESIDE_OUTPUT.iter().any(|name| member.key.is(name));
    }
    !is_empty && !is_beside
}

fn is_in_choice(choice: Value<'_>) -> bool {
    choice.members().map_while(Result::ok).any(|member| {
        let value = member.value;
        if member.key.is("delta") || member.key.is("message") {
            return says_more_than(value, "role");
        }
        (member.key.is("finish_reason") || member.key.is("text")) && speaks(value)
    })
}

fn is_in_candidate(candidate: Value<'_>) -> bool {
    candidate.members().map_while(Result::ok).any(|member| {
        if member.key.is("content") {
            let parts = member.value.member("parts");
            return parts.is_some_and(|parts| elements(parts).any(|part| says_more_than(part, "thought")));
        }
        member.key.is("finishReason") && speaks(member.value)
    })
}

/// Says whether the member of an event has content; a member that is not there is not known to be empty.
fn has_content(data: &[u8], name: &str) -> bool {
    member(data, name)
        .is_none_or(|value| if value.is_object() { says_more_than(value, "type") } else { speaks(value) })
}

/// Says whether an object has a member with content besides the one that only describes it.
fn says_more_than(object: Value<'_>, label: &str) -> bool {
    let mut members = object.members().map_while(Result::ok);
    members.any(|member| !member.key.is(label) && speaks(member.value))
}

fn elements(array: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    array.elements().map_while(Result::ok)
}

fn member<'a>(data: &'a [u8], name: &str) -> Option<Value<'a>> {
    let mut members = json::members(data).map_while(Result::ok);
    members.find(|member| member.key.is(name)).map(|member| member.value)
}

fn speaks(value: Value<'_>) -> bool {
    !matches!(value.bytes(), b"null" | b"\"\"" | b"[]" | b"{}")
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
