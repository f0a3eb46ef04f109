//! The list of models at Google.

use serde_json::{Value, json};

use crate::formats::format::list::{ListShape, PageFacts, PageParameter, text};

/// The API accepts both spellings of a parameter.
pub(in crate::formats) static LIST: ListShape = ListShape {
    list: "models",
    id: "name",
    prefix: "models/",
    parameters: &[
        ("pageSize", PageParameter::LengthAtMost),
        ("pageToken", PageParameter::After),
        ("page_size", PageParameter::LengthAtMost),
        ("page_token", PageParameter::After),
    ],
    usual_length: 50,
    next: |list| Some(("pageToken", text(list, "nextPageToken")?)),
    write,
};

fn write(page: PageFacts) -> Value {
    let PageFacts { models, has_more, last_id, .. } = page;
    if has_more { json!({"models": models, "nextPageToken": last_id}) } else { json!({"models": models}) }
}
