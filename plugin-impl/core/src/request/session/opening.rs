//! The beginning of a conversation, as a number.
//!
//! The number is equal on every turn of a conversation and differs between conversations. The input is the
//! text of the system prompt and of the first user turn, and nothing else: agents move cache marks and
//! other members between turns, and tools come and go.
//!
//! Some agents (Gemini CLI, Codex) start with a turn about the directory, before the person's words. The
//! first turn alone would merge all conversations of a directory, so a "turn" here is everything before the
//! model's first answer.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::{FixedState, FoldHasher};

use crate::formats::WireFormat;
use crate::formats::body::json::{Elements, Member, Value};

/// Hashed text of the system prompt, and hashed text of the user, in bytes each.
const MAX_TEXT: usize = 16 * 1024;

/// The number of messages searched for the first user turn.
const MAX_MESSAGES: usize = 32;

/// The model's answer to the opening turn of Gemini CLI, up to 0.1x.
const ACKNOWLEDGED: &str = "Got it. Thanks for the context!";

/// The members of a conversation's beginning.
pub(super) struct Opening<'a> {
    format: WireFormat,
    system: Option<Value<'a>>,
    turns: Option<Value<'a>>,
}

impl<'a> Opening<'a> {
    pub(super) const fn new(format: WireFormat) -> Self {
        Self { format, system: None, turns: None }
    }

    /// Adds a member of the body, if relevant.
    pub(super) fn note(&mut self, member: &Member<'a>) {
        let key = member.key.name();
        let shapes = || self.format.formats().iter().map(|format| &format.request);
        if shapes().any(|shape| shape.is_system(&key)) {
            self.system = Some(member.value);
        } else if shapes().any(|shape| shape.is_turns(&key)) {
            self.turns = Some(member.value);
        }
    }

    /// Returns the number, or nothing for a body without system prompt and user turn.
    pub(super) fn hash(self) -> Option<u64> {
        self.hashes().1
    }

    /// Returns the number of the system prompt, and the number of the whole beginning.
    pub(super) fn hashes(self) -> (Option<u64>, Option<u64>) {
        let mut system = Texts::default();
        let mut user = Texts::default();
        self.system.into_iter().for_each(|value| system.take(value));
        self.turns.into_iter().for_each(|value| take_turns(value, &mut system, &mut user));
        let alone = (!system.is_empty()).then(|| system.hasher.finish());
        let whole = (!user.is_empty() || !system.is_empty()).then(|| system.number_with(&user));
        (alone, whole)
    }
}

/// Takes the texts up to the model's first answer.
fn take_turns<'a>(turns: Value<'a>, system: &mut Texts, user: &mut Texts) {
    if turns.is_string() {
        return user.take(turns);
    }
    for turn in some(turns.elements()).map(Turn::read) {
        match turn.role.and_then(Value::string).as_deref() {
            Some("system" | "developer") => system.take_turn(&turn),
            Some("assistant" | "model") if !turn.acknowledges() => return,
            None if turn.is_call() => return,
            Some(_) | None => user.take_turn(&turn),
        }
    }
}

/// The relevant members of a turn, the first of each name. A long turn is read once.
#[derive(Default)]
struct Turn<'a> {
    role: Option<Value<'a>>,
    kind: Option<Value<'a>>,
    text: Option<Value<'a>>,
    content: Option<Value<'a>>,
    parts: Option<Value<'a>>,
}

impl<'a> Turn<'a> {
    fn read(value: Value<'a>) -> Self {
        let mut turn = Self::default();
        for Member { key, value } in value.members().map_while(Result::ok) {
            let place = match &*key.name() {
                b"role" => &mut turn.role,
                b"type" => &mut turn.kind,
                b"text" => &mut turn.text,
                b"content" => &mut turn.content,
                b"parts" => &mut turn.parts,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        turn
    }

    /// In the Responses API, items without a role are the model's calls and reasoning. In the Gemini API, a
    /// turn without a role is the user's.
    const fn is_call(&self) -> bool {
        self.kind.is_some()
    }

    fn acknowledges(&self) -> bool {
        let part = self.parts.and_then(|parts| parts.elements().next()?.ok());
        part.and_then(|part| part.member("text")?.string()).as_deref() == Some(ACKNOWLEDGED)
    }
}

/// Hashed texts, up to a bound.
struct Texts {
    /// The seed is fixed: a collision of two conversations gains nobody anything.
    hasher: FoldHasher<'static>,
    length: usize,
}

impl Default for Texts {
    fn default() -> Self {
        Self { hasher: FixedState::default().build_hasher(), length: 0 }
    }
}

impl Texts {
    fn number_with(mut self, other: &Self) -> u64 {
        other.hasher.finish().hash(&mut self.hasher);
        self.hasher.finish()
    }

    const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes the texts of a value: a string, a list of parts, or a turn.
    fn take(&mut self, value: Value<'_>) {
        if value.is_string() || value.is_array() {
            self.take_list(value);
        } else {
            self.take_turn(&Turn::read(value));
        }
    }

    /// Takes the turn's own text, and the texts in `content` or `parts`.
    fn take_turn(&mut self, turn: &Turn<'_>) {
        turn.text.into_iter().for_each(|text| self.take_string(text));
        turn.content.or(turn.parts).into_iter().for_each(|inner| self.take_list(inner));
    }

    fn take_list(&mut self, value: Value<'_>) {
        if value.is_string() {
            return self.take_string(value);
        }
        some(value.elements()).for_each(|part| self.take_part(part));
    }

    fn take_part(&mut self, part: Value<'_>) {
        if part.is_string() {
            return self.take_string(part);
        }
        part.member("text").into_iter().for_each(|text| self.take_string(text));
    }

    /// Takes a string in its written form: agents keep escapes between turns.
    fn take_string(&mut self, text: Value<'_>) {
        let bytes = text.bytes();
        let bytes = &bytes[..bytes.len().min(MAX_TEXT - self.length)];
        if !bytes.is_empty() {
            bytes.hash(&mut self.hasher);
            self.length += bytes.len();
        }
    }
}

fn some<'a>(elements: Elements<'a>) -> impl Iterator<Item = Value<'a>> {
    elements.map_while(Result::ok).take(MAX_MESSAGES)
}

#[cfg(test)]
mod tests {
    use crate::formats::body::json;

    use super::*;
    use WireFormat::{Anthropic, Gemini, OpenAi};

    fn hash(body: &[u8], format: WireFormat) -> Option<u64> {
        let mut opening = Opening::new(format);
        json::members(body).map_while(Result::ok).for_each(|member| opening.note(&member));
        opening.hash()
    }

    fn hash_of(format: WireFormat, body: &str) -> u64 {
        hash(body.as_bytes(), format).expect("an opening")
    }

    fn same(format: WireFormat, first: &str, later: &str) {
        assert_eq!(hash_of(format, first), hash_of(format, later), "{first}\n{later}");
    }

    fn differ(format: WireFormat, one: &str, other: &str) {
        assert_ne!(hash_of(format, one), hash_of(format, other), "{one}\n{other}");
    }

    #[test]
    fn later_turns_of_a_conversation_have_its_number() {
        same(
            Anthropic,
            r#"{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
                "messages":[{"role":"user","content":[{"type":"text","text":"u","cache_control":{}}]}]}"#,
            r#"{"model":"m","messages":[{"content":[{"type":"text","text":"u"}],"role":"user"},
                {"role":"assistant","content":"a"},{"role":"user","content":"v"}],"system":[{"text":"s","type":"text"}]}"#,
        );
        same(
            OpenAi,
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}"#,
            r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},
                {"role":"assistant","content":"a"},{"role":"user","content":"v"}]}"#,
        );
        same(
            OpenAi,
            r#"{"instructions":"s","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"u"}]}]}"#,
            r#"{"instructions":"s","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"u"}]},
                {"type":"reasoning","id":"r"},{"type":"function_call","name":"f"},
                {"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
        );
    }

    #[test]
    fn another_system_prompt_or_first_turn_is_another_conversation() {
        let body = |system: &str, user: &str| {
            format!(r#"{{"system":"{system}","messages":[{{"role":"user","content":"{user}"}}]}}"#)
        };
        differ(Anthropic, &body("s", "u"), &body("s", "v"));
        differ(Anthropic, &body("s", "u"), &body("t", "u"));
        differ(Anthropic, &body("su", ""), &body("s", "u"));
        differ(OpenAi, r#"{"input":"u"}"#, r#"{"input":"v"}"#);
    }

    #[test]
    fn the_directory_of_gemini_cli_is_not_its_session() {
        let body = |rest: &str| {
            format!(
                r#"{{"contents":[{{"role":"user","parts":[{{"text":"the directory is /x"}}]}},{rest}],
                    "systemInstruction":{{"parts":[{{"text":"s"}}]}}}}"#
            )
        };
        let one = body(r#"{"role":"user","parts":[{"text":"one"}]}"#);
        let two = body(r#"{"role":"user","parts":[{"text":"two"}]}"#);
        let later = body(
            r#"{"role":"user","parts":[{"text":"one"}]},{"role":"model","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":"more"}]}"#,
        );
        differ(Gemini, &one, &two);
        same(Gemini, &one, &later);
    }

    #[test]
    fn an_acknowledged_opening_goes_on() {
        let body = |user: &str| {
            format!(
                r#"{{"contents":[{{"role":"user","parts":[{{"text":"the directory"}}]}},
                    {{"role":"model","parts":[{{"text":"{ACKNOWLEDGED}"}}]}},
                    {{"role":"user","parts":[{{"text":"{user}"}}]}}]}}"#
            )
        };
        differ(Gemini, &body("one"), &body("two"));
    }

    #[test]
    fn parts_of_one_turn_all_count() {
        let body = |text: &str| {
            format!(r#"{{"contents":[{{"parts":[{{"text":"the directory"}},{{"text":"{text}"}}]}}]}}"#)
        };
        differ(Gemini, &body("one"), &body("two"));
    }

    #[test]
    fn nothing_to_tell_by_has_no_number() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"messages":[]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"image"}]}]}"#,
        ] {
            assert_eq!(hash(body.as_bytes(), Anthropic), None, "{body}");
        }
    }

    #[test]
    fn text_beyond_the_bound_is_not_hashed() {
        let body = |end: &str| format!(r#"{{"input":"{}{end}"}}"#, "x".repeat(MAX_TEXT));
        same(OpenAi, &body("a"), &body("b"));
        let parts = |more: &str| format!(r#"{{"instructions":["{}"{more}]}}"#, "x".repeat(MAX_TEXT));
        same(OpenAi, &parts(""), &parts(r#","more""#));
    }
}
