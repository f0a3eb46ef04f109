//! Takes answers out of their envelopes.
//!
//! The inner bytes are cut out unchanged. Nothing is parsed and printed again, so unknown fields, the order of
//! members and the digits of numbers survive. The member with the content is the format's
//! [`wrapped`](super::format::events::Events::wrapped).

mod unwrapper;

use std::borrow::Cow;
use std::ops::Range;

use crate::formats::body::json;

pub use unwrapper::{MAX_HELD, Unwrapper};

/// Returns the content of an answer's envelope, or an answer without envelope (an error) unchanged.
///
/// In the JSON array of a stream without `alt=sse`, each element has an envelope.
pub fn unwrap_json(body: &[u8]) -> Cow<'_, [u8]> {
    if let Some(range) = content(body) {
        return body[range].into();
    }
    let inner: Vec<_> = json::elements(body).map_while(Result::ok).filter_map(content_in).collect();
    if inner.is_empty() { body.into() } else { without_envelopes(body, &inner).into() }
}

/// Returns the range of the content of an envelope, if that content is an object.
fn content(text: &[u8]) -> Option<Range<usize>> {
    let mut members = json::members(text).map_while(Result::ok);
    let member = members.find(|member| wraps(&member.key.name()))?;
    member.value.is_object().then(|| member.value.range())
}

/// Returns the range of an element, and the range of its content.
fn content_in(element: json::Value<'_>) -> Option<(Range<usize>, Range<usize>)> {
    let outer = element.range();
    let inner = content(element.bytes())?;
    Some((outer.clone(), outer.start + inner.start..outer.start + inner.end))
}

fn without_envelopes(body: &[u8], elements: &[(Range<usize>, Range<usize>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut copied = 0;
    for (outer, inner) in elements {
        out.extend_from_slice(&body[copied..outer.start]);
        out.extend_from_slice(&body[inner.clone()]);
        copied = outer.end;
    }
    out.extend_from_slice(&body[copied..]);
    out
}

/// Returns whether an envelope has its content in a member.
fn wraps(name: &[u8]) -> bool {
    super::all().any(|format| format.events.wrapped.is_some_and(|known| known.as_bytes() == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("text in, text out")
    }

    #[test]
    fn an_answer_comes_out_as_it_is() {
        let inside = r#"{"candidates":[{"n":1.50}], "responseId" : "r"}"#;
        assert_eq!(
            text(&unwrap_json(format!("{{\"response\": {inside} ,\"traceId\":\"t\"}}").as_bytes())),
            inside
        );
        assert_eq!(
            text(&unwrap_json(format!("{{\"traceId\":\"t\",\"response\":{inside}}}").as_bytes())),
            inside
        );
    }

    #[test]
    fn what_has_no_envelope_stays() {
        for body in
            ["", "<html>", r#"{"error":{"code":429}}"#, r#"[{"error":{}}]"#, r#"{"response":null}"#, "[]"]
        {
            assert!(
                matches!(unwrap_json(body.as_bytes()), Cow::Borrowed(same) if same == body.as_bytes()),
                "{body}"
            );
        }
    }

    #[test]
    fn each_element_of_an_array_comes_out() {
        let body =
            "[{\"response\":{\"a\":1},\"traceId\":\"t\"}\n,\r\n{\"error\":{}},{\"response\":{\"b\":2}}\n]";
        assert_eq!(text(&unwrap_json(body.as_bytes())), "[{\"a\":1}\n,\r\n{\"error\":{}},{\"b\":2}\n]");
    }
}
