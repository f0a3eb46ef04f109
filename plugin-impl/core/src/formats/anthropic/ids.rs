//! The ids of Anthropic's API.

use std::sync::LazyLock;

use crate::formats::format::id_fields::IdFields;
use crate::formats::format::ids::{IdField, Ids, ResourceKind};
use crate::formats::made_ids::{self, FILE};

pub(super) const IDS: Ids = Ids {
    in_answers,
    in_requests,
    // Batches, skills, and managed agents with what they use.
    prefixes: &["msgbatch_", "skill_", "agent_", "sesn_", "env_", "vlt_", "memstore_"],
    folders: &[],
};

/// Running code can make files.
static IN_MESSAGES: LazyLock<IdFields> = LazyLock::new(|| {
    IdFields::new([
        IdField::new("\"id\"", ResourceKind::Container).begins("container_"),
        IdField::new("\"file_id\"", ResourceKind::File).begins("file"),
    ])
});

const OF_MESSAGES: [IdField; 3] = [
    FILE,
    IdField::new("\"container\"", ResourceKind::Container),
    IdField::new("\"skill_id\"", ResourceKind::Made),
];

fn in_answers(resource: &str, id: Option<&str>) -> Option<&'static IdFields> {
    match (resource, id) {
        ("messages", None) => Some(&IN_MESSAGES),
        ("messages", Some("batches")) => Some(made_ids::things()),
        _ => made_ids::in_answers(resource),
    }
}

fn in_requests(resource: &str) -> Option<&'static [IdField]> {
    Some(if resource == "messages" { &OF_MESSAGES } else { made_ids::in_requests(resource) })
}
