//! Secrets, and the redaction of text for people.
//!
//! A secret has a type of its own, so that no `{:?}` can print the text. The type is deliberately not
//! serializable: storing or sending a secret takes an explicit [`Secret::expose`].

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

const REDACTED: &str = "<redacted>";
/// The least length in bytes of a secret that answers are searched for.
const SHORTEST_SEARCHED: usize = 8;
/// The least length in bytes from which letters alone are no word.
const NO_WORD: usize = 16;
const PLACEHOLDERS: [&str; 6] =
    ["lm-studio", "no-key-required", "not-needed", "not-required", "sk-no-key-required", "sk-not-needed"];

/// A text never printed, and overwritten on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` over; no copy is left behind.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text, only for sending or storing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Says whether a text with this secret can be told from a text without: a short secret or a word of
    /// letters may stand in any answer.
    pub fn is_searchable(&self) -> bool {
        let text = self.expose();
        let is_word = text.len() < NO_WORD && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        text.len() >= SHORTEST_SEARCHED && !is_word && !self.is_placeholder()
    }

    /// Says whether this is one of the texts that people write for a server that wants any key at all.
    pub fn is_placeholder(&self) -> bool {
        PLACEHOLDERS.contains(&self.expose())
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

/// Returns `text` without a possible user and password in front of an `@`.
///
/// A malformed URL can hold a password too, so nothing is parsed here: everything between the scheme and
/// the last `@` goes.
pub fn redact_userinfo(text: &str) -> Cow<'_, str> {
    let Some((before, host)) = text.rsplit_once('@') else { return Cow::Borrowed(text) };
    if !before.contains(':') {
        return Cow::Borrowed(text);
    }
    let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
    Cow::Owned(format!("{scheme}{REDACTED}@{host}"))
}

/// Returns `text` without possible secrets: a user and password, a query or fragment, and words similar to
/// keys.
pub fn redact(text: &str) -> String {
    let text = redact_userinfo(text);
    match text.find(['?', '#']) {
        Some(at) if at + 1 < text.len() => format!("{}{REDACTED}", redact_keys(&text[..=at])),
        Some(_) | None => redact_keys(&text),
    }
}

/// Returns `text` with likely keys blanked out.
pub fn redact_keys(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (other, after) = rest.split_at(rest.find(is_of_word).unwrap_or(rest.len()));
        let (word, next) = after.split_at(after.find(|c| !is_of_word(c)).unwrap_or(after.len()));
        shown.push_str(other);
        shown.push_str(if looks_like_key(word) { REDACTED } else { word });
        rest = next;
    }
    shown
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.+=~".contains(c)
}

/// The beginnings of well-known services' keys.
const BEGINNINGS: [&str; 15] = [
    "sk-",
    "sk_",
    "rk_",
    "pk-lf-",
    "AIza",
    "gsk_",
    "xai-",
    "ya29.",
    "eyJ",
    "ghp_",
    "gho_",
    "github_pat_",
    "nvapi-",
    "csk-",
    "AKIA",
];
/// The least length of a key with a known beginning.
const SHORTEST_KEY: usize = 8;
/// The least length of a likely key's run of letters and digits. Names have separators more often; keys,
/// hashes and tokens do not.
const LONGEST_RUN: usize = 20;

/// Returns whether a word looks like a key: a known beginning, a UUID, or a long run of letters and digits.
///
/// The result is a guess, for keys pasted into the wrong place. A known secret is a [`Secret`].
pub fn looks_like_key(word: &str) -> bool {
    // In a path such as `providers.NAME.headers` each name begins a word.
    let parts = word.match_indices('.').map(|(at, _)| &word[at + 1..]);
    parts.chain([word]).any(begins_like_key)
        || is_uuid(word)
        || word.split(|c: char| !c.is_ascii_alphanumeric()).any(is_long_run)
}

/// Returns whether a word has the beginning of a well-known service's key.
pub fn begins_like_key(word: &str) -> bool {
    word.len() >= SHORTEST_KEY && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

fn is_long_run(run: &str) -> bool {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    run.len() >= LONGEST_RUN && digits > 0 && digits < run.len()
}

fn is_uuid(word: &str) -> bool {
    let lengths =
        word.split('-').map(|part| part.bytes().all(|b| b.is_ascii_hexdigit()).then_some(part.len()));
    lengths.eq([8, 4, 4, 4, 12].map(Some))
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
    fn what_looks_like_a_key_is_not_shown() {
        let rows = [
            ("https://a.example/v1?key=hunter2", "https://a.example/v1?<redacted>"),
            ("a.example/v1?key=hunter2", "a.example/v1?<redacted>"),
            ("id `sk-ant-api03-x`", "id `<redacted>`"),
            ("openai:AIzaSyExample", "openai:<redacted>"),
            ("see eyJhbGciOiJub25lIn0.e30.x, and", "see <redacted>, and"),
            ("key 0123456789abcdef0123456789abcdef", "key <redacted>"),
            ("550e8400-e29b-41d4-a716-446655440000", "<redacted>"),
            (
                "claude-sonnet-4-5-20250929 and gpt-5.1-codex-max",
                "claude-sonnet-4-5-20250929 and gpt-5.1-codex-max",
            ),
            ("what? a_setting_with_many_words at pointsman.yaml:1:2", "what?<redacted>"),
            (
                "a_setting_with_many_words at pointsman.yaml:1:2",
                "a_setting_with_many_words at pointsman.yaml:1:2",
            ),
            ("sk-1", "sk-1"),
            ("", ""),
        ];
        for (text, shown) in rows {
            assert_eq!(redact(text), shown, "{text}");
        }
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
