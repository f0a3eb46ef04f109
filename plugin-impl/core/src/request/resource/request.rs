//! References in a request.
//!
//! Most requests refer to nothing, and some are megabytes long. The body is therefore searched for the few
//! quoted names of its format's id fields, and only a member's value is read.

use memchr::{memchr, memmem};
use smallvec::SmallVec;

use crate::formats;
use crate::formats::body::json::{self, Value};
use crate::formats::format::ids::{IdField, ResourceKind};
use crate::request::intent::Intent;

use super::{MAX_ID, ResourceKey};

/// The bound on references of a request. A conversation has an encrypted piece of reasoning per turn of the
/// model; more than this exceed any context.
const MAX_RESOURCES: usize = 4_096;

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
    if intent.format.formats().iter().any(|format| !format.ids.folders.is_empty()) {
        found.extend(ResourceKey::of(ResourceKind::Named, intent.path.as_bytes()));
    } else {
        let made = intent.segments().filter(|segment| has_telling_prefix(segment));
        found.extend(made.filter_map(|id| ResourceKey::of(ResourceKind::Made, id.as_bytes())));
    }
    found
}

fn has_telling_prefix(segment: &str) -> bool {
    let mut prefixes = formats::all().flat_map(|format| format.ids.prefixes);
    prefixes.any(|begins| segment.starts_with(begins))
}

fn of_resource(intent: &Intent) -> Option<ResourceKey> {
    let (_, id) = intent.resource();
    let kind = intent.kind_of_resource()?;
    // In the Gemini API an action follows the id: `/v1beta/files/ID:download`.
    ResourceKey::of(kind, id?.split(':').next()?.as_bytes())
}

fn id_fields(intent: &Intent) -> &'static [IdField] {
    let (resource, _) = intent.resource();
    // The formats beside the main one have the special paths.
    let mut formats = intent.format.formats().iter().rev();
    formats.find_map(|format| (format.ids.in_requests)(resource)).unwrap_or_default()
}

fn in_body(body: &[u8], id_field: &IdField, found: &mut SmallVec<[ResourceKey; 2]>) {
    let mut is_object = false;
    for at in memmem::find_iter(body, id_field.quoted) {
        let is_inside_a_string = at > 0 && body[at - 1] == b'\\';
        let named = if is_inside_a_string { None } else { value(&body[at + id_field.quoted.len()..]) };
        match named {
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
