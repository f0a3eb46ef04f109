//! Gemini's generateContent. A stream is server-sent events with `alt=sse`, else one JSON array.

use crate::format::Reply;
use crate::refusal::Refusal;
use crate::template::{Quoted, fill};
use crate::tools::ToolCall;

const ANSWER: &str = r#"{"candidates":[{"content":{"parts":[$parts],"role":"model"}$finish,"index":0}],"usageMetadata":{"promptTokenCount":$input,"candidatesTokenCount":$output,"totalTokenCount":$total},"modelVersion":$model,"responseId":"$id"}"#;
const TEXT: &str = r#"{"text":$text}"#;
const CALL: &str = r#"{"functionCall":{"name":$name,"args":$text}}"#;
const FINISH: &str = r#","finishReason":"STOP""#;

pub(super) fn whole(reply: &Reply) -> String {
    answer(reply, &reply.text.whole(), FINISH, reply.text.tokens())
}

/// One part of the answer; the last one says that it is the last.
pub(super) fn piece(reply: &Reply, index: u64, text: &str) -> String {
    if reply.text.is_last(index) {
        return answer(reply, text, FINISH, reply.text.tokens());
    }
    answer(reply, text, "", text.len() as u64 / 4 + 1)
}

/// One part as it stands in the stream.
pub(super) fn framed(reply: &Reply, index: u64, json: &str) -> String {
    if !reply.array {
        return sse(json);
    }
    let before = if index == 0 { "[" } else { ",\r\n" };
    let after = if reply.text.is_last(index) { "]" } else { "" };
    format!("{before}{json}{after}")
}

/// An error in place of the next part.
pub(super) fn error(reply: &Reply, refusal: &Refusal, events: u64) -> String {
    if !reply.array {
        return sse(&refusal.body);
    }
    let before = if events == 0 { "[" } else { ",\r\n" };
    format!("{before}{}]", refusal.body)
}

/// Google ends lines with CR LF.
fn sse(json: &str) -> String {
    format!("data: {json}\r\n\r\n")
}

/// A call is sent in one piece, so all calls are parts of the one piece that there is.
fn parts(reply: &Reply, text: &str) -> String {
    if !reply.calls_tools() {
        return fill(TEXT, &[("text", &Quoted(text))]);
    }
    let call = |call: &ToolCall| fill(CALL, &[("name", &Quoted(&call.name)), ("text", &call.arguments)]);
    reply.calls.iter().map(call).collect::<Vec<_>>().join(",")
}

fn answer(reply: &Reply, text: &str, finish: &str, output: u64) -> String {
    fill(
        ANSWER,
        &[
            ("parts", &parts(reply, text)),
            ("finish", &finish),
            ("input", &reply.input_tokens),
            ("output", &output),
            ("total", &(reply.input_tokens + output)),
            ("model", &Quoted(&reply.model)),
            ("id", &reply.id),
        ],
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::format::Format;
    use crate::format::tests::{calling, events, reply};

    use super::*;

    #[test]
    fn only_the_last_part_has_a_finish_reason() {
        let finished: Vec<_> = events(&reply(Format::Gemini))
            .iter()
            .map(|(_, data)| {
                serde_json::from_str::<Value>(data).unwrap()["candidates"][0]["finishReason"] == "STOP"
            })
            .collect();
        assert_eq!(finished, [false, true]);
    }

    #[test]
    fn without_sse_the_stream_is_one_array() {
        let reply = Reply { array: true, ..reply(Format::Gemini) };
        let stream: String = (0..reply.text.pieces()).map(|index| reply.piece(index)).collect();
        let parts: Value = serde_json::from_str(&stream).unwrap();
        assert_eq!(parts.as_array().unwrap().len(), 2);
    }

    #[test]
    fn each_call_is_a_part() {
        let events = events(&calling(Format::Gemini, 2));
        let answer: Value = serde_json::from_str(&events[0].1).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(answer["candidates"][0]["content"]["parts"][1]["functionCall"]["args"]["c"], "a b");
    }
}
