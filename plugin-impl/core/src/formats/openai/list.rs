//! The list of models at OpenAI: always whole.

use serde_json::{Value, json};

use crate::formats::format::list::{ListShape, PageFacts};

pub(in crate::formats) static LIST: ListShape = ListShape {
    list: "data",
    id: "id",
    prefix: "",
    parameters: &[],
    usual_length: usize::MAX,
    next: |_| None,
    write,
};

fn write(page: PageFacts) -> Value {
    json!({"object": "list", "data": page.models})
}
