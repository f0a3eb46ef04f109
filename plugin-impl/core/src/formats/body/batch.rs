//! The model of a batch: in the `params` of each of its `requests`.

use std::borrow::Cow;

use super::json::{self, NotJson, Value};

/// Returns the model of the first request of a batch.
///
/// # Errors
/// The body is not a JSON object, as far as read.
pub fn model_of_requests(body: &[u8]) -> Result<Option<Cow<'_, str>>, NotJson> {
    let Some(requests) = requests(body)? else { return Ok(None) };
    match requests.elements().next() {
        Some(first) => {
            first?.member("params").and_then(|params| params.member("model")).map_or(Ok(None), Value::text)
        }
        None => Ok(None),
    }
}

/// Returns the body with `new` in place of the model `old` in each request; every other byte stays.
///
/// # Errors
/// The body is not a JSON object, as far as its requests.
pub fn with_model_in_requests(body: &[u8], old: &str, new: &str) -> Result<Vec<u8>, NotJson> {
    let (mut renamed, mut copied) = (Vec::with_capacity(body.len()), 0);
    let quoted = serde_json::Value::from(new).to_string();
    let requests = requests(body)?;
    for request in requests.into_iter().flat_map(Value::elements) {
        let model = request?.member("params").and_then(|params| params.member("model"));
        let Some(model) = model.filter(|model| model.string().is_some_and(|name| name == old)) else {
            continue;
        };
        let range = model.range();
        renamed.extend_from_slice(&body[copied..range.start]);
        renamed.extend_from_slice(quoted.as_bytes());
        copied = range.end;
    }
    renamed.extend_from_slice(&body[copied..]);
    Ok(renamed)
}

fn requests(body: &[u8]) -> Result<Option<Value<'_>>, NotJson> {
    for member in json::members(body) {
        let member = member?;
        if member.key.is("requests") {
            return Ok(Some(member.value));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = r#"{"x":1, "requests" : [{"custom_id":"a","params":{"max_tokens":1,"model": "old"}},
        {"params":{"model":"other"}}, {"custom_id":"old","params":{"model":"old"}}] }"#;

    #[test]
    fn the_first_request_tells_the_model() {
        assert_eq!(model_of_requests(BATCH.as_bytes()), Ok(Some("old".into())));
        for nothing in
            ["{}", r#"{"requests":[]}"#, r#"{"requests":[{"params":{"model":7}}]}"#, r#"{"requests":7}"#]
        {
            assert!(matches!(model_of_requests(nothing.as_bytes()), Ok(None) | Err(_)), "{nothing}");
        }
        assert!(model_of_requests(b"no JSON").is_err());
    }

    #[test]
    fn each_request_with_that_model_gets_the_new_one_and_no_other_byte_changes() {
        let renamed = with_model_in_requests(BATCH.as_bytes(), "old", "n\"w").expect("valid");
        let expected = BATCH
            .replace(r#""model": "old""#, r#""model": "n\"w""#)
            .replace(r#""model":"old""#, r#""model":"n\"w""#);
        assert_eq!(String::from_utf8(renamed), Ok(expected));
        assert_eq!(with_model_in_requests(BATCH.as_bytes(), "none", "x"), Ok(BATCH.into()));
    }
}
