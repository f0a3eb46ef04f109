//! Requests without the state that only one account can read: encrypted reasoning and signatures.
//!
//! | format | left out |
//! |---|---|
//! | Responses | items of type `reasoning`, and the ids of the items around them |
//! | Messages | blocks `thinking` and `redacted_thinking`; in the middle of tool calls also `thinking` itself |
//! | Gemini | `thoughtSignature`, and parts with `thought: true` |
//!
//! Everything else keeps its bytes. A conversation kept by the upstream (`previous_response_id`), or one compacted
//! into encrypted text, cannot be told without that state, so such a request stays bound.

use super::json::{Member, Value, elements, members};
use crate::formats::WireFormat;

/// The signature that the Gemini API takes in place of a lost one.
const NO_SIGNATURE: &str = "\"skip_thought_signature_validator\"";

/// Returns the body without state of another account; none if there is no such state, or if the request makes no
/// sense without it. `keeps` decides on encrypted reasoning by its text.
pub fn unbound(body: &[u8], format: WireFormat, keeps: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let mut cut = Cut::default();
    let whole = match format {
        WireFormat::OpenAi => responses(body, &mut cut, &keeps),
        WireFormat::Anthropic => messages(body, &mut cut),
        WireFormat::Gemini => contents(body, &mut cut),
    };
    whole.filter(|_| cut.parts > 0 && !cut.is_vital)
}

/// The parts left out so far.
#[derive(Default)]
struct Cut {
    parts: usize,
    /// Whether the request makes no sense without a part.
    is_vital: bool,
}

impl Cut {
    fn part(&mut self) -> Edit {
        self.parts += 1;
        Edit::Leave
    }
}

/// The edit of a member or an element.
enum Edit {
    Keep,
    Leave,
    Write(Vec<u8>),
}

fn responses(body: &[u8], cut: &mut Cut, keeps: &impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    object(members(body), |member| match () {
        () if member.key.is("previous_response_id") && member.value.is_string() => {
            cut.is_vital = true;
            Edit::Keep
        }
        () if member.key.is("input") && member.value.is_array() => {
            written(array(member.value, |item| input_item(item, cut, keeps)))
        }
        () => Edit::Keep,
    })
}

fn input_item(item: Value<'_>, cut: &mut Cut, keeps: &impl Fn(&str) -> bool) -> Edit {
    let encrypted = || item.member("encrypted_content").and_then(Value::string);
    match kind(item).as_deref() {
        Some("reasoning") if encrypted().is_some_and(|text| keeps(&text)) => Edit::Keep,
        Some("reasoning") => cut.part(),
        Some("compaction" | "compaction_summary") => {
            cut.is_vital = true;
            Edit::Keep
        }
        // The id of an item names the reasoning before it.
        Some("message" | "function_call" | "custom_tool_call") => written(without(item, &["id"])),
        Some(_) | None => Edit::Keep,
    }
}

fn messages(body: &[u8], cut: &mut Cut) -> Option<Vec<u8>> {
    let list = members(body).map_while(Result::ok).find(|member| member.key.is("messages"))?.value;
    let answers_tools = list.elements().map_while(Result::ok).last().is_some_and(holds_tool_result);
    let list = array(list, |message| message_without_thinking(message, cut))?;
    // A turn in the middle of tool calls has to begin with its thinking, unless thinking is off.
    let off: &[&str] = if answers_tools && cut.parts > 0 { &["thinking", "context_management"] } else { &[] };
    object(members(body), |member| match () {
        () if member.key.is("messages") => Edit::Write(list.clone()),
        () if off.iter().any(|name| member.key.is(name)) => Edit::Leave,
        () => Edit::Keep,
    })
}

fn message_without_thinking(message: Value<'_>, cut: &mut Cut) -> Edit {
    let Some(content) = message.member("content").filter(|content| content.is_array()) else {
        return Edit::Keep;
    };
    let is_thinking =
        |block: Value<'_>| matches!(kind(block).as_deref(), Some("thinking" | "redacted_thinking"));
    let blocks = || content.elements().map_while(Result::ok);
    if !blocks().any(is_thinking) {
        return Edit::Keep;
    }
    // A message of thinking alone would be left without content.
    if blocks().all(is_thinking) {
        return cut.part();
    }
    let content = array(content, |block| if is_thinking(block) { cut.part() } else { Edit::Keep });
    let Some(content) = content else { return Edit::Keep };
    let with_content = |member: &Member<'_>| {
        if member.key.is("content") { Edit::Write(content.clone()) } else { Edit::Keep }
    };
    written(object(message.members(), with_content))
}

fn holds_tool_result(message: Value<'_>) -> bool {
    let content = message.member("content");
    let mut blocks = content.into_iter().flat_map(Value::elements).map_while(Result::ok);
    blocks.any(|block| kind(block).as_deref() == Some("tool_result"))
}

fn contents(body: &[u8], cut: &mut Cut) -> Option<Vec<u8>> {
    object(members(body), |member| {
        if !member.key.is("contents") || !member.value.is_array() {
            return Edit::Keep;
        }
        written(array(member.value, |content| {
            written(object(content.members(), |member| {
                if member.key.is("parts") && member.value.is_array() {
                    written(array(member.value, |part| part_without_signature(part, cut)))
                } else {
                    Edit::Keep
                }
            }))
        }))
    })
}

fn part_without_signature(part: Value<'_>, cut: &mut Cut) -> Edit {
    if part.member("thought").and_then(Value::flag) == Some(true) {
        return cut.part();
    }
    let calls = part.member("functionCall").or_else(|| part.member("function_call")).is_some();
    written(object(part.members(), |member| {
        if !member.key.is("thoughtSignature") && !member.key.is("thought_signature") {
            return Edit::Keep;
        }
        let left_out = cut.part();
        // A call without a signature is refused.
        if calls { Edit::Write(NO_SIGNATURE.into()) } else { left_out }
    }))
}

fn kind(value: Value<'_>) -> Option<std::borrow::Cow<'_, str>> {
    value.member("type")?.string()
}

fn written(bytes: Option<Vec<u8>>) -> Edit {
    bytes.map_or(Edit::Keep, Edit::Write)
}

fn without(value: Value<'_>, names: &[&str]) -> Option<Vec<u8>> {
    object(value.members(), |member| {
        if names.iter().any(|name| member.key.is(name)) { Edit::Leave } else { Edit::Keep }
    })
}

/// Writes an object with its members edited; none for broken JSON.
fn object<'a>(
    members: super::json::JsonMembers<'a>,
    mut edit: impl FnMut(&Member<'a>) -> Edit,
) -> Option<Vec<u8>> {
    let mut pairs: Vec<Vec<u8>> = Vec::new();
    for member in members {
        let member = member.ok()?;
        let pair = |value: &[u8]| [member.key.quoted(), b":", value].concat();
        match edit(&member) {
            Edit::Keep => pairs.push(pair(member.value.bytes())),
            Edit::Write(value) => pairs.push(pair(&value)),
            Edit::Leave => {}
        }
    }
    Some([b"{", &*pairs.join(&b','), b"}"].concat())
}

/// Writes an array with its elements edited; none for broken JSON.
fn array<'a>(value: Value<'a>, mut edit: impl FnMut(Value<'a>) -> Edit) -> Option<Vec<u8>> {
    let mut items: Vec<Vec<u8>> = Vec::new();
    for element in elements(value.bytes()) {
        let element = element.ok()?;
        match edit(element) {
            Edit::Keep => items.push(element.bytes().to_vec()),
            Edit::Write(bytes) => items.push(bytes),
            Edit::Leave => {}
        }
    }
    Some([b"[", &*items.join(&b','), b"]"].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(format: WireFormat, body: &str, expected: Option<&str>) {
        let found = unbound(body.as_bytes(), format, |text| text.starts_with("own"))
            .map(|body| String::from_utf8(body).expect("text"));
        assert_eq!(found.as_deref(), expected, "{body}");
    }

    #[test]
    fn responses_lose_their_reasoning_and_the_ids_that_name_it() {
        check(
            WireFormat::OpenAi,
            r#"{"model":"gpt-5","input":[{"type":"message","id":"msg_1","role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"},{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{\"id\":1}"},{"type":"function_call_output","call_id":"c","output":"x"}],"include":["reasoning.encrypted_content"],"store":false}"#,
            Some(
                r#"{"model":"gpt-5","input":[{"type":"message","role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{\"id\":1}"},{"type":"function_call_output","call_id":"c","output":"x"}],"include":["reasoning.encrypted_content"],"store":false}"#,
            ),
        );
    }

    #[test]
    fn a_conversation_that_the_upstream_keeps_stays_bound() {
        for body in [
            r#"{"previous_response_id":"resp_1","input":[{"type":"reasoning","encrypted_content":"g"}]}"#,
            r#"{"input":[{"type":"compaction","encrypted_content":"g"},{"type":"reasoning","encrypted_content":"g"}]}"#,
            r#"{"input":[{"type":"message","role":"user","content":"a"}]}"#,
            r#"{"input":"text"}"#,
            r#"{"input":[{"type":"reasoning"}"#,
            "no JSON",
        ] {
            check(WireFormat::OpenAi, body, None);
        }
        check(
            WireFormat::OpenAi,
            r#"{"input":[{"type":"reasoning","encrypted_content":"own1"},{"type":"reasoning","encrypted_content":"g"}]}"#,
            Some(r#"{"input":[{"type":"reasoning","encrypted_content":"own1"}]}"#),
        );
        check(
            WireFormat::OpenAi,
            r#"{"previous_response_id":null,"input":[{"type":"reasoning"}]}"#,
            Some(r#"{"previous_response_id":null,"input":[]}"#),
        );
    }

    #[test]
    fn messages_lose_their_thinking() {
        check(
            WireFormat::Anthropic,
            r#"{"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Eq"},{"type":"redacted_thinking","data":"Em"},{"type":"text","text":"b"}]},{"role":"user","content":"c"}]}"#,
            Some(
                r#"{"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"}]},{"role":"user","content":"c"}]}"#,
            ),
        );
    }

    #[test]
    fn thinking_is_off_for_a_turn_in_the_middle_of_tool_calls() {
        check(
            WireFormat::Anthropic,
            r#"{"context_management":{"edits":[]},"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"Eq"},{"type":"tool_use","id":"u","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"u"}]}],"thinking":{"type":"adaptive"},"max_tokens":9}"#,
            Some(
                r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"u","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"u"}]}],"max_tokens":9}"#,
            ),
        );
        // A message of thinking alone goes as a whole.
        check(
            WireFormat::Anthropic,
            r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","signature":"Eq"}]},{"role":"user","content":"a"}]}"#,
            Some(r#"{"messages":[{"role":"user","content":"a"}]}"#),
        );
        check(WireFormat::Anthropic, r#"{"messages":[{"role":"user","content":"a thinking"}]}"#, None);
    }

    #[test]
    fn contents_lose_their_signatures_and_calls_keep_a_place_for_one() {
        check(
            WireFormat::Gemini,
            r#"{"contents":[{"role":"model","parts":[{"text":"t","thought":true},{"text":"b","thoughtSignature":"Ci"},{"functionCall":{"name":"f","args":{"thoughtSignature":"mine"}},"thoughtSignature":"Cj"}]}],"generationConfig":{}}"#,
            Some(
                r#"{"contents":[{"role":"model","parts":[{"text":"b"},{"functionCall":{"name":"f","args":{"thoughtSignature":"mine"}},"thoughtSignature":"skip_thought_signature_validator"}]}],"generationConfig":{}}"#,
            ),
        );
        check(WireFormat::Gemini, r#"{"contents":[{"parts":[{"text":"a"}]}]}"#, None);
    }

    proptest! {
        #[test]
        fn what_is_left_is_json_whatever_the_body(words in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", " ", "\"input\"", "\"messages\"", "\"contents\"", "\"parts\"", "\"type\"",
            "\"reasoning\"", "\"thinking\"", "\"content\"", "\"thoughtSignature\"", "\"\\u0069nput\"", "1", "null",
            "{\"input\":[", "{\"type\":\"reasoning\"}", "]}",
        ]), 0..14)) {
            let body = words.concat();
            for format in WireFormat::ALL {
                if let Some(left) = unbound(body.as_bytes(), format, |_| false) {
                    prop_assert!(serde_json::from_slice::<serde_json::Value>(&left).is_ok(), "{body}");
                }
            }
        }
    }
}
