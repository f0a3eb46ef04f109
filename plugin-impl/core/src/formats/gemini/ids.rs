//! The ids of the Gemini API.

use std::sync::LazyLock;

use crate::formats::format::id_fields::IdFields;
use crate::formats::format::ids::{IdField, Ids, ResourceKind};

pub(super) const IDS: Ids = Ids {
    in_answers,
    in_requests,
    prefixes: &[],
    folders: &["batches", "fileSearchStores", "tunedModels", "corpora", "generatedFiles", "operations"],
};

static IN_CACHES: LazyLock<IdFields> = LazyLock::new(|| {
    IdFields::new([IdField::new("\"name\"", ResourceKind::Cache).begins("cachedContents/")])
});
static IN_UPLOADS: LazyLock<IdFields> =
    LazyLock::new(|| IdFields::new([IdField::new("\"name\"", ResourceKind::File).begins("files/")]));
static IN_NAMES: LazyLock<IdFields> = LazyLock::new(|| {
    let folders = ["batches/", "fileSearchStores/", "tunedModels/", "corpora/", "generatedFiles/", "models/"];
    IdFields::new(folders.map(|folder| IdField::new("\"name\"", ResourceKind::Named).begins(folder)))
});
static IN_INTERACTIONS: LazyLock<IdFields> =
    LazyLock::new(|| IdFields::new([IdField::new("\"id\"", ResourceKind::Interaction).begins("v1_")]));

/// The API accepts both spellings of a name.
const REFERENCES: [IdField; 9] = [
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

/// An action follows its subject behind a colon. An action on a model makes a resource only if the action
/// goes on after the answer.
fn in_answers(resource: &str, action: Option<&str>) -> Option<&'static IdFields> {
    match resource {
        "cachedContents" => Some(&IN_CACHES),
        "interactions" => Some(&IN_INTERACTIONS),
        "batches" | "fileSearchStores" | "tunedModels" | "corpora" | "generatedFiles" => Some(&IN_NAMES),
        "models" if action.is_some_and(goes_on) => Some(&IN_NAMES),
        "files" if !action.is_some_and(|id| id.contains(':')) => Some(&IN_UPLOADS),
        _ => None,
    }
}

fn goes_on(model_and_action: &str) -> bool {
    model_and_action.rsplit_once(':').is_some_and(|(_, action)| {
        action.starts_with("batch") && action != "batchEmbedContents"
            || action.starts_with("async")
            || action.starts_with("predictLong")
    })
}

fn in_requests(resource: &str) -> Option<&'static [IdField]> {
    match resource {
        "models" | "cachedContents" | "interactions" | "fileSearchStores" => Some(&REFERENCES),
        _ => None,
    }
}
