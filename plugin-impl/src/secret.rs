//! Credentials, and how text that may hold one is shown to people.
//!
//! What must not be printed is a type of its own, so that a `{:?}` somewhere cannot undo the care taken
//! elsewhere. It is deliberately not serializable: whoever stores or sends a secret says so with
//! [`Secret::expose`].

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

const REDACTED: &str = "<redacted>";

/// Text that is never printed, and is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` over; no copy of it is left behind.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text itself, to be sent or stored and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Returns `text` without what could be a user and password in front of an `@`.
///
/// A malformed URL can hold a password as well as a good one, so nothing is parsed here: what lies between
/// the scheme and the last `@` goes.
pub fn redact_userinfo(text: &str) -> Cow<'_, str> {
    let Some((before, host)) = text.rsplit_once('@') else { return Cow::Borrowed(text) };
    if !before.contains(':') {
        return Cow::Borrowed(text);
    }
    let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
    Cow::Owned(format!("{scheme}{REDACTED}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_redacted() {
        let secret = Secret::new("sk-1".to_owned());
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "<redacted> <redacted> Some(<redacted>)"
        );
        assert_eq!(secret.expose(), "sk-1");
    }

    #[test]
    fn a_password_is_cut_out_of_a_url_even_of_a_malformed_one() {
        let rows = [
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("http://me:pw@proxy:3128", "http://<redacted>@proxy:3128"),
            ("http://me:p@ss/w@proxy", "http://<redacted>@proxy"),
            ("me:pw@proxy", "<redacted>@proxy"),
            ("me@example.com", "me@example.com"),
        ];
        for (text, shown) in rows {
            assert_eq!(redact_userinfo(text), shown, "{text}");
        }
    }
}
