//! The text of a secret: its usable form, and texts that look like a reference.

use crate::secret::looks_like_key;

/// The reason against a text as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Empty,
    LineBreak,
    /// The position of a character outside of header values, counted from 1.
    Character(usize),
}

impl Unusable {
    /// Returns the reason, without any part of the text.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Empty => "is empty".to_owned(),
            Self::LineBreak => "has a line break in its middle; a secret is one line".to_owned(),
            Self::Character(at) => {
                format!("has a character at position {at} that no header can hold; copy the secret again")
            }
        }
    }
}

/// Returns `text` without white space at the ends: tools, editors and YAML blocks add such space, and no
/// secret has any.
///
/// # Errors
/// The text is unusable in a header. Such a header would be left out, and the request would go without a
/// credential.
pub(crate) fn usable(text: &str) -> Result<String, Unusable> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Unusable::Empty);
    }
    if text.contains(['\r', '\n']) {
        return Err(Unusable::LineBreak);
    }
    match text.chars().position(|c| !matches!(c, ' '..='~')) {
        Some(at) => Err(Unusable::Character(at + 1)),
        None => Ok(text.to_owned()),
    }
}

/// Returns the reference for a literal that looks like one: `{env: K}` for `$K`.
pub(crate) fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(name) = variable(text) {
        let name = if is_name(name) && !looks_like_key(name) { name } else { "NAME" };
        return Some(format!("{{env: {name}}}"));
    }
    ["file:", "file://", "@/", "@~/"]
        .iter()
        .any(|start| text.starts_with(start))
        .then(|| "{file: PATH}".to_owned())
}

/// Returns the variable's name in the syntax of shells, templates and other programs.
fn variable(text: &str) -> Option<&str> {
    const AROUND: [(&str, &str); 7] =
        [("${{", "}}"), ("${", "}"), ("{{", "}}"), ("$(", ")"), ("%", "%"), ("{env:", "}"), ("<", ">")];
    const BEFORE: [&str; 7] = ["$env:", "env:", "env.", "ENV:", "os.environ/", "process.env.", "$"];
    let inside = |(start, end): &(&str, &str)| text.strip_prefix(start)?.strip_suffix(end);
    let inner = AROUND.iter().find_map(inside).map_or(text, str::trim);
    let name = BEFORE.iter().find_map(|start| inner.strip_prefix(start)).map_or(inner, str::trim);
    (name != text && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c)))
        .then_some(name)
}

/// Returns whether `name` is a valid name of an environment variable.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_at_the_ends_belongs_to_no_secret() {
        for text in ["sk-1", " sk-1", "sk-1\n", "sk-1\r\n", "\tsk-1 \r\n\r\n"] {
            assert_eq!(usable(text).as_deref(), Ok("sk-1"), "{text:?}");
        }
        assert_eq!(usable("a b"), Ok("a b".to_owned()));
    }

    #[test]
    fn what_no_header_can_hold_is_refused() {
        assert_eq!(usable(" \n"), Err(Unusable::Empty));
        for text in ["a\nb", "a\rb", "a\r\nb"] {
            assert_eq!(usable(text), Err(Unusable::LineBreak), "{text:?}");
        }
        for text in ["ab\0c", "ab\tc", "ab\u{7f}", "abé", "ab\u{200b}c", "ab\u{201d}"] {
            assert_eq!(usable(text), Err(Unusable::Character(3)), "{text:?}");
        }
    }

    #[test]
    fn a_literal_that_looks_like_a_reference_is_known() {
        let check = |text: &str, written: Option<&str>| assert_eq!(meant(text).as_deref(), written, "{text}");
        for text in [
            "$K",
            "${K}",
            "env:K",
            "env.K",
            "${{ K }}",
            "${{ env.K }}",
            "{{K}}",
            "%K%",
            "$env:K",
            "${env:K}",
            "{env:K}",
            "os.environ/K",
            "process.env.K",
            "$(K)",
            "<K>",
        ] {
            check(text, Some("{env: K}"));
        }
        check("file:/run/key", Some("{file: PATH}"));
        check("@~/key", Some("{file: PATH}"));
        check("$sk-ant-api03-aaaaaaaa", None);
        check("env:AKIAIOSFODNN7EXAMPLE", Some("{env: NAME}"));
        for text in ["sk-1", "K", "a$b", "$", "pa%ss%word", "{a", "environment"] {
            check(text, None);
        }
    }
}
