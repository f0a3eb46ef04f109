//! References in a request.
//!
//! Most requests refer to nothing, and some are megabytes long. The body is therefore searched for the few
//! quoted names of its format's id fields, and only a member's value is read.

use memchr::{memchr, memmem};
use smallvec::SmallVec;

use crate::formats::body::json::{self, Value};
use crate::formats::format::WireFormat;
use crate::request::intent::Intent;

use super::{BondKey, Kind, MADE, MAX_ID, Mark};

/// The bound on references of a request. A conversation has an encrypted piece of reasoning per turn of the
/// model; more than this exceed any context.
const MAX_BONDS: usize = 4_096;

const VECTOR_STORES: Mark = Mark::new("\"vector_store_ids\"", Kind::Made);
const FILE: Mark = Mark::new("\"file_id\"", Kind::File);

const OF_RESPONSES: [Mark; 6] = [
    Mark::new("\"previous_response_id\"", Kind::Response),
    Mark::new("\"conversation\"", Kind::Conversation),
    Mark::new("\"encrypted_content\"", Kind::Reasoning),
    FILE,
    VECTOR_STORES,
    Mark::new("\"container\"", Kind::Made),
];
const OF_CHAT: [Mark; 1] = [FILE];
const OF_MESSAGES: [Mark; 3] =
    [FILE, Mark::new("\"container\"", Kind::Container), Mark::new("\"skill_id\"", Kind::Made)];
/// All other resources of the two APIs, with short bodies.
const OF_THINGS: [Mark; 12] = [
    FILE,
    VECTOR_STORES,
    Mark::new("\"file_ids\"", Kind::File),
    Mark::new("\"input_file_id\"", Kind::File),
    Mark::new("\"training_file\"", Kind::File),
    Mark::new("\"validation_file\"", Kind::File),
    Mark::new("\"assistant_id\"", Kind::Made),
    Mark::new("\"skill_id\"", Kind::Made),
    Mark::new("\"agent\"", Kind::Made),
    Mark::new("\"environment_id\"", Kind::Made),
    Mark::new("\"vault_ids\"", Kind::Made),
    Mark::new("\"memory_store_id\"", Kind::Made),
];
/// The Gemini API accepts both spellings of a name.
const OF_GEMINI: [Mark; 9] = [
    Mark::new("\"cachedContent\"", Kind::Cache),
    Mark::new("\"cached_content\"", Kind::Cache),
    Mark::new("\"fileUri\"", Kind::File),
    Mark::new("\"file_uri\"", Kind::File),
    Mark::new("\"fileName\"", Kind::File),
    Mark::new("\"file_name\"", Kind::File),
    Mark::new("\"fileSearchStoreNames\"", Kind::Named),
    Mark::new("\"file_search_store_names\"", Kind::Named),
    Mark::new("\"previous_interaction_id\"", Kind::Interaction),
];

/// Returns a request's references to resources of their owner.
///
/// A body other than JSON has none. A repeated reference may occur twice.
pub fn bonds(body: &[u8], intent: &Intent) -> SmallVec<[BondKey; 2]> {
    let mut found = in_path(intent);
    for mark in marks(intent) {
        in_body(body, mark, &mut found);
    }
    found
}

fn in_path(intent: &Intent) -> SmallVec<[BondKey; 2]> {
    let mut found: SmallVec<_> = of_resource(intent).into_iter().collect();
    if intent.format == WireFormat::Gemini {
        found.extend(BondKey::of(Kind::Named, intent.path.as_bytes()));
    } else {
        let made = intent.segments().filter(|segment| MADE.iter().any(|begins| segment.starts_with(begins)));
        found.extend(made.filter_map(|id| BondKey::of(Kind::Made, id.as_bytes())));
    }
    found
}

fn of_resource(intent: &Intent) -> Option<BondKey> {
    let (resource, id) = intent.resource();
    let kind = match resource {
        "responses" => Kind::Response,
        "conversations" => Kind::Conversation,
        "files" => Kind::File,
        "cachedContents" => Kind::Cache,
        "interactions" => Kind::Interaction,
        _ => return None,
    };
    // In the Gemini API an action follows the id: `/v1beta/files/ID:download`.
    BondKey::of(kind, id?.split(':').next()?.as_bytes())
}

fn marks(intent: &Intent) -> &'static [Mark] {
    match (intent.format, intent.resource().0) {
        // An upload is the file itself.
        (_, "files" | "uploads") => &[],
        (WireFormat::OpenAi, "responses" | "conversations") => &OF_RESPONSES,
        (WireFormat::OpenAi, "chat") => &OF_CHAT,
        (WireFormat::Anthropic, "messages") => &OF_MESSAGES,
        (WireFormat::Gemini, "models" | "cachedContents" | "interactions" | "fileSearchStores") => &OF_GEMINI,
        // These hold texts, sounds and pictures, and refer to nothing.
        (_, "completions" | "complete" | "embeddings" | "moderations" | "audio" | "models") => &[],
        (WireFormat::OpenAi | WireFormat::Anthropic, _) => &OF_THINGS,
        (WireFormat::Gemini, _) => &[],
    }
}

fn in_body(body: &[u8], mark: &Mark, found: &mut SmallVec<[BondKey; 2]>) {
    let mut is_object = false;
    for at in memmem::find_iter(body, mark.quoted) {
        let is_inside_a_string = at > 0 && body[at - 1] == b'\\';
        match value(&body[at + mark.quoted.len()..]).filter(|_| !is_inside_a_string) {
            Some([b'"', rest @ ..]) if found.len() < MAX_BONDS => {
                found.extend(BondKey::of(mark.kind, text(rest)));
            }
            Some([b'[', rest @ ..]) => in_list(rest, mark.kind, found),
            Some([b'{', ..]) => is_object = true,
            Some(_) | None => {}
        }
    }
    if is_object {
        found.extend(of_object(body, mark));
    }
}

/// Takes the strings of a list, up to the end or the first other value.
fn in_list(mut rest: &[u8], kind: Kind, found: &mut SmallVec<[BondKey; 2]>) {
    while let Some(string) = rest.trim_ascii_start().strip_prefix(b"\"")
        && found.len() < MAX_BONDS
    {
        let id = text(string);
        found.extend(BondKey::of(kind, id));
        rest = string.get(id.len() + 1..).unwrap_or_default().trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or_default();
    }
}

/// Returns the bytes behind the colon after a name, if there is a colon.
fn value(rest: &[u8]) -> Option<&[u8]> {
    Some(rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

fn text(rest: &[u8]) -> &[u8] {
    let rest = &rest[..rest.len().min(MAX_ID)];
    &rest[..memchr(b'"', rest).unwrap_or(rest.len())]
}

/// Reads `{"conversation":{"id":…}}` at the top level, with one step per member. A search at any depth
/// could take quadratic time.
fn of_object(body: &[u8], mark: &Mark) -> Option<BondKey> {
    let name = std::str::from_utf8(mark.name()).unwrap_or_default();
    let mut members = json::members(body).map_while(Result::ok);
    let id = members.find(|member| member.key.is(name))?.value.member("id").filter(|id| id.is_string())?;
    BondKey::of(mark.kind, quoted(id))
}

fn quoted(string: Value<'_>) -> &[u8] {
    text(string.bytes().strip_prefix(b"\"").unwrap_or_default())
}
