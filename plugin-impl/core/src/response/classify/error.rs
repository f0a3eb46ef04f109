//! The error in a body, from any provider.
//!
//! | who | shape |
//! |---|---|
//! | Google (`google.rpc.Status`) | `{"error":{"code":429,"status":"…","message":"…","details":[…]}}`, also in an array of one |
//! | Anthropic | `{"type":"error","error":{"type":"…","message":"…"}}` |
//! | OpenAI | `{"error":{"type":"…","code":"…","message":"…"}}`, `{"type":"response.failed","response":{"error":{…}}}` |
//! | a web socket of Codex | `{"type":"error","status":429,"body":{…},"headers":{…}}` |
//! | OAuth (RFC 6749 section 5.2) | `{"error":"invalid_grant","error_description":"…"}` |
//! | frameworks and gateways | `{"detail":"…"}`, `{"message":"…"}`, another error as the text of the message, plain text |

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem::Finder;
use serde_json::{Map, Value};

use super::mend::mended;
use crate::formats::body::json;

/// The searched part of a message, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;

/// The names of a message's member, best first.
const MESSAGES: [&str; 5] = ["message", "error_description", "detail", "msg", "error"];

/// The deepest search for an error inside of others.
const MAX_WRAPS: u8 = 4;

/// The most headers of an error inside of its body.
const MAX_HEADERS: usize = 64;

/// The innermost error of a body; empty without an error.
#[derive(Clone, Debug, Default)]
pub(super) struct ErrorBody {
    /// The members of the error.
    fields: Map<String, Value>,
    /// The HTTP status given by the error, or else by its surroundings.
    pub(super) status: Option<u16>,
    /// Headers around the error.
    pub(super) headers: HeaderMap,
    /// The message in lower case.
    pub(super) message: String,
    /// A code from elsewhere: a header, or the type of an AWS error.
    further_code: Option<String>,
}

impl ErrorBody {
    /// Finds the error of a body; the body may be cut, or be no JSON.
    pub(super) fn read(body: &[u8]) -> Self {
        let tree = serde_json::from_slice(body).ok().or_else(|| serde_json::from_slice(&mended(body)?).ok());
        let mut error = Self::default();
        match tree {
            Some(tree) => error.enter(tree, MAX_WRAPS),
            None if begins_with_page(body) => {}
            None => error.say(&String::from_utf8_lossy(&body[..body.len().min(MAX_MESSAGE)])),
        }
        error
    }

    /// Takes in the code of a header, such as `x-amzn-errortype: ThrottlingException:http://…`.
    pub(super) fn note_code(&mut self, code: &str) {
        let code = code.split(':').next().unwrap_or_default();
        self.further_code = Some(code.rsplit('#').next().unwrap_or_default().to_owned());
    }

    /// Returns whether any of the error's codes is `code`, regardless of case and separators.
    pub(super) fn says(&self, code: &str) -> bool {
        self.codes().any(|said| same_code(said, code)) || self.has_number(code)
    }

    /// Some services use numeric codes other than HTTP statuses.
    fn has_number(&self, code: &str) -> bool {
        let number = self.field("code").and_then(Value::as_u64);
        number.is_some_and(|number| code.parse() == Ok(number))
    }

    /// Returns whether any of the error's codes is among `codes`.
    pub(super) fn says_any(&self, codes: &[&str]) -> bool {
        codes.iter().any(|code| self.says(code))
    }

    /// Returns whether the message contains any of `texts`, given in lower case.
    pub(super) fn tells_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.message.contains(text))
    }

    /// Returns every name of the error: type, code, status, and the reasons of its details.
    pub(super) fn codes(&self) -> impl Iterator<Item = &str> {
        let own =
            ["type", "code", "status", "reason"].into_iter().filter_map(|name| self.field(name)?.as_str());
        let reasons =
            self.details().chain(self.list("errors")).filter_map(|detail| detail.get("reason")?.as_str());
        own.chain(reasons).chain(self.inner_codes()).chain(self.further_code.as_deref())
    }

    /// Returns the codes of Azure (`innererror`), Anthropic (`details`) and OpenRouter (`metadata`).
    fn inner_codes(&self) -> impl Iterator<Item = &str> {
        const PLACES: [(&str, &str); 4] = [
            ("innererror", "code"),
            ("details", "error_code"),
            ("metadata", "error_type"),
            ("metadata", "limit_source"),
        ];
        PLACES.into_iter().filter_map(|(object, name)| self.field(object)?.get(name)?.as_str())
    }

    /// Returns a member of the error.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Returns the details (`google.rpc.Status.details`), in order.
    pub(super) fn details(&self) -> impl Iterator<Item = &Value> {
        self.list("details")
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.field(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// Descends from a tree to its error.
    fn enter(&mut self, tree: Value, wraps: u8) {
        let mut object = match tree {
            Value::Object(object) => object,
            Value::Array(array) => {
                return array.into_iter().take(1).for_each(|first| self.enter(first, wraps));
            }
            Value::String(text) => return self.say(&text),
            Value::Null | Value::Bool(_) | Value::Number(_) => return,
        };
        self.note_surroundings(&object);
        match inner(&mut object) {
            Some(inside) if wraps > 0 => self.enter(inside, wraps - 1),
            Some(_) | None => self.settle(object, wraps),
        }
    }

    /// Takes an object as the error, unless its message holds a further error.
    fn settle(&mut self, object: Map<String, Value>, wraps: u8) {
        if wraps > 0
            && let Some(quoted) = quoted_error(&object)
        {
            return self.enter(quoted, wraps - 1);
        }
        self.say(&message_of(&object));
        if let Some(code) = object.get("__type").and_then(Value::as_str) {
            self.note_code(code);
        }
        self.fields = object;
    }

    fn note_surroundings(&mut self, object: &Map<String, Value>) {
        self.status = ["code", "status", "status_code"]
            .iter()
            .find_map(|name| status(object.get(*name)?))
            .or(self.status);
        let metadata = object.get("metadata").and_then(|metadata| metadata.get("headers"));
        let headers = object.get("headers").or(metadata).and_then(Value::as_object);
        for (name, value) in headers.into_iter().flatten().take(MAX_HEADERS) {
            self.headers.extend(header(name, value));
        }
    }

    fn say(&mut self, message: &str) {
        self.message = message.chars().take(MAX_MESSAGE).collect::<String>().to_lowercase();
    }
}

/// Returns whether a body is one whole error: an object with a non-empty `error`.
///
/// The Responses API has `"error":null` in every answer.
pub(super) fn is_error(body: &[u8]) -> bool {
    speaks_of_errors(body) && is_error_by_its_members(body)
}

/// Returns whether a body mentions errors. Most answers do not, and are never parsed. JSON may also write a
/// letter as an escape.
pub(super) fn speaks_of_errors(body: &[u8]) -> bool {
    static WORDS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["error", r"\u"].map(Finder::new));
    WORDS.iter().any(|word| word.find(body).is_some())
}

fn is_error_by_its_members(body: &[u8]) -> bool {
    let first = body.trim_ascii_start();
    if first.starts_with(b"[") {
        return json::elements(first)
            .next()
            .and_then(Result::ok)
            .is_some_and(|first| has_error(first.members()));
    }
    first.starts_with(b"{") && has_error(json::members(first))
}

/// Returns whether any member is an error.
fn has_error(members: json::JsonMembers<'_>) -> bool {
    members.map_while(Result::ok).any(|member| {
        let something =
            member.value.is_object() || (member.value.is_string() && member.value.bytes() != b"\"\"");
        (member.key.is("error") && something)
            || ((member.key.is("type") || member.key.is("object"))
                && member.value.string().as_deref() == Some("error"))
    })
}

/// Returns whether a body is an HTML page.
pub(super) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE).map(|kind| kind.as_bytes().trim_ascii_start());
    let html =
        kind.is_some_and(|kind| begins_with(kind, b"text/html") || begins_with(kind, b"application/xhtml"));
    html || begins_with_page(body)
}

fn begins_with_page(body: &[u8]) -> bool {
    let text = body.trim_ascii_start();
    begins_with(text, b"<!doctype") || begins_with(text, b"<html")
}

fn begins_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Takes out the wrapped object: an error, a failed response, or the body of a frame.
fn inner(object: &mut Map<String, Value>) -> Option<Value> {
    for name in ["error", "response", "body", "detail"] {
        if object.get(name).is_some_and(|value| value.is_object() || (name == "error" && value.is_array())) {
            return object.remove(name);
        }
    }
    // OAuth and others have the code as the error itself.
    let code = object.get("error").filter(|code| code.is_string()).cloned()?;
    object.entry("code").or_insert(code);
    None
}

/// Returns the message of an error. A gateway adds its upstream's message in `metadata.raw`; some
/// frameworks have a list of complaints in place of a text.
fn message_of(object: &Map<String, Value>) -> String {
    let text = MESSAGES.iter().find_map(|name| object.get(*name)?.as_str());
    let list = || MESSAGES.iter().filter_map(|name| object.get(*name)).find(|value| !value.is_null());
    let message = text.map_or_else(|| list().map(Value::to_string).unwrap_or_default(), str::to_owned);
    let raw = object.get("metadata").and_then(|metadata| metadata.get("raw")).and_then(Value::as_str);
    raw.map_or_else(|| message.clone(), |raw| format!("{message}: {raw}"))
}

/// Returns the error embedded as text in a gateway's own error.
fn quoted_error(object: &Map<String, Value>) -> Option<Value> {
    let raw = object.get("metadata").and_then(|metadata| metadata.get("raw"));
    let texts = [raw, object.get("message")].into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::trim_start).filter(|text| text.starts_with(['{', '['])).find_map(|text| {
        let tree: Value = serde_json::from_str(text).ok()?;
        let first = tree.get(0).unwrap_or(&tree);
        first.get("error").is_some().then_some(tree)
    })
}

fn header(name: &str, value: &Value) -> Option<(HeaderName, HeaderValue)> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some((name.parse().ok()?, text.parse().ok()?))
}

fn status(value: &Value) -> Option<u16> {
    let number = match value.as_str() {
        Some(text) => text.parse().ok(),
        None => value.as_u64().and_then(|number| number.try_into().ok()),
    };
    number.filter(|status| (400..600).contains(status))
}

/// Compares codes without case and separators: `RATE_LIMIT_EXCEEDED`, `rate_limit_exceeded` and
/// `rateLimitExceeded` are equal. Copilot adds the plan behind a colon: `user_model_rate_limited:pro`.
fn same_code(said: &str, code: &str) -> bool {
    let head = said.split(':').next().unwrap_or_default();
    letters(said).eq(letters(code)) || letters(head).eq(letters(code))
}

fn letters(code: &str) -> impl Iterator<Item = u8> {
    code.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, code: &str, message: &str) {
        let error = ErrorBody::read(body.as_bytes());
        assert!(error.says(code), "{code} in {body}");
        assert_eq!(error.message, message, "{body}");
    }

    #[test]
    fn the_error_is_found_in_every_shape() {
        check(
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"M"}}"#,
            "resource_exhausted",
            "m",
        );
        check(r#"[{"error":{"status":"RESOURCE_EXHAUSTED","message":"M"}}]"#, "RESOURCE_EXHAUSTED", "m");
        check(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"M"}}"#,
            "overloaded_error",
            "m",
        );
        check(r#"{"error":{"code":"rateLimitExceeded","message":"M"}}"#, "RATE_LIMIT_EXCEEDED", "m");
        check(r#"{"type":"response.failed","response":{"error":{"code":"c","message":"M"}}}"#, "c", "m");
        check(r#"{"type":"error","code":"c","message":"M"}"#, "c", "m");
        check(r#"{"type":"error","status":429,"body":{"error":{"type":"c","message":"M"}}}"#, "c", "m");
        check(r#"{"error":"invalid_grant","error_description":"M"}"#, "invalid_grant", "m");
        check(r#"{"detail":{"code":"c","message":"M"}}"#, "c", "m");
        check(
            r#"{"error":{"message":"{\"error\":{\"status\":\"c\",\"message\":\"M\"}}","code":500}}"#,
            "c",
            "m",
        );
        check(
            r#"{"error":{"message":"Provider returned error","metadata":{"raw":"[{\"error\":{\"status\":\"c\",\"message\":\"M\"}}]"}}}"#,
            "c",
            "m",
        );
        check(r#"{"error":{"details":[{},{"reason":"c"}],"message":"M"}}"#, "c", "m");
        check(r#"{"error":{"errors":[{"reason":"c"}],"message":"M"}}"#, "c", "m");
    }

    #[test]
    fn what_is_no_error_has_at_most_a_message() {
        for (body, message) in [
            ("", ""),
            ("Too Many\u{a0}Requests", "too many\u{a0}requests"),
            ("<html>after 5s</html>", ""),
            ("null", ""),
            ("7", ""),
            ("[]", ""),
            (r#"{"detail":"Rate limit"}"#, "rate limit"),
            (r#""quoted""#, "quoted"),
        ] {
            let error = ErrorBody::read(body.as_bytes());
            assert_eq!((error.codes().next(), &*error.message), (None, message), "{body}");
        }
    }

    #[test]
    fn a_status_is_read_from_the_error_or_from_around_it() {
        let status = |body: &str| ErrorBody::read(body.as_bytes()).status;
        assert_eq!(status(r#"{"error":{"code":429}}"#), Some(429));
        assert_eq!(status(r#"{"error":{"code":"503"}}"#), Some(503));
        assert_eq!(status(r#"{"type":"error","status":429,"body":{"error":{"type":"c"}}}"#), Some(429));
        assert_eq!(status(r#"{"error":{"code":8}}"#), None);
        assert_eq!(status(r#"{"error":{"code":99999999999}}"#), None);
    }

    #[test]
    fn headers_inside_a_body_are_read() {
        let frame = r#"{"type":"error","status":429,"headers":{"Retry-After":7,"bad name":"x","x-a":"b"}}"#;
        let openrouter = r#"{"error":{"code":429,"metadata":{"headers":{"X-RateLimit-Reset":"1"}}}}"#;
        assert_eq!(ErrorBody::read(frame.as_bytes()).headers["retry-after"], "7");
        assert_eq!(ErrorBody::read(openrouter.as_bytes()).headers["x-ratelimit-reset"], "1");
    }

    #[test]
    fn an_error_that_is_null_is_none() {
        assert!(!is_error(br#"{"id":"resp_1","error":null,"output":[]}"#));
        assert!(!is_error(br#"[{"candidates":[]}]"#));
        assert!(!is_error(b"data: {\"error\":{}}"));
        assert!(is_error(br#" [{"error":{}}]"#));
        assert!(is_error(br#"{"type":"error"}"#));
        assert!(is_error(br#"{"error":{"code":429},"rest":"that was cut"#));
    }

    proptest! {
        #[test]
        fn what_does_not_speak_of_errors_is_none(words in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", " ", "\"error\"", "\"type\"", "\"\\u0065rror\"", "\"err\\u006Fr\"",
            "\"\\error\"", "\"erro", "r\"", "\"message\"", "{}", "null", "{\"error\":{}}", "{\"type\":\"error\"}",
        ]), 0..12)) {
            let body = words.concat();
            prop_assert_eq!(is_error(body.as_bytes()), is_error_by_its_members(body.as_bytes()), "{}", body);
        }
    }
}
