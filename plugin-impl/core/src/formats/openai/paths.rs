//! The paths of OpenAI's API beside the Responses API. Paths that hand out keys of an account
//! (`/v1/realtime`) have no row.

use crate::formats::format::ids::ResourceKind;
use crate::formats::format::paths::{Claim, PathRow, Paths, Post, Stored};
use crate::formats::operation::Operation;

pub(super) const PATHS: Paths = Paths::of_version("v1", &ROWS);

static ROWS: [PathRow; 19] = [
    PathRow::new("models", Claim::UnlessTold).listing(),
    PathRow::new("files", Claim::UnlessTold).of(ResourceKind::File),
    PathRow::new("skills", Claim::UnlessTold),
    PathRow::new("batches", Claim::UnlessTold),
    PathRow::new("chat", Claim::Alone).posts(&[Post::to("completions", Operation::Generating)]),
    PathRow::new("completions", Claim::Alone)
        .posts(&[Post::to("", Operation::Generating)])
        .storing(Stored::Nothing),
    PathRow::new("embeddings", Claim::Alone)
        .posts(&[Post::to("", Operation::Embedding)])
        .storing(Stored::Nothing),
    PathRow::new("moderations", Claim::Alone).posts(&[Post::optional("", Operation::Files)]),
    PathRow::new("audio", Claim::Alone).posts(&[
        Post::optional("speech", Operation::Generating),
        Post::optional("transcriptions", Operation::Generating),
        Post::optional("translations", Operation::Generating),
    ]),
    PathRow::new("images", Claim::Alone).posts(&[
        Post::optional("generations", Operation::Generating),
        Post::optional("edits", Operation::Generating),
        Post::optional("variations", Operation::Generating),
    ]),
    PathRow::new("videos", Claim::Alone).posts(&[
        Post::optional("", Operation::Files),
        Post::optional("edits", Operation::Files),
        Post::optional("extensions", Operation::Files),
    ]),
    PathRow::new("uploads", Claim::Alone),
    PathRow::new("vector_stores", Claim::Alone),
    PathRow::new("fine_tuning", Claim::Alone).posts(&[Post::optional("jobs", Operation::Files)]),
    PathRow::new("evals", Claim::Alone),
    PathRow::new("containers", Claim::Alone),
    PathRow::new("assistants", Claim::Alone)
        .posts(&[Post::optional("", Operation::Files), Post::optional("*", Operation::Files)]),
    PathRow::new("threads", Claim::Alone)
        .posts(&[Post::optional("runs", Operation::Files), Post::optional("*/runs", Operation::Files)]),
    PathRow::new("chatkit", Claim::Alone),
];
