//! Anthropic Messages.

use crate::format::{Reply, named_event};
use crate::template::{Quoted, fill};
use crate::tools::ToolCall;

const WHOLE: &str = r#"{"id":"msg_$id","type":"message","role":"assistant","model":$model,"content":[$blocks],"stop_reason":"$stop","stop_sequence":null,"usage":{"input_tokens":$input,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":$output}}"#;
const MESSAGE_START: &str = r#"{"type":"message_start","message":{"id":"msg_$id","type":"message","role":"assistant","model":$model,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":$input,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}"#;
const TEXT: &str = r#"{"type":"text","text":$text}"#;
const TOOL_USE: &str = r#"{"type":"tool_use","id":"toolu_$id","name":$name,"input":$input}"#;
const BLOCK_START: &str = r#"{"type":"content_block_start","index":$index,"content_block":$block}"#;
const PING: &str = r#"{"type":"ping"}"#;
const DELTA: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":$text}}"#;
const INPUT_DELTA: &str = r#"{"type":"content_block_delta","index":$index,"delta":{"type":"input_json_delta","partial_json":$text}}"#;
const BLOCK_STOP: &str = r#"{"type":"content_block_stop","index":$index}"#;
const MESSAGE_DELTA: &str = r#"{"type":"message_delta","delta":{"stop_reason":"$stop","stop_sequence":null},"usage":{"output_tokens":$output}}"#;
const MESSAGE_STOP: &str = r#"{"type":"message_stop"}"#;

pub(super) fn whole(reply: &Reply) -> String {
    fill(
        WHOLE,
        &[
            ("id", &reply.id),
            ("model", &Quoted(&reply.model)),
            ("blocks", &blocks(reply)),
            ("stop", &stop(reply)),
            ("input", &reply.input_tokens),
            ("output", &reply.text.tokens()),
        ],
    )
}

fn blocks(reply: &Reply) -> String {
    if !reply.calls_tools() {
        return fill(TEXT, &[("text", &Quoted(&reply.text.whole()))]);
    }
    let calls = reply.calls.iter().enumerate();
    calls.map(|(place, call)| tool_use(reply, place, call, &call.arguments)).collect::<Vec<_>>().join(",")
}

fn tool_use(reply: &Reply, place: usize, call: &ToolCall, input: &str) -> String {
    let id = reply.call_id(place);
    fill(TOOL_USE, &[("id", &id), ("name", &Quoted(&call.name)), ("input", &input)])
}

/// The block that pieces are added to.
fn empty_block(reply: &Reply) -> String {
    match reply.calls.first() {
        Some(call) => tool_use(reply, 0, call, "{}"),
        None => fill(TEXT, &[("text", &Quoted(""))]),
    }
}

fn stop(reply: &Reply) -> &'static str {
    if reply.calls_tools() { "tool_use" } else { "end_turn" }
}

pub(super) fn opening(reply: &Reply) -> Vec<String> {
    let start = fill(
        MESSAGE_START,
        &[("id", &reply.id), ("model", &Quoted(&reply.model)), ("input", &reply.input_tokens)],
    );
    vec![named_event("message_start", &start), block_start(0, &empty_block(reply)), named_event("ping", PING)]
}

pub(super) fn piece(reply: &Reply, text: &str) -> String {
    if reply.calls_tools() {
        return input_delta(0, text);
    }
    named_event("content_block_delta", &fill(DELTA, &[("text", &Quoted(text))]))
}

pub(super) fn closing(reply: &Reply) -> Vec<String> {
    let delta = fill(MESSAGE_DELTA, &[("stop", &stop(reply)), ("output", &reply.text.tokens())]);
    let mut events = vec![block_stop(0)];
    for (place, call) in reply.further_calls() {
        let start = block_start(place, &tool_use(reply, place, call, "{}"));
        events.extend([start, input_delta(place, &call.arguments), block_stop(place)]);
    }
    events.extend([named_event("message_delta", &delta), named_event("message_stop", MESSAGE_STOP)]);
    events
}

fn block_start(index: usize, block: &str) -> String {
    named_event("content_block_start", &fill(BLOCK_START, &[("index", &index), ("block", &block)]))
}

fn input_delta(index: usize, text: &str) -> String {
    named_event("content_block_delta", &fill(INPUT_DELTA, &[("index", &index), ("text", &Quoted(text))]))
}

fn block_stop(index: usize) -> String {
    named_event("content_block_stop", &fill(BLOCK_STOP, &[("index", &index)]))
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::format::tests::{calling, names, reply};

    use super::*;

    #[test]
    fn a_stream_goes_from_message_start_to_message_stop() {
        let expected = [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ];
        assert_eq!(names(&reply(Format::Anthropic)), expected);
    }

    #[test]
    fn an_event_is_a_name_and_a_line_of_data() {
        assert_eq!(
            piece(&reply(Format::Anthropic), "a \"b\""),
            concat!(
                "event: content_block_delta\n",
                r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a \"b\""}}"#,
                "\n\n"
            )
        );
    }

    #[test]
    fn each_call_is_a_block_of_its_own() {
        let block = ["content_block_start", "content_block_delta", "content_block_stop"];
        let names = names(&calling(Format::Anthropic, 2));
        assert_eq!(names[3..8], ["content_block_delta", "content_block_stop", block[0], block[1], block[2]]);
        let whole: serde_json::Value = serde_json::from_str(&whole(&calling(Format::Anthropic, 2))).unwrap();
        assert_ne!(whole["content"][0]["id"], whole["content"][1]["id"]);
        assert_eq!(whole["content"][1]["input"]["c"], "a b");
    }
}
