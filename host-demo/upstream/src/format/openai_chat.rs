//! OpenAI Chat Completions.

use crate::format::{Reply, event};
use crate::template::{Quoted, fill};
use crate::tools::ToolCall;

const WHOLE: &str = r#"{"id":"chatcmpl-$id","object":"chat.completion","created":$created,"model":$model,"choices":[{"index":0,"message":$message,"logprobs":null,"finish_reason":"$finish"}],"usage":$usage,"system_fingerprint":null}"#;
const CHUNK: &str = r#"{"id":"chatcmpl-$id","object":"chat.completion.chunk","created":$created,"model":$model,"system_fingerprint":null,"choices":[$choice]$usage}"#;
const MESSAGE: &str = r#"{"role":"assistant","content":$text,"refusal":null}"#;
const CALLING: &str = r#"{"role":"assistant","content":null,"refusal":null,"tool_calls":[$calls]}"#;
const CALLED: &str = r#"{"id":"call_$id","type":"function","function":{"name":$name,"arguments":$text}}"#;
const ROLE: &str = r#"{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}"#;
const CONTENT: &str = r#"{"index":0,"delta":{"content":$text},"logprobs":null,"finish_reason":null}"#;
const CALL: &str = r#"{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":$place,"id":"call_$id","type":"function","function":{"name":$name,"arguments":""}}]},"logprobs":null,"finish_reason":null}"#;
const ARGUMENTS: &str = r#"{"index":0,"delta":{"tool_calls":[{"index":$place,"function":{"arguments":$text}}]},"logprobs":null,"finish_reason":null}"#;
const FINISH: &str = r#"{"index":0,"delta":{},"logprobs":null,"finish_reason":"$finish"}"#;
const USAGE: &str = r#"{"prompt_tokens":$input,"completion_tokens":$output,"total_tokens":$total}"#;
const DONE: &str = "[DONE]";

pub(super) fn whole(reply: &Reply) -> String {
    fill(
        WHOLE,
        &[
            ("id", &reply.id),
            ("created", &reply.created),
            ("model", &Quoted(&reply.model)),
            ("message", &message(reply)),
            ("finish", &finish(reply)),
            ("usage", &usage(reply)),
        ],
    )
}

fn message(reply: &Reply) -> String {
    if !reply.calls_tools() {
        return fill(MESSAGE, &[("text", &Quoted(&reply.text.whole()))]);
    }
    let called = |(place, call): (usize, &ToolCall)| {
        let (id, text) = (reply.call_id(place), Quoted(&call.arguments));
        fill(CALLED, &[("id", &id), ("name", &Quoted(&call.name)), ("text", &text)])
    };
    let calls: Vec<_> = reply.calls.iter().enumerate().map(called).collect();
    fill(CALLING, &[("calls", &calls.join(","))])
}

fn finish(reply: &Reply) -> &'static str {
    if reply.calls_tools() { "tool_calls" } else { "stop" }
}

pub(super) fn opening(reply: &Reply) -> Vec<String> {
    vec![match reply.calls.first() {
        Some(call) => call_start(reply, 0, call),
        None => chunk(reply, ROLE, no_usage(reply)),
    }]
}

pub(super) fn piece(reply: &Reply, text: &str) -> String {
    if reply.calls_tools() {
        return arguments(reply, 0, text);
    }
    chunk(reply, &fill(CONTENT, &[("text", &Quoted(text))]), no_usage(reply))
}

pub(super) fn closing(reply: &Reply) -> Vec<String> {
    let further = reply.further_calls();
    let mut events: Vec<_> = further
        .flat_map(|(place, call)| [call_start(reply, place, call), arguments(reply, place, &call.arguments)])
        .collect();
    events.push(chunk(reply, &fill(FINISH, &[("finish", &finish(reply))]), no_usage(reply)));
    if reply.usage_chunk {
        events.push(chunk(reply, "", &format!(r#","usage":{}"#, usage(reply))));
    }
    events.push(event(DONE));
    events
}

fn call_start(reply: &Reply, place: usize, call: &ToolCall) -> String {
    let id = reply.call_id(place);
    let start = fill(CALL, &[("place", &place), ("id", &id), ("name", &Quoted(&call.name))]);
    chunk(reply, &start, no_usage(reply))
}

fn arguments(reply: &Reply, place: usize, text: &str) -> String {
    chunk(reply, &fill(ARGUMENTS, &[("place", &place), ("text", &Quoted(text))]), no_usage(reply))
}

/// Where usage is asked for, every chunk but its own says that it has none.
fn no_usage(reply: &Reply) -> &'static str {
    if reply.usage_chunk { r#","usage":null"# } else { "" }
}

fn chunk(reply: &Reply, choice: &str, usage: &str) -> String {
    event(&fill(
        CHUNK,
        &[
            ("id", &reply.id),
            ("created", &reply.created),
            ("model", &Quoted(&reply.model)),
            ("choice", &choice),
            ("usage", &usage),
        ],
    ))
}

fn usage(reply: &Reply) -> String {
    let (input, output) = (reply.input_tokens, reply.text.tokens());
    fill(USAGE, &[("input", &input), ("output", &output), ("total", &(input + output))])
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::format::tests::{calling, events, reply};

    use super::*;

    #[test]
    fn a_stream_ends_with_done() {
        let events = events(&reply(Format::OpenaiChat));
        assert_eq!(events.len(), 1 + 2 + 2);
        assert_eq!(events.last().unwrap().1, DONE);
        assert!(events.iter().all(|(_, data)| !data.contains("usage")));
    }

    #[test]
    fn usage_comes_in_a_chunk_of_its_own_when_asked_for() {
        let asked = Reply { usage_chunk: true, ..reply(Format::OpenaiChat) };
        let events = events(&asked);
        let (_, usage) = &events[events.len() - 2];
        assert!(usage.contains(r#""choices":[],"usage":{"prompt_tokens":12"#), "{usage}");
        assert!(events[0].1.contains(r#""usage":null"#));
    }

    #[test]
    fn each_call_has_its_place() {
        let stream: String =
            events(&calling(Format::OpenaiChat, 2)).into_iter().map(|(_, data)| data).collect();
        assert_eq!(stream.matches(r#""tool_calls":[{"index":1,"#).count(), 2, "{stream}");
        let whole: serde_json::Value = serde_json::from_str(&whole(&calling(Format::OpenaiChat, 2))).unwrap();
        assert_eq!(whole["choices"][0]["message"]["tool_calls"][1]["function"]["name"], "w");
    }
}
