//! The paths of Anthropic's API. Paths of an organization instead of an account's key have no row.

use http::header::HeaderName;

use crate::formats::format::paths::{Claim, PathRow, Paths, Post, PostedModel, Stored};
use crate::formats::operation::Operation;

static VERSION: HeaderName = HeaderName::from_static("anthropic-version");

pub(super) const PATHS: Paths = Paths { headers: &[&VERSION], ..Paths::of_version("v1", &ROWS) };

static ROWS: [PathRow; 7] = [
    PathRow::new("messages", Claim::Alone)
        .posts(&[
            Post::to("", Operation::Generating),
            Post::to("count_tokens", Operation::Counting),
            Post { pattern: "batches", model: PostedModel::Requests, operation: Operation::Files },
        ])
        .storing(Stored::Only("batches")),
    PathRow::new("complete", Claim::Alone)
        .posts(&[Post::to("", Operation::Generating)])
        .storing(Stored::Nothing),
    PathRow::new("agents", Claim::IfTold)
        .posts(&[Post::optional("", Operation::Files), Post::optional("*", Operation::Files)]),
    PathRow::new("sessions", Claim::IfTold),
    PathRow::new("environments", Claim::IfTold),
    PathRow::new("vaults", Claim::IfTold),
    PathRow::new("memory_stores", Claim::IfTold),
];
