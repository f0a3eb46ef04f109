//! JSON with comments and trailing commas, the form of agents' settings.

use anyhow::{Context as _, bail};
use jsonc_parser::ParseOptions;
use serde_json::{Map, Value};

/// Comments and trailing commas, as opencode, Gemini CLI and editors accept; every other deviation from
/// JSON is an error.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_loose_object_property_names: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_extended_string_escapes: false,
    allow_non_finite_numbers: false,
};

/// Reads an object.
///
/// # Errors
/// A syntax error with line and column, or a value other than an object.
pub(super) fn object(text: &str) -> anyhow::Result<Map<String, Value>> {
    let value: Value = jsonc_parser::parse_to_serde_value(text, &OPTIONS).context("malformed JSON")?;
    let Value::Object(object) = value else { bail!("not a JSON object") };
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Map<String, Value> {
        object(text).unwrap_or_else(|error| panic!("{text}: {error:#}"))
    }

    #[test]
    fn comments_and_trailing_commas_are_accepted() {
        assert_eq!(read("{\"a\": 1} // b")["a"], 1);
        assert_eq!(read("{/* a\n b */\"a\": [1, 2,],}")["a"], serde_json::json!([1, 2]));
    }

    #[test]
    fn strings_with_marks_of_comments_stay_whole() {
        assert_eq!(read(r#"{"u": "http://a"} // b"#)["u"], "http://a");
        assert_eq!(read(r#"{"q": "\"//\\ /* é"}"#)["q"], "\"//\\ /* é");
    }

    #[test]
    fn everything_else_is_refused_with_its_place() {
        for text in ["[1]", "", "{", "{a: 1}", "{'a': 1}", "{\"a\": 1 \"b\": 2}", "{} /* open"] {
            assert!(object(text).is_err(), "{text}");
        }
        let error = object("{\n  \"a\": nope\n}").expect_err("malformed");
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }
}
