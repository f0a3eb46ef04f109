//! The paths of the three APIs, as data: the API of each path, and the place of a posted body's model name.
//!
//! The rows follow the public lists of the APIs. Two kinds of path have no row: paths of an organization
//! instead of an account's key (`/v1/organizations`), and paths that hand out keys of an account
//! (`/v1/realtime`, `auth_tokens`).

use crate::formats::WireFormat;

use super::{ModelPlace, segments};

/// The meaning of the first segment behind the version.
struct Row {
    name: &'static str,
    whose: Whose,
    /// Posts with a model in the body, by the rest of the path; `*` is any one segment.
    posts: &'static [(&'static str, Post)],
}

/// The formats of a path.
#[derive(Clone, Copy)]
enum Whose {
    Only(WireFormat),
    /// Several formats, told apart by versions or headers; the default is the given format.
    Shared(Option<WireFormat>),
}

/// The place of the model name in a posted body.
#[derive(Clone, Copy)]
enum Post {
    Body,
    Optional,
    Requests,
}

const ANTHROPIC: Whose = Whose::Only(WireFormat::Anthropic);
const OPENAI: Whose = Whose::Only(WireFormat::OpenAi);
const GEMINI: Whose = Whose::Only(WireFormat::Gemini);
const OPENAI_UNLESS_TOLD: Whose = Whose::Shared(Some(WireFormat::OpenAi));
/// The names are too common to be claimed without the header sent by every client of Anthropic.
const ANTHROPIC_IF_TOLD: Whose = Whose::Shared(None);

const fn row(name: &'static str, whose: Whose, posts: &'static [(&'static str, Post)]) -> Row {
    Row { name, whose, posts }
}

static ROWS: [Row; 36] = [
    row(
        "messages",
        ANTHROPIC,
        &[("", Post::Body), ("count_tokens", Post::Body), ("batches", Post::Requests)],
    ),
    row("complete", ANTHROPIC, &[("", Post::Body)]),
    row("agents", ANTHROPIC_IF_TOLD, &[("", Post::Optional), ("*", Post::Optional)]),
    row("sessions", ANTHROPIC_IF_TOLD, &[]),
    row("environments", ANTHROPIC_IF_TOLD, &[]),
    row("vaults", ANTHROPIC_IF_TOLD, &[]),
    row("memory_stores", ANTHROPIC_IF_TOLD, &[]),
    row("models", OPENAI_UNLESS_TOLD, &[]),
    row("files", OPENAI_UNLESS_TOLD, &[]),
    row("skills", OPENAI_UNLESS_TOLD, &[]),
    row("batches", OPENAI_UNLESS_TOLD, &[]),
    row("chat", OPENAI, &[("completions", Post::Body)]),
    row("responses", OPENAI, &[("", Post::Body), ("compact", Post::Body), ("input_tokens", Post::Body)]),
    row("completions", OPENAI, &[("", Post::Body)]),
    row("embeddings", OPENAI, &[("", Post::Body)]),
    row("moderations", OPENAI, &[("", Post::Optional)]),
    row(
        "audio",
        OPENAI,
        &[("speech", Post::Optional), ("transcriptions", Post::Optional), ("translations", Post::Optional)],
    ),
    row(
        "images",
        OPENAI,
        &[("generations", Post::Optional), ("edits", Post::Optional), ("variations", Post::Optional)],
    ),
    row("videos", OPENAI, &[("", Post::Optional), ("edits", Post::Optional), ("extensions", Post::Optional)]),
    row("conversations", OPENAI, &[]),
    row("uploads", OPENAI, &[]),
    row("vector_stores", OPENAI, &[]),
    row("fine_tuning", OPENAI, &[("jobs", Post::Optional)]),
    row("evals", OPENAI, &[]),
    row("containers", OPENAI, &[]),
    row("assistants", OPENAI, &[("", Post::Optional), ("*", Post::Optional)]),
    row("threads", OPENAI, &[("runs", Post::Optional), ("*/runs", Post::Optional)]),
    row("chatkit", OPENAI, &[]),
    row("cachedContents", GEMINI, &[("", Post::Optional)]),
    row("fileSearchStores", GEMINI, &[]),
    row("tunedModels", GEMINI, &[]),
    row("corpora", GEMINI, &[]),
    row("dynamic", GEMINI, &[]),
    row("generatedFiles", GEMINI, &[]),
    row("operations", GEMINI, &[]),
    row("interactions", GEMINI, &[("", Post::Optional)]),
];

/// Returns the format told by a path, or none for a path of no format or of several.
pub(super) fn format(version: &str, rest: &str, spoken: Option<WireFormat>) -> Option<WireFormat> {
    match find(rest)?.whose {
        Whose::Only(format) => Some(format),
        Whose::Shared(_) if is_geminis(version, rest) => Some(WireFormat::Gemini),
        Whose::Shared(_) => spoken,
    }
}

/// Returns the format of a path at the gateway without a host to tell the format.
pub(super) fn format_or_usual(version: &str, rest: &str, spoken: Option<WireFormat>) -> Option<WireFormat> {
    format(version, rest, spoken).or_else(|| match find(rest)?.whose {
        Whose::Only(format) => Some(format),
        Whose::Shared(usual) => usual,
    })
}

/// Returns the place of the model name in a body posted to `rest`. A path without a row may or may not name
/// a model.
pub(super) fn posted(rest: &str) -> ModelPlace {
    let Some(row) = find(rest) else { return ModelPlace::Optional };
    match row.posts.iter().find(|(pattern, _)| fits(pattern, rest)) {
        Some((_, Post::Body)) => ModelPlace::Body,
        Some((_, Post::Optional)) => ModelPlace::Optional,
        Some((_, Post::Requests)) => ModelPlace::Requests,
        None => ModelPlace::Nowhere,
    }
}

/// Says whether a path that begins with such a segment has a row.
pub(super) fn is_listed(first: &str) -> bool {
    find(first).is_some()
}

fn find(rest: &str) -> Option<&'static Row> {
    let first = segments(rest).next()?;
    ROWS.iter().find(|row| row.name == first)
}

/// Only the Gemini API has a `v1beta` and actions behind a colon.
fn is_geminis(version: &str, rest: &str) -> bool {
    version.starts_with("v1beta") || version.starts_with("v1alpha") || rest.contains(':')
}

fn fits(pattern: &str, rest: &str) -> bool {
    let (mut pattern, mut rest) = (segments(pattern), segments(rest).skip(1));
    loop {
        match (pattern.next(), rest.next()) {
            (None, None) => return true,
            (Some(name), Some(segment)) if name == "*" || name == segment => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_row() {
        for (at, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..at].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
