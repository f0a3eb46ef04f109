//! References in a request.
//!
//! Most requests refer to nothing, and some are megabytes long. The body is therefore searched for the few
//! quoted names of its format's id fields, and only a member's value is read.

use memchr::{memchr, memmem};
use smallvec::SmallVec;

use crate::formats::WireFormat;
use crate::formats::body::json::{self, Value};
use crate::request::intent::Intent;

use super::{IdField, MADE, MAX_ID, ResourceKey, ResourceKind};

/// The bound on references of a request. A conversation has an encrypted piece of reasoning per turn of the
/// model; more than this exceed any context.
const MAX_RESOURCES: usize = 4_096;

const VECTOR_STORES: IdField = IdField::new("\"vector_store_ids\"", ResourceKind::Made);
const FILE: IdField = IdField::new("\"file_id\"", ResourceKind::File);

const OF_RESPONSES: [IdField; 6] = [
    IdField::new("\"previous_response_id\"", ResourceKind::Response),
    IdField::new("\"conversation\"", ResourceKind::Conversation),
    IdField::new("\"encrypted_content\"", ResourceKind::Reasoning),
    FILE,
    VECTOR_STORES,
    IdField::new("\"container\"", ResourceKind::Made),
];
const OF_CHAT: [IdField; 1] = [FILE];
const OF_MESSAGES: [IdField; 3] = [
    FILE,
    IdField::new("\"container\"", ResourceKind::Container),
    IdField::new("\"skill_id\"", ResourceKind::Made),
];
/// All other resources of the two APIs, with short bodies.
const OF_THINGS: [IdField; 12] = [
    FILE,
    VECTOR_STORES,
    IdField::new("\"file_ids\"", ResourceKind::File),
    IdField::new("\"input_file_id\"", ResourceKind::File),
    IdField::new("\"training_file\"", ResourceKind::File),
    IdField::new("\"validation_file\"", ResourceKind::File),
    IdField::new("\"assistant_id\"", ResourceKind::Made),
    IdField::new("\"skill_id\"", ResourceKind::Made),
    IdField::new("\"agent\"", ResourceKind::Made),
    IdField::new("\"environment_id\"", ResourceKind::Made),
    IdField::new("\"vault_ids\"", ResourceKind::Made),
    IdField::new("\"memory_store_id\"", ResourceKind::Made),
];
/// The Gemini API accepts both spellings of a name.
const OF_GEMINI: [IdField; 9] = [
    IdField::new("\"cachedContent\"", ResourceKind::Cache),
    IdField::new("\"cached_content\"", ResourceKind::Cache),
    IdField::new("\"fileUri\"", ResourceKind::File),
    IdField::new("\"file_uri\"", ResourceKind::File),
    IdField::new("\"fileName\"", ResourceKind::File),
    IdField::new("\"file_name\"", ResourceKind::File),
    IdField::new("\"fileSearchStoreNames\"", ResourceKind::Named),
    IdField::new("\"file_search_store_names\"", ResourceKind::Named),
    IdField::new("\"previous_interaction_id\"", ResourceKind::Interaction),
];

/// Returns a request's references to resources of their owner.
///
/// A body other than JSON has none. A repeated reference may occur twice.
pub fn resource_owners(body: &[u8], intent: &Intent) -> SmallVec<[ResourceKey; 2]> {
    let mut found = in_path(intent);
    for id_field in id_fields(intent) {
        in_body(body, id_field, &mut found);
    }
    found
}

fn in_path(intent: &Intent) -> SmallVec<[ResourceKey; 2]> {
    let mut found: SmallVec<_> = of_resource(intent).into_iter().collect();
    if intent.format == WireFormat::Gemini {
        found.extend(ResourceKey::of(ResourceKind::Named, intent.path.as_bytes()));
    } else {
        let made = intent.segments().filter(|segment| MADE.iter().any(|begins| segment.starts_with(begins)));
        found.extend(made.filter_map(|id| ResourceKey::of(ResourceKind::Made, id.as_bytes())));
    }
    found
}

fn of_resource(intent: &Intent) -> Option<ResourceKey> {
    let (resource, id) = intent.resource();
    let kind = match resource {
        "responses" => ResourceKind::Response,
        "conversations" => ResourceKind::Conversation,
        "files" => ResourceKind::File,
        "cachedContents" => ResourceKind::Cache,
        "interactions" => ResourceKind::Interaction,
        _ => return None,
    };
    // In the Gemini API an action follows the id: `/v1beta/files/ID:download`.
    ResourceKey::of(kind, id?.split(':').next()?.as_bytes())
}

fn id_fields(intent: &Intent) -> &'static [IdField] {
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

fn in_body(body: &[u8], id_field: &IdField, found: &mut SmallVec<[ResourceKey; 2]>) {
    let mut is_object = false;
    for at in memmem::find_iter(body, id_field.quoted) {
        let is_inside_a_string = at > 0 && body[at - 1] == b'\\';
        match value(&body[at + id_field.quoted.len()..]).filter(|_| !is_inside_a_string) {
            Some([b'"', rest @ ..]) if found.len() < MAX_RESOURCES => {
                found.extend(ResourceKey::of(id_field.kind, text(rest)));
            }
            Some([b'[', rest @ ..]) => in_list(rest, id_field.kind, found),
            Some([b'{', ..]) => is_object = true,
            Some(_) | None => {}
        }
    }
    if is_object {
        found.extend(of_object(body, id_field));
    }
}

/// Takes the strings of a list, up to the end or the first other value.
fn in_list(mut rest: &[u8], kind: ResourceKind, found: &mut SmallVec<[ResourceKey; 2]>) {
    while let Some(string) = rest.trim_ascii_start().strip_prefix(b"\"")
        && found.len() < MAX_RESOURCES
    {
        let id = text(string);
        found.extend(ResourceKey::of(kind, id));
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
fn of_object(body: &[u8], id_field: &IdField) -> Option<ResourceKey> {
    let name = std::str::from_utf8(id_field.name()).unwrap_or_default();
    let mut members = json::members(body).map_while(Result::ok);
    let id = members.find(|member| member.key.is(name))?.value.member("id").filter(|id| id.is_string())?;
    ResourceKey::of(id_field.kind, quoted(id))
}

fn quoted(string: Value<'_>) -> &[u8] {
    text(string.bytes().strip_prefix(b"\"").unwrap_or_default())
}
