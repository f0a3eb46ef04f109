//! Ids with a telling prefix, as Anthropic and OpenAI give them to everything that they store.

use std::sync::LazyLock;

use super::format::id_fields::IdFields;
use super::format::ids::{IdField, ResourceKind};

/// An uploaded file: `file-…` at OpenAI, `file_…` at Anthropic.
pub(super) const FILE: IdField = IdField::new("\"file_id\"", ResourceKind::File);
/// Vector stores to search in.
pub(super) const VECTOR_STORES: IdField = IdField::new("\"vector_store_ids\"", ResourceKind::Made);

static IN_FILES: LazyLock<IdFields> =
    LazyLock::new(|| IdFields::new([IdField::new("\"id\"", ResourceKind::File).begins("file")]));

/// Ids with a telling prefix, and attached files.
static IN_THINGS: LazyLock<IdFields> = LazyLock::new(|| {
    let prefixes = super::all().flat_map(|format| format.ids.prefixes);
    let things = prefixes.map(|begins| IdField::new("\"id\"", ResourceKind::Made).begins(begins));
    let files = ["\"id\"", "\"output_file_id\"", "\"error_file_id\""];
    IdFields::new(things.chain(files.map(|name| IdField::new(name, ResourceKind::File).begins("file"))))
});

/// The references of stored things, with short bodies.
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

/// Returns the id fields of things.
pub(super) fn things() -> &'static IdFields {
    &IN_THINGS
}

/// Returns the id fields of the answers of a resource.
pub(super) fn in_answers(resource: &str) -> Option<&'static IdFields> {
    match resource {
        "files" => Some(&IN_FILES),
        "batches" | "uploads" | "vector_stores" | "fine_tuning" | "evals" | "containers" | "assistants"
        | "threads" | "videos" | "skills" | "agents" | "sessions" | "environments" | "vaults"
        | "memory_stores" => Some(&IN_THINGS),
        _ => None,
    }
}

/// Returns the id fields of the requests to a resource.
pub(super) fn in_requests(resource: &str) -> &'static [IdField] {
    match resource {
        // An upload is the file itself.
        "files" | "uploads" => &[],
        // These hold texts, sounds and pictures, and refer to nothing.
        "completions" | "complete" | "embeddings" | "moderations" | "audio" | "models" => &[],
        _ => &OF_THINGS,
    }
}
