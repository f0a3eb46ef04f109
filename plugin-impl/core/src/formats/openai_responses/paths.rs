//! The paths of the Responses API.

use crate::formats::format::ids::ResourceKind;
use crate::formats::format::paths::{Claim, PathRow, Paths, Post};
use crate::formats::operation::Operation;

pub(super) const PATHS: Paths = Paths::of_version("v1", &ROWS);

static ROWS: [PathRow; 2] = [
    PathRow::new("responses", Claim::Alone).of(ResourceKind::Response).posts(&[
        Post::to("", Operation::Generating),
        Post::to("compact", Operation::Generating),
        Post::to("input_tokens", Operation::Counting),
    ]),
    PathRow::new("conversations", Claim::Alone).of(ResourceKind::Conversation),
];
