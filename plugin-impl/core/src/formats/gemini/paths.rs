//! The paths of the Gemini API. Paths that hand out keys of an account (`auth_tokens`) have no row.

use http::header::HeaderName;

use crate::formats::format::ids::ResourceKind;
use crate::formats::format::paths::{Claim, PathRow, Paths, Post};
use crate::formats::operation::Operation;

static KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
static CLIENT: HeaderName = HeaderName::from_static("x-goog-api-client");

pub(super) const PATHS: Paths = Paths {
    version: "v1beta",
    media: &["/upload", "/download", "/resumable/upload"],
    headers: &[&KEY, &CLIENT],
    tells,
    actions: Some(operation),
    patches: true,
    rows: &ROWS,
};

/// Only the Gemini API has a `v1beta` and actions behind a colon.
fn tells(version: &str, rest: &str) -> bool {
    version.starts_with("v1beta") || version.starts_with("v1alpha") || rest.contains(':')
}

fn operation(action: &str) -> Operation {
    if action.eq_ignore_ascii_case("countTokens") {
        Operation::Counting
    } else if action.to_ascii_lowercase().contains("embed") {
        Operation::Embedding
    } else {
        Operation::Generating
    }
}

static ROWS: [PathRow; 8] = [
    PathRow::new("cachedContents", Claim::Alone)
        .of(ResourceKind::Cache)
        .posts(&[Post::optional("", Operation::Files)]),
    PathRow::new("fileSearchStores", Claim::Alone),
    PathRow::new("tunedModels", Claim::Alone),
    PathRow::new("corpora", Claim::Alone),
    PathRow::new("dynamic", Claim::Alone),
    PathRow::new("generatedFiles", Claim::Alone),
    PathRow::new("operations", Claim::Alone),
    PathRow::new("interactions", Claim::Alone)
        .of(ResourceKind::Interaction)
        .posts(&[Post::optional("", Operation::Files)]),
];
