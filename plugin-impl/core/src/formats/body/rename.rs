//! Replaces the model in a body.

use std::borrow::Cow;

use super::json::{self, NotJson};

/// Returns the body with `model` as its top-level model; every other byte stays.
///
/// A body without the member, or with an equal model, returns unchanged.
///
/// # Errors
/// The body is not a JSON object, up to its model.
pub fn with_model<'a>(body: &'a [u8], model: &str) -> Result<Cow<'a, [u8]>, NotJson> {
    for member in json::members(body) {
        let member = member?;
        if member.key.is("model") {
            let same = member.value.text()?.is_some_and(|old| old == model);
            return Ok(if same { body.into() } else { spliced(body, member.value, model).into() });
        }
    }
    Ok(body.into())
}

fn spliced(body: &[u8], old: json::Value<'_>, model: &str) -> Vec<u8> {
    let range = old.range();
    let model = serde_json::Value::from(model).to_string();
    [&body[..range.start], model.as_bytes(), &body[range.end..]].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::body;

    fn renamed(body: &str, model: &str) -> String {
        let body = with_model(body.as_bytes(), model).expect("valid").into_owned();
        String::from_utf8(body).expect("text in, text out")
    }

    #[test]
    fn only_the_value_of_the_model_changes() {
        assert_eq!(
            renamed("{ \"a\" : [1, {\"model\":\"x\"}],\n\t\"model\" :  \"old\" , \"z\":1.0}\n", "new"),
            "{ \"a\" : [1, {\"model\":\"x\"}],\n\t\"model\" :  \"new\" , \"z\":1.0}\n"
        );
        assert_eq!(renamed(r#"{"model":null}"#, r#"a"b\c"#), r#"{"model":"a\"b\\c"}"#);
    }

    #[test]
    fn nothing_to_change_costs_no_copy() {
        for body in [&br#"{"contents":[]}"#[..], br#"{"model":"same","x":1}"#] {
            assert!(matches!(with_model(body, "same"), Ok(Cow::Borrowed(_))));
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_what_is_read(before in any::<String>(), model in any::<String>(), old in any::<String>()) {
            let quote = |text: &str| serde_json::Value::from(text).to_string();
            let text = format!("{{\"before\":{},\"model\":{},\"after\":[]}}", quote(&before), quote(&old));
            let changed = with_model(text.as_bytes(), &model).expect("valid");
            prop_assert_eq!(body::model(&changed), Ok(Some(model.into())));
            prop_assert_eq!(body::text_field(&changed, "before"), Ok(Some(before.into())));
        }
    }
}
