//! OpenAI Responses. Every event carries its place in the stream.

use serde_json::Value;

use crate::format::{Reply, named_event};
use crate::refusal::Refusal;
use crate::template::{Quoted, fill};
use crate::tools::ToolCall;

const RESPONSE: &str = r#"{"id":"resp_$id","object":"response","created_at":$created,"status":"$status","error":$error,"incomplete_details":null,"instructions":null,"model":$model,"output":[$output],"parallel_tool_calls":true,"previous_response_id":null,"tool_choice":"auto","tools":[],"usage":$usage,"metadata":{}}"#;
const USAGE: &str = r#"{"input_tokens":$input,"input_tokens_details":{"cached_tokens":0},"output_tokens":$output,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":$total}"#;
const ITEM: &str =
    r#"{"id":"msg_$id","type":"message","status":"$status","content":[$content],"role":"assistant"}"#;
const CALL: &str = r#"{"id":"fc_$id","type":"function_call","status":"$status","arguments":$text,"call_id":"call_$id","name":$name$namespace}"#;
const PART: &str = r#"{"type":"output_text","annotations":[],"logprobs":[],"text":$text}"#;

const OF_RESPONSE: &str = r#"{"type":"$type","sequence_number":$place,"response":$response}"#;
const OF_ITEM: &str = r#"{"type":"$type","sequence_number":$place,"output_index":$index,"item":$item}"#;
const OF_PART: &str = r#"{"type":"$type","sequence_number":$place,"item_id":"msg_$id","output_index":0,"content_index":0,"part":$part}"#;
const DELTA: &str = r#"{"type":"response.output_text.delta","sequence_number":$place,"item_id":"msg_$id","output_index":0,"content_index":0,"delta":$text,"logprobs":[]}"#;
const TEXT_DONE: &str = r#"{"type":"response.output_text.done","sequence_number":$place,"item_id":"msg_$id","output_index":0,"content_index":0,"text":$text,"logprobs":[]}"#;
const ARGUMENTS: &str = r#"{"type":"response.function_call_arguments.delta","sequence_number":$place,"item_id":"fc_$id","output_index":$index,"delta":$text}"#;
const ARGUMENTS_DONE: &str = r#"{"type":"response.function_call_arguments.done","sequence_number":$place,"item_id":"fc_$id","output_index":$index,"name":$name,"arguments":$text}"#;
const ERROR: &str =
    r#"{"type":"error","sequence_number":$place,"code":$code,"message":$message,"param":null}"#;

const IN_PROGRESS: &str = "in_progress";
const COMPLETED: &str = "completed";

/// How many events [`opening`] has.
const OPENING: u64 = 4;
/// The same of a call, which has no parts.
const OPENING_OF_A_CALL: u64 = 3;

pub(super) fn whole(reply: &Reply) -> String {
    completed(reply, &reply.text.whole())
}

pub(super) fn opening(reply: &Reply) -> Vec<String> {
    let started = response(reply, "in_progress", "null", "", "null");
    let mut events =
        vec![of_response("response.created", 0, &started), of_response("response.in_progress", 1, &started)];
    if let Some(call) = reply.calls.first() {
        events.push(of_item("response.output_item.added", 2, 0, &called(reply, 0, call, IN_PROGRESS)));
        return events;
    }
    events.push(of_item("response.output_item.added", 2, 0, &message(reply, IN_PROGRESS, "")));
    events.push(of_part(reply, "response.content_part.added", 3, &part("")));
    events
}

pub(super) fn piece(reply: &Reply, index: u64, text: &str) -> String {
    if reply.calls_tools() {
        return arguments(reply, OPENING_OF_A_CALL + index, 0, text);
    }
    let data = fill(DELTA, &[("place", &(OPENING + index)), ("id", &reply.id), ("text", &Quoted(text))]);
    named_event("response.output_text.delta", &data)
}

pub(super) fn closing(reply: &Reply) -> Vec<String> {
    if reply.calls_tools() { closing_of_calls(reply) } else { closing_of_a_text(reply) }
}

fn closing_of_calls(reply: &Reply) -> Vec<String> {
    let mut events = Vec::new();
    let mut place = OPENING_OF_A_CALL + reply.text.pieces();
    for (index, call) in reply.calls.iter().enumerate() {
        // The first call has begun already, and its arguments are out.
        if index > 0 {
            let item = called(reply, index, call, IN_PROGRESS);
            events.push(of_item("response.output_item.added", place, index, &item));
            events.push(arguments(reply, place + 1, index, &call.arguments));
            place += 2;
        }
        events.push(arguments_done(reply, place, index, call));
        let item = called(reply, index, call, COMPLETED);
        events.push(of_item("response.output_item.done", place + 1, index, &item));
        place += 2;
    }
    events.push(of_response("response.completed", place, &completed(reply, &reply.text.whole())));
    events
}

fn arguments(reply: &Reply, place: u64, index: usize, text: &str) -> String {
    let id = reply.call_id(index);
    let data = fill(ARGUMENTS, &[("place", &place), ("id", &id), ("index", &index), ("text", &Quoted(text))]);
    named_event("response.function_call_arguments.delta", &data)
}

fn arguments_done(reply: &Reply, place: u64, index: usize, call: &ToolCall) -> String {
    let (id, name, text) = (reply.call_id(index), Quoted(&call.name), Quoted(&call.arguments));
    let values: [(&str, &dyn std::fmt::Display); 5] =
        [("place", &place), ("id", &id), ("index", &index), ("name", &name), ("text", &text)];
    named_event("response.function_call_arguments.done", &fill(ARGUMENTS_DONE, &values))
}

fn closing_of_a_text(reply: &Reply) -> Vec<String> {
    let first = OPENING + reply.text.pieces();
    let text = reply.text.whole();
    let done = fill(TEXT_DONE, &[("place", &first), ("id", &reply.id), ("text", &Quoted(&text))]);
    let item = message(reply, COMPLETED, &part(&text));
    vec![
        named_event("response.output_text.done", &done),
        of_part(reply, "response.content_part.done", first + 1, &part(&text)),
        of_item("response.output_item.done", first + 2, 0, &item),
        of_response("response.completed", first + 3, &completed(reply, &text)),
    ]
}

/// An `error` event where nothing was created, `response.failed` after that.
pub(super) fn error(reply: &Reply, refusal: &Refusal, events: u64) -> String {
    let (code, message) = told(&refusal.body);
    if events == 0 {
        let data = fill(ERROR, &[("place", &0), ("code", &Quoted(&code)), ("message", &Quoted(&message))]);
        return named_event("error", &data);
    }
    let error = fill(
        r#"{"code":$code,"message":$message}"#,
        &[("code", &Quoted(&code)), ("message", &Quoted(&message))],
    );
    of_response("response.failed", events, &response(reply, "failed", &error, "", "null"))
}

/// The code (or the type, where there is none) and the message of an error body.
fn told(body: &str) -> (String, String) {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| body["error"][name].as_str().map(str::to_owned);
    let code = text("code").or_else(|| text("type")).unwrap_or_default();
    (code, text("message").unwrap_or_default())
}

fn completed(reply: &Reply, text: &str) -> String {
    response(reply, "completed", "null", &items(reply, text), &usage(reply))
}

fn response(reply: &Reply, status: &str, error: &str, output: &str, usage: &str) -> String {
    fill(
        RESPONSE,
        &[
            ("id", &reply.id),
            ("created", &reply.created),
            ("status", &status),
            ("error", &error),
            ("model", &Quoted(&reply.model)),
            ("output", &output),
            ("usage", &usage),
        ],
    )
}

fn usage(reply: &Reply) -> String {
    let (input, output) = (reply.input_tokens, reply.text.tokens());
    fill(USAGE, &[("input", &input), ("output", &output), ("total", &(input + output))])
}

/// All that the answer says.
fn items(reply: &Reply, text: &str) -> String {
    if !reply.calls_tools() {
        return message(reply, COMPLETED, &part(text));
    }
    let calls = reply.calls.iter().enumerate();
    calls.map(|(index, call)| called(reply, index, call, COMPLETED)).collect::<Vec<_>>().join(",")
}

fn message(reply: &Reply, status: &str, content: &str) -> String {
    fill(ITEM, &[("id", &reply.id), ("status", &status), ("content", &content)])
}

/// A call, without arguments as long as it is in progress.
fn called(reply: &Reply, index: usize, call: &ToolCall, status: &str) -> String {
    let text = if status == COMPLETED { call.arguments.as_str() } else { "" };
    let namespace = call.namespace.as_deref().map(|name| format!(r#","namespace":{}"#, Quoted(name)));
    fill(
        CALL,
        &[
            ("id", &reply.call_id(index)),
            ("status", &status),
            ("text", &Quoted(text)),
            ("name", &Quoted(&call.name)),
            ("namespace", &namespace.unwrap_or_default()),
        ],
    )
}

fn part(text: &str) -> String {
    fill(PART, &[("text", &Quoted(text))])
}

fn of_response(name: &str, place: u64, response: &str) -> String {
    named_event(name, &fill(OF_RESPONSE, &[("type", &name), ("place", &place), ("response", &response)]))
}

fn of_item(name: &str, place: u64, index: usize, item: &str) -> String {
    let data = fill(OF_ITEM, &[("type", &name), ("place", &place), ("index", &index), ("item", &item)]);
    named_event(name, &data)
}

fn of_part(reply: &Reply, name: &str, place: u64, part: &str) -> String {
    let data = fill(OF_PART, &[("type", &name), ("place", &place), ("id", &reply.id), ("part", &part)]);
    named_event(name, &data)
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::format::tests::{calling, events, names, reply};
    use crate::shape::Shape;
    use crate::shape::tests::particulars;

    use super::*;

    #[test]
    fn a_stream_goes_from_created_to_completed() {
        let expected = [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ];
        assert_eq!(names(&reply(Format::OpenaiResponses)), expected);
    }

    #[test]
    fn events_are_numbered_without_gaps() {
        for reply in [reply(Format::OpenaiResponses), calling(Format::OpenaiResponses, 3)] {
            for (place, (_, data)) in events(&reply).iter().enumerate() {
                let data: Value = serde_json::from_str(data).unwrap();
                assert_eq!(data["sequence_number"], place);
            }
        }
    }

    #[test]
    fn the_last_event_has_the_text_and_the_usage() {
        let events = events(&reply(Format::OpenaiResponses));
        let last: Value = serde_json::from_str(&events.last().unwrap().1).unwrap();
        assert_eq!(last["response"]["output"][0]["content"][0]["text"], "pong from work/a");
        assert_eq!(last["response"]["usage"]["input_tokens"], 12);
    }

    #[test]
    fn an_overload_fails_the_response_that_was_created() {
        let refusal = Shape::Overloaded.refusal(&particulars(Format::OpenaiResponses));
        let reply = reply(Format::OpenaiResponses);
        let first = error(&reply, &refusal, 0);
        assert!(first.starts_with("event: error\n") && first.contains(r#""code":"server_is_overloaded""#));
        let later = error(&reply, &refusal, 5);
        assert!(later.starts_with("event: response.failed\n"), "{later}");
        assert!(later.contains(r#""sequence_number":5"#), "{later}");
    }

    #[test]
    fn each_call_is_an_item_in_its_namespace() {
        let events = events(&calling(Format::OpenaiResponses, 2));
        let last: Value = serde_json::from_str(&events.last().unwrap().1).unwrap();
        let second = &last["response"]["output"][1];
        assert_eq!((&second["namespace"], &second["arguments"]), (&"s".into(), &r#"{"c":"a b"}"#.into()));
        let added = events.iter().filter(|(name, _)| name.as_deref() == Some("response.output_item.added"));
        assert_eq!(added.count(), 2);
    }
}
