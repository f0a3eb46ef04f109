//! The Code Assist envelope: Gemini's requests and answers, one level deeper.
//!
//! A request `B` for model `M` goes out as `{"project":…,"model":"M","request":B}`. An answer `A` comes
//! back as `{"response":A,"traceId":…}`, in a stream once per event. The inner bytes are cut out or
//! inserted unchanged, in both directions. Nothing is parsed and printed again, so unknown fields, the
//! order of members and the digits of numbers survive.

use std::borrow::Cow;

use serde_json::Value;

use super::format::envelope::{Unwrapped, Wrapping};
use super::format::events::Events;
use super::format::identity::Identity;
use super::format::ids::Ids;
use super::format::limits::LimitHeaders;
use super::format::paths::Paths;
use super::format::request::{RequestShape, StreamSwitch};
use super::format::{AuthScheme, Format};

/// Callers speak Gemini and no Code Assist, so a request has no parts of its own.
pub(super) static FORMAT: Format = Format {
    name: "code-assist",
    auth: AuthScheme::Bearer,
    paths: Paths::of_version("v1internal", &[]),
    request: RequestShape {
        system: &[],
        turns: &[],
        stream: StreamSwitch::Query("alt=sse"),
        ids_have_vendors: false,
    },
    identity: Identity::NONE,
    error: super::gemini::error_body,
    events: EVENTS,
    list: &super::gemini::LIST,
    ids: Ids::NONE,
    keep_alive: &[],
    limits: LimitHeaders::NONE,
    envelope: Some(&Wrapping { path, body, wraps_answer: |action| !counts(action) }),
};

fn counts(action: Option<&str>) -> bool {
    action == Some("countTokens")
}

fn body(request: &Unwrapped<'_>) -> Vec<u8> {
    let Unwrapped { action, body, project, model } = *request;
    if counts(Some(action)) { wrap_count(body, model) } else { wrap(body, project, model) }
}

/// A chunk has the chunk of Gemini inside.
const EVENTS: Events = Events {
    failures: &["error"],
    silent: &[],
    ends: &[],
    end_mark: None,
    typed: |_, _| None,
    chunk: &[],
    wrapped: Some("response"),
    beside: &[],
    answer: &["response"],
};

/// Returns the body of a `generateContent` or `streamGenerateContent` in its envelope.
fn wrap(body: &[u8], project: Option<&str>, model: &str) -> Vec<u8> {
    let project = project.map(|project| format!("\"project\":{},", quoted(project))).unwrap_or_default();
    let head = format!("{{{project}\"model\":{},\"request\":", quoted(model));
    [head.as_bytes(), or_empty_object(body), b"}"].concat()
}

/// Returns the body of a `countTokens` in its envelope, with the model inside of the request.
///
/// The answer comes without an envelope.
fn wrap_count(body: &[u8], model: &str) -> Vec<u8> {
    let inner = or_empty_object(body).trim_ascii();
    let inner = inner.strip_prefix(b"{").unwrap_or(inner).trim_ascii_start();
    let comma = if inner == b"}" { "" } else { "," };
    let head = format!("{{\"request\":{{\"model\":{}{comma}", quoted(&resource(model)));
    [head.as_bytes(), inner, b"}"].concat()
}

/// Returns path and query of a Code Assist call.
///
/// The model is in the body. The query loses the caller's API key: the key belongs to another service.
fn path(action: &str, query: Option<&str>) -> String {
    let mut path = format!("/v1internal:{action}");
    let kept =
        query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("key="));
    for (place, pair) in kept.enumerate() {
        path.push(if place == 0 { '?' } else { '&' });
        path.push_str(pair);
    }
    path
}

fn or_empty_object(body: &[u8]) -> &[u8] {
    if body.trim_ascii().is_empty() { b"{}" } else { body }
}

fn resource(model: &str) -> Cow<'_, str> {
    if model.starts_with("models/") { model.into() } else { format!("models/{model}").into() }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("text in, text out")
    }

    #[test]
    fn a_request_goes_into_its_envelope_as_it_is() {
        let body = b" {\"contents\" : [ ], \"x\":1.0}\n";
        assert_eq!(
            text(&wrap(body, Some("my-project"), "gemini-3-flash")),
            "{\"project\":\"my-project\",\"model\":\"gemini-3-flash\",\"request\": {\"contents\" : [ ], \"x\":1.0}\n}"
        );
        assert_eq!(text(&wrap(b"{}", None, "a\"b")), r#"{"model":"a\"b","request":{}}"#);
        assert_eq!(text(&wrap(b" ", None, "m")), r#"{"model":"m","request":{}}"#);
    }

    #[test]
    fn a_count_has_its_model_inside() {
        let body = br#" { "contents":[]} "#;
        assert_eq!(text(&wrap_count(body, "m")), r#"{"request":{"model":"models/m","contents":[]}}"#);
        assert_eq!(text(&wrap_count(b"{ }", "models/m")), r#"{"request":{"model":"models/m"}}"#);
        assert_eq!(text(&wrap_count(b"", "m")), r#"{"request":{"model":"models/m"}}"#);
    }

    #[test]
    fn paths_lose_the_model_and_the_callers_key() {
        assert_eq!(
            path("streamGenerateContent", Some("alt=sse")),
            "/v1internal:streamGenerateContent?alt=sse"
        );
        assert_eq!(path("generateContent", None), "/v1internal:generateContent");
        assert_eq!(
            path("generateContent", Some("key=secret&alt=sse&&x=1")),
            "/v1internal:generateContent?alt=sse&x=1"
        );
        assert_eq!(path("countTokens", Some("key=secret")), "/v1internal:countTokens");
    }

    proptest! {
        #[test]
        fn what_was_wrapped_parses(project in any::<Option<String>>(), model in any::<String>()) {
            let body = wrap(br#"{"contents":[{"parts":[]}]}"#, project.as_deref(), &model);
            let tree: Value = serde_json::from_slice(&body).expect("valid");
            prop_assert_eq!(tree.get("project").and_then(Value::as_str), project.as_deref());
            prop_assert_eq!(tree["model"].as_str(), Some(&*model));
            prop_assert!(tree["request"]["contents"].is_array());
        }
    }
}
