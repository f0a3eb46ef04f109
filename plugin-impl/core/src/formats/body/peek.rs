//! The members of a body that the router reads.

use std::borrow::Cow;

use memchr::memmem;

use super::json::{self, Member, NotJson, Value};

/// A set of wanted fields; the search ends at the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted(u8);

impl Wanted {
    pub const MODEL: Self = Self(1);
    pub const STREAM: Self = Self(1 << 1);
    pub const PROMPT_CACHE_KEY: Self = Self(1 << 2);
    pub const PREVIOUS_RESPONSE_ID: Self = Self(1 << 3);
    pub const CONVERSATION_ID: Self = Self(1 << 4);
    pub const THREAD_ID: Self = Self(1 << 5);
    pub const USER_ID: Self = Self(1 << 6);

    /// The fields of every request.
    pub const ROUTE: Self = Self::MODEL.and(Self::STREAM);
    /// All fields.
    pub const ALL: Self = Self((1 << 7) - 1);

    /// Returns the union of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn has(self, field: Self) -> bool {
        self.0 & field.0 != 0
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The wanted top-level members of a body.
///
/// Of duplicate members the first counts. A member of an unexpected type is left out: the upstream refuses
/// such a body in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek<'a> {
    pub model: Option<Cow<'a, str>>,
    pub stream: Option<bool>,
    /// OpenAI: a hint for the prompt cache. Agents put their session id here.
    pub prompt_cache_key: Option<Cow<'a, str>>,
    /// OpenAI: an earlier answer, known to its own account only.
    pub previous_response_id: Option<Cow<'a, str>>,
    pub conversation_id: Option<Cow<'a, str>>,
    pub thread_id: Option<Cow<'a, str>>,
    /// Anthropic: `metadata.user_id`.
    pub user_id: Option<Cow<'a, str>>,
}

/// Reads the wanted fields, up to the last of them.
///
/// # Errors
/// The body is not a JSON object, as far as read.
pub fn peek(body: &[u8], wanted: Wanted) -> Result<Peek<'_>, NotJson> {
    look(body, wanted, Wanted::is_empty, |_| ())
}

/// Reads the wanted fields as [`peek`] does, but up to the end of the body, and passes every other member
/// to a callback.
///
/// # Errors
/// The body is not a JSON object.
pub fn peek_and_show<'a>(
    body: &'a [u8],
    wanted: Wanted,
    show: impl FnMut(&Member<'a>),
) -> Result<Peek<'a>, NotJson> {
    look(body, wanted, |_| false, show)
}

fn look<'a>(
    body: &'a [u8],
    wanted: Wanted,
    is_over: impl Fn(Wanted) -> bool,
    mut show: impl FnMut(&Member<'a>),
) -> Result<Peek<'a>, NotJson> {
    let mut found = Peek::default();
    let mut missing = wanted;
    for member in json::members(body) {
        let member = member?;
        let field = field(&member);
        // The first occurrence of a field counts; later ones are shown like any member.
        if missing.has(field) {
            found.note(field, member.value)?;
            missing = missing.without(field);
        } else {
            show(&member);
        }
        // The rest of a long body is not parsed once everything wanted is found.
        if is_over(missing) {
            break;
        }
    }
    Ok(found)
}

/// Says whether a body names its top-level `model` more than once. Servers differ on which of them counts, so
/// such a request could be routed as one model and served as another.
///
/// Two searches at the speed of `memmem` rule that out for nearly every body; only where a second
/// `"model"` stands anywhere, or an escape that could spell it, the members are gone through.
pub fn names_model_twice(body: &[u8]) -> bool {
    let may_be_spelled = || memmem::find(body, ESCAPED).is_some();
    let has_second = memmem::find_iter(body, NAME).nth(1).is_some();
    if !has_second && !may_be_spelled() {
        return false;
    }
    let models = json::members(body).map_while(Result::ok).filter(|member| member.key.is("model"));
    models.take(2).count() == 2
}

const NAME: &[u8] = b"\"model\"";
/// How each letter of `model` is escaped: from `\u0064` to `\u006f`.
const ESCAPED: &[u8] = b"\\u006";

/// Returns the model and stops there.
///
/// # Errors
/// The body is not a JSON object, as far as read.
pub fn model(body: &[u8]) -> Result<Option<Cow<'_, str>>, NotJson> {
    text_field(body, "model")
}

/// Returns the first top-level member `name` if its value is a string, and stops there.
///
/// # Errors
/// The body is not a JSON object, as far as read.
pub fn text_field<'a>(body: &'a [u8], name: &str) -> Result<Option<Cow<'a, str>>, NotJson> {
    for member in json::members(body) {
        let member = member?;
        if member.key.is(name) {
            return member.value.text();
        }
    }
    Ok(None)
}

impl<'a> Peek<'a> {
    fn note(&mut self, field: Wanted, value: Value<'a>) -> Result<(), NotJson> {
        match field {
            Wanted::MODEL => self.model = value.text()?,
            Wanted::STREAM => self.stream = value.flag(),
            Wanted::PROMPT_CACHE_KEY => self.prompt_cache_key = value.text()?,
            Wanted::PREVIOUS_RESPONSE_ID => self.previous_response_id = value.text()?,
            Wanted::CONVERSATION_ID => self.conversation_id = value.text()?,
            Wanted::THREAD_ID => self.thread_id = value.text()?,
            _ => self.user_id = value.member("user_id").and_then(Value::string),
        }
        Ok(())
    }
}

/// Returns the field of a member, or the empty set.
fn field(member: &Member<'_>) -> Wanted {
    match &*member.key.name() {
        b"model" => Wanted::MODEL,
        b"stream" => Wanted::STREAM,
        b"prompt_cache_key" => Wanted::PROMPT_CACHE_KEY,
        b"previous_response_id" => Wanted::PREVIOUS_RESPONSE_ID,
        b"conversation_id" => Wanted::CONVERSATION_ID,
        b"thread_id" => Wanted::THREAD_ID,
        b"metadata" => Wanted::USER_ID,
        _ => Wanted(0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_look_ends_where_everything_was_seen() {
        let body = br#"{"model":"claude-sonnet-4-6","stream":true,"messages":[ and then nonsense"#;
        let found = peek(body, Wanted::ROUTE).expect("it was not looked at");
        assert_eq!(found.model.as_deref(), Some("claude-sonnet-4-6"));
        assert_eq!(found.stream, Some(true));
        assert_eq!(model(body), Ok(Some("claude-sonnet-4-6".into())));
        assert!(peek(body, Wanted::ALL).is_err());
    }

    #[test]
    fn only_top_level_members_count() {
        let body =
            br#"{"messages":[{"model":"inner"}],"metadata":{"model":"x","user_id":"u"},"model":"outer"}"#;
        let found = peek(body, Wanted::ALL).expect("valid");
        assert_eq!((found.model.as_deref(), found.user_id.as_deref()), (Some("outer"), Some("u")));
    }

    #[test]
    fn a_member_of_another_type_is_left_out() {
        let body = br#"{"model":7,"stream":"yes","metadata":[],"prompt_cache_key":null}"#;
        assert_eq!(peek(body, Wanted::ALL), Ok(Peek::default()));
    }

    #[test]
    fn a_model_that_is_no_text_is_an_error() {
        assert!(model(b"{\"model\":\"\xff\"}").is_err());
        assert!(model(br#"{"model":"\ud800"}"#).is_err());
        assert_eq!(model(br#"{"model":"gr\u00f6\u00dfe"}"#), Ok(Some("größe".into())));
    }

    #[test]
    fn a_model_that_is_named_twice_is_seen_however_it_is_spelled() {
        for body in [
            r#"{"model":"a","model":"b"}"#,
            r#"{"model":"a","messages":[{"content":"x"}],"model":null}"#,
            r#"{"model":"a","\u006dodel":"b"}"#,
            r#"{"mod\u0065l":"a","messages":[],"model":"b"}"#,
            r#"{"model":"a", "mode\u006C":"b"}"#,
        ] {
            assert!(names_model_twice(body.as_bytes()), "{body}");
        }
        for body in [
            r#"{"model":"a","messages":[{"content":"\"model\":\"b\""}]}"#,
            r#"{"model":"a","tools":[{"input_schema":{"properties":{"model":{"type":"string"}}}}]}"#,
            r#"{"model":"model","x":"\u006d"}"#,
            r#"{"messages":[]}"#,
            "no JSON",
        ] {
            assert!(!names_model_twice(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn of_a_member_that_comes_twice_the_first_counts() {
        assert_eq!(model(br#"{"model":"a","model":"b"}"#), Ok(Some("a".into())));
        let found = peek(br#"{"model":"a","model":"b"}"#, Wanted::ROUTE).expect("valid");
        assert_eq!(found.model.as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn fields_are_found_wherever_they_stand(
            names in Just(vec!["model", "prompt_cache_key", "previous_response_id", "thread_id", "messages"]).prop_shuffle(),
            value in any::<String>(),
        ) {
            let members: Vec<_> = names.iter().map(|name| format!("{}:{}", quoted(name), quoted(&value))).collect();
            let body = format!("{{{}}}", members.join(" , "));
            let found = peek(body.as_bytes(), Wanted::ALL).expect("valid");
            prop_assert_eq!(found.model.as_deref(), Some(&*value));
            prop_assert_eq!(found.thread_id.as_deref(), Some(&*value));
            prop_assert_eq!(found.previous_response_id.as_deref(), Some(&*value));
            prop_assert_eq!(text_field(body.as_bytes(), "messages"), Ok(Some(value.into())));
        }

        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..96)) {
            let _ = peek(&body, Wanted::ALL);
            let _ = model(&body);
        }
    }

    fn quoted(text: &str) -> String {
        serde_json::Value::from(text).to_string()
    }
}
