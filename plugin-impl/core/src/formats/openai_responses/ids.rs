//! The ids of the Responses API.

use std::sync::LazyLock;

use crate::formats::format::id_fields::IdFields;
use crate::formats::format::ids::{IdField, Ids, ResourceKind};
use crate::formats::made_ids::{FILE, VECTOR_STORES};

pub(super) const IDS: Ids = Ids {
    in_answers: |resource, _| is_its(resource).then(|| &*IN_RESPONSES),
    in_requests: |resource| is_its(resource).then_some(&OF_RESPONSES),
    ..Ids::NONE
};

/// Running code has a container.
static IN_RESPONSES: LazyLock<IdFields> = LazyLock::new(|| {
    IdFields::new([
        IdField::new("\"id\"", ResourceKind::Response).begins("resp_"),
        IdField::new("\"id\"", ResourceKind::Conversation).begins("conv_"),
        IdField::new("\"encrypted_content\"", ResourceKind::Reasoning),
        IdField::new("\"container_id\"", ResourceKind::Made).begins("cntr_"),
    ])
});

const OF_RESPONSES: [IdField; 6] = [
    IdField::new("\"previous_response_id\"", ResourceKind::Response),
    IdField::new("\"conversation\"", ResourceKind::Conversation),
    IdField::new("\"encrypted_content\"", ResourceKind::Reasoning),
    FILE,
    VECTOR_STORES,
    IdField::new("\"container\"", ResourceKind::Made),
];

fn is_its(resource: &str) -> bool {
    matches!(resource, "responses" | "conversations")
}
