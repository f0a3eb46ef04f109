//! The list of models at Anthropic.

use serde_json::{Value, json};

use crate::formats::format::list::{ListShape, PageFacts, PageParameter, text};

pub(super) static LIST: ListShape = ListShape {
    list: "data",
    id: "id",
    prefix: "",
    parameters: &[
        ("limit", PageParameter::Length),
        ("after_id", PageParameter::After),
        ("before_id", PageParameter::Before),
    ],
    usual_length: 20,
    next,
    write,
};

fn next(list: &Value) -> Option<(&'static str, String)> {
    if list["has_more"] == true { Some(("after_id", text(list, "last_id")?)) } else { None }
}

fn write(page: PageFacts) -> Value {
    let PageFacts { models, has_more, first_id, last_id } = page;
    json!({"data": models, "has_more": has_more, "first_id": first_id, "last_id": last_id})
}
