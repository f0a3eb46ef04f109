//! JSON with comments, as agents write their settings.

use anyhow::bail;
use serde_json::{Map, Value};

/// Reads an object.
///
/// # Errors
/// Where the text is something else.
pub(super) fn object(text: &str) -> anyhow::Result<Map<String, Value>> {
    let Value::Object(object) = serde_json::from_str(&without_comments(text))? else {
        bail!("not a JSON object")
    };
    Ok(object)
}

/// Leaves out `// …` and `/* … */`, but for those inside of strings.
fn without_comments(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['"', '/']) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let token = if rest.starts_with('"') { string(rest) } else { comment(rest) };
        let (token, is_comment) = token.map_or((1, false), |length| (length, !rest.starts_with('"')));
        if !is_comment {
            kept.push_str(&rest[..token]);
        }
        rest = &rest[token..];
    }
    kept + rest
}

/// Returns the length of the string at the beginning of `text`.
fn string(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map(|(at, _)| at + 1)
}

/// Returns the length of the comment at the beginning of `text`.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.starts_with("/*").then(|| text[2..].find("*/").map_or(text.len(), |end| end + 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_strings_are_not() {
        for (text, left) in [
            ("{} // end", "{} "),
            ("{/* a\n b */}", "{}"),
            (r#"{"u": "http://a"} // b"#, r#"{"u": "http://a"} "#),
            (r#"{"q": "\"//\\"}"#, r#"{"q": "\"//\\"}"#),
            ("/", "/"),
            ("{} /* open", "{} "),
            ("\"open // é", "\"open "),
        ] {
            assert_eq!(without_comments(text), left, "{text}");
        }
    }

    #[test]
    fn an_object_is_read_and_nothing_else() {
        assert_eq!(object("{\"a\": 1} // b").expect("an object")["a"], 1);
        assert!(object("[1]").is_err() && object("{").is_err());
    }
}
