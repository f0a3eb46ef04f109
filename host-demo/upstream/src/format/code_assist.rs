//! Code Assist: Gemini's format in an envelope, both ways.

use crate::format::Reply;
use crate::template::fill;

const WRAPPED: &str = r#"{"response":$response,"traceId":"$id"}"#;

/// An answer in its envelope.
pub(super) fn wrap(reply: &Reply, answer: &str) -> String {
    fill(WRAPPED, &[("response", &answer), ("id", &reply.id)])
}

/// Whether a request for an answer is `{"project": …, "model": …, "request": {…}}`.
pub(crate) fn envelope_is_complete(project: Option<&str>, model: Option<&str>, has_request: bool) -> bool {
    let given = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    given(project) && given(model) && has_request
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::format::Format;
    use crate::format::tests::{events, reply};

    use super::*;

    #[test]
    fn every_part_is_wrapped() {
        for (_, data) in events(&reply(Format::CodeAssist)) {
            let data: Value = serde_json::from_str(&data).unwrap();
            assert!(data["response"]["candidates"][0]["content"]["parts"][0]["text"].is_string(), "{data}");
        }
    }

    #[test]
    fn an_envelope_needs_all_its_parts() {
        assert!(envelope_is_complete(Some("p"), Some("m"), true));
        assert!(!envelope_is_complete(Some(""), Some("m"), true));
        assert!(!envelope_is_complete(Some("p"), None, true));
        assert!(!envelope_is_complete(Some("p"), Some("m"), false));
    }
}
