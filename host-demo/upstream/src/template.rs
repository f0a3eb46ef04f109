//! Wire texts with holes.
//!
//! A body is kept in the source as it is on the wire, with the real order of its keys, so that it can be
//! compared with a recorded one by eye. A hole is a `$` and a lower-case name.

use std::fmt::{self, Display, Write};

/// Fills the holes of a wire text; a hole without a value stays visible.
pub(crate) fn fill(template: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(template.len() + 128);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        let (name, next) = after.split_at(name_length(after));
        filled.push_str(before);
        put(&mut filled, name, values);
        rest = next;
    }
    filled.push_str(rest);
    filled
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(text.len())
}

fn put(filled: &mut String, name: &str, values: &[(&str, &dyn Display)]) {
    // Writing to a string does not fail.
    let _ = match values.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => write!(filled, "{value}"),
        None => write!(filled, "${name}"),
    };
}

/// A string as JSON, with its quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut plain_from = 0;
        for (at, escaped) in self.0.bytes().enumerate().filter(|(_, byte)| needs_escape(*byte)) {
            f.write_str(&self.0[plain_from..at])?;
            escape(escaped, f)?;
            plain_from = at + 1;
        }
        f.write_str(&self.0[plain_from..])?;
        f.write_char('"')
    }
}

/// All of these are ASCII, so that none is a part of a longer character.
fn needs_escape(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

fn escape(byte: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match byte {
        b'"' => f.write_str("\\\""),
        b'\\' => f.write_str("\\\\"),
        b'\n' => f.write_str("\\n"),
        other => write!(f, "\\u{other:04x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_by_name() {
        let filled = fill(r#"{"model":$model,"n":$n}"#, &[("n", &3), ("model", &Quoted("m"))]);
        assert_eq!(filled, r#"{"model":"m","n":3}"#);
    }

    #[test]
    fn a_value_with_a_dollar_is_not_filled_again() {
        assert_eq!(fill("$a", &[("a", &"$b"), ("b", &"x")]), "$b");
    }

    #[test]
    fn a_hole_without_a_value_stays_visible() {
        assert_eq!(fill("{$lost}", &[]), "{$lost}");
    }

    #[test]
    fn quoted_texts_are_valid_json() {
        for text in ["", "plain", "a \"b\" \\ c", "line\nbreak\ttab\u{1}", "ünïcode \u{1f600}"] {
            let read: String = serde_json::from_str(&Quoted(text).to_string()).unwrap();
            assert_eq!(read, text);
        }
    }
}
