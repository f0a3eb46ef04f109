//! The faults of configurations, with their messages.
//!
//! A message names the key's path, the written value, the allowed values and the nearest allowed value. A
//! value that may be a secret is never shown.

use pointsman_core::formats::WireFormat;
use pointsman_core::ids::ProviderId;

use crate::secret::{looks_like_key, redact};

/// A fault at a place.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("cannot read the configuration: {0}")]
    Unreadable(String),
    #[error("cannot keep the consent: {0}")]
    Unwritable(String),
    #[error(
        "this configuration lies in the current folder, and you have not agreed to what it sets: {claims}. \
         Look at it; then agree once with `pointsman trust`, or name it with `--config {path}`"
    )]
    Untrusted { path: String, claims: String },
    #[error("malformed YAML: {0}")]
    Syntax(String),
    #[error("unknown key `{key}`{}{}", within(section), suggestion_or_list(nearest.as_deref(), allowed))]
    UnknownKey { key: String, section: String, nearest: Option<String>, allowed: String },
    #[error("`{key}` is given twice; the first is at {first}")]
    DuplicateKey { key: String, first: String },
    #[error("{} is {found}, but needs {needed}", named(key))]
    Type { key: String, found: &'static str, needed: String },
    #[error("`{key}` is `{value}`, which is {refusal}{}", suggestion(nearest.as_deref()))]
    Value {
        key: String,
        /// Without a possible password.
        value: String,
        refusal: String,
        nearest: Option<String>,
    },
    #[error("`{section}` has no `{key}`; it needs {needed}")]
    Missing { section: String, key: &'static str, needed: String },
    #[error("`{key}` holds the name `{name}`; names are letters, digits, `.`, `_` and `-`")]
    Name { key: String, name: String },

    #[error("{what} has no effect in this version, because {route_reason}; {remedy}")]
    NotYet { what: String, route_reason: &'static str, remedy: &'static str },

    #[error("`{key}` {reason}")]
    Rule { key: String, reason: String },
    #[error("`{key}` {reason}")]
    Secret { key: String, reason: String },
    #[error(
        "account `{id}` has no credential; give it one of api_key, access_token, refresh_token, credential"
    )]
    NoCredential { id: String },
    #[error("account `{id}` has {found}; give it only one")]
    TwoCredentials { id: String, found: String },
    #[error(
        "account `{id}` has `credential: caller`, and so has `{first}`, which speaks {kind} too; \
         an agent sends one credential, so give it to one of them"
    )]
    TwoCallers { id: String, first: String, kind: String },
    #[error("account `{id}` is given twice; the first is at {first}")]
    DuplicateAccount { id: String, first: String },
    #[error(
        "account `{id}` belongs to provider `{provider}`, which is none of {known}{}",
        suggestion(nearest.as_deref())
    )]
    UnknownProviderOfAccount { id: String, provider: String, known: String, nearest: Option<String> },
    #[error(
        "account `{id}` has a refresh_token, which needs an OAuth client of yours: \
         set `providers.{provider}.oauth` with client_id and token_url"
    )]
    NoOAuthClient { id: String, provider: String },

    #[error(
        "provider `{name}` is not in the catalog, and a provider of your own needs `kind`, \
         the wire format it speaks: one of anthropic, openai, gemini{}",
        suggestion(nearest.as_deref())
    )]
    NoKind { name: String, nearest: Option<String> },
    #[error("`{key}` sets the header `{name}`, which {why}")]
    ForbiddenHeader { key: String, name: String, why: &'static str },
    #[error("`{key}` names {what} `{name}`, which is none of {known}{}", suggestion(nearest.as_deref()))]
    Unknown { key: String, what: &'static str, name: String, known: String, nearest: Option<String> },

    #[error(
        "`{key}` is `{target}`, which speaks {speaks}, and {whose} speaks {format}; \
         a chain stays in one wire format, so allowed are models of {allowed}"
    )]
    FallbackFormat {
        key: String,
        target: String,
        speaks: WireFormat,
        whose: String,
        format: WireFormat,
        allowed: String,
    },
    #[error(
        "`{key}` is `{target}`, which speaks {speaks}, and no other provider with an account does; \
         a chain stays in one wire format, so allowed are models of {allowed} \
         (a chain for requests that {provider} itself serves has the key `{provider}/{model}`)"
    )]
    FallbackFromNobody {
        key: String,
        target: String,
        speaks: WireFormat,
        allowed: String,
        provider: ProviderId,
        model: String,
    },
    #[error("`{key}` cannot be routed: {reason}")]
    Fallback { key: String, reason: String },

    #[error("`listen` is `{0}`, which other machines can reach; set `allow_remote: true` if you mean that")]
    RemoteListen(String),
    #[error("`quota_protection.hard` is {hard}%, which is above soft ({soft}%)")]
    ProtectionOrder { soft: f64, hard: f64 },
}

/// Returns the element of `allowed` closest to `written`, if close enough.
pub(crate) fn nearest<'a>(written: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.75;
    let written = written.to_ascii_lowercase();
    allowed
        .into_iter()
        .map(|word| (likeness(&written, word), word))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word.to_owned())
}

/// The first measure suits prefixes and swapped letters, the second long words with an error in the middle.
/// Both are too strict for short words, so these allow a single typing error.
fn likeness(written: &str, word: &str) -> f64 {
    let one_slip = word.len() > 2 && strsim::damerau_levenshtein(written, word) == 1;
    let slip = if one_slip { 0.9 } else { 0.0 };
    strsim::jaro_winkler(written, word).max(strsim::normalized_damerau_levenshtein(written, word)).max(slip)
}

/// Returns a written value for display: short, on one line, without possible secrets.
pub(crate) fn shown(value: &str) -> String {
    const LONGEST: usize = 80;
    let value = redact(value);
    let cut = value.chars().nth(LONGEST).is_some();
    let short: String = value.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    short.replace("\\\"", "\"").replace("\\'", "'") + if cut { "…" } else { "" }
}

/// Returns a user's name, or a substitute for a name that may be a key in the wrong place.
pub(crate) fn shown_name(name: &str) -> String {
    // Names of settings and labels are short, or words.
    const LONGEST: usize = 32;
    const LONGEST_WITH_DIGITS: usize = 10;
    let has_digits = name.contains(|c: char| c.is_ascii_digit());
    let longest = if has_digits { LONGEST_WITH_DIGITS } else { LONGEST };
    if name.len() > longest || looks_like_key(name) { "<could be a secret>".to_owned() } else { shown(name) }
}

fn named(path: &str) -> String {
    if path.is_empty() { "the configuration".to_owned() } else { format!("`{path}`") }
}

fn within(section: &str) -> String {
    if section.is_empty() { String::new() } else { format!(" in `{section}`") }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

fn suggestion_or_list(nearest: Option<&str>, allowed: &str) -> String {
    if nearest.is_some() { suggestion(nearest) } else { format!("; allowed are {allowed}") }
}
