//! Anthropic Messages.

use crate::format::{Reply, named_event};
use crate::template::{Quoted, fill};

const WHOLE: &str = r#"{"id":"msg_$id","type":"message","role":"assistant","model":$model,"content":[$block],"stop_reason":"$stop","stop_sequence":null,"usage":{"input_tokens":$input,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":$output}}"#;
const MESSAGE_START: &str = r#"{"type":"message_start","message":{"id":"msg_$id","type":"message","role":"assistant","model":$model,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":$input,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}"#;
const TEXT: &str = r#"{"type":"text","text":$text}"#;
const TOOL_USE: &str = r#"{"type":"tool_use","id":"toolu_$id","name":$name,"input":$input}"#;
const BLOCK_START: &str = r#"{"type":"content_block_start","index":0,"content_block":$block}"#;
const PING: &str = r#"{"type":"ping"}"#;
const DELTA: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":$text}}"#;
const INPUT_DELTA: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":$text}}"#;
const BLOCK_STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const MESSAGE_DELTA: &str = r#"{"type":"message_delta","delta":{"stop_reason":"$stop","stop_sequence":null},"usage":{"output_tokens":$output}}"#;
const MESSAGE_STOP: &str = r#"{"type":"message_stop"}"#;

pub(super) fn whole(reply: &Reply) -> String {
    fill(
        WHOLE,
        &[
            ("id", &reply.id),
            ("model", &Quoted(&reply.model)),
            ("block", &block(reply, &reply.text.whole())),
            ("stop", &stop(reply)),
            ("input", &reply.input_tokens),
            ("output", &reply.text.tokens()),
        ],
    )
}

fn block(reply: &Reply, text: &str) -> String {
    match &reply.tool {
        Some(tool) => {
            let input = if text.is_empty() { "{}" } else { text };
            fill(TOOL_USE, &[("id", &reply.id), ("name", &Quoted(&tool.name)), ("input", &input)])
        }
        None => fill(TEXT, &[("text", &Quoted(text))]),
    }
}

fn stop(reply: &Reply) -> &'static str {
    if reply.tool.is_some() { "tool_use" } else { "end_turn" }
}

pub(super) fn opening(reply: &Reply) -> Vec<String> {
    let start = fill(
        MESSAGE_START,
        &[("id", &reply.id), ("model", &Quoted(&reply.model)), ("input", &reply.input_tokens)],
    );
    vec![
        named_event("message_start", &start),
        named_event("content_block_start", &fill(BLOCK_START, &[("block", &block(reply, ""))])),
        named_event("ping", PING),
    ]
}

pub(super) fn piece(reply: &Reply, text: &str) -> String {
    let delta = if reply.tool.is_some() { INPUT_DELTA } else { DELTA };
    named_event("content_block_delta", &fill(delta, &[("text", &Quoted(text))]))
}

pub(super) fn closing(reply: &Reply) -> Vec<String> {
    let delta = fill(MESSAGE_DELTA, &[("stop", &stop(reply)), ("output", &reply.text.tokens())]);
    vec![
        named_event("content_block_stop", BLOCK_STOP),
        named_event("message_delta", &delta),
        named_event("message_stop", MESSAGE_STOP),
    ]
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::format::tests::{names, reply};

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
}
