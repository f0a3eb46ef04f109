//! Intents: the wire format of a request, and the place of its model name.
//!
//! Only the path decides. Paths are normalised first: agents and people write base URLs with a version,
//! without one, or have their agent add a second.

mod paths;

use http::Method;
use http::header::HeaderMap;

use crate::formats;
use crate::formats::WireFormat;
use crate::formats::format::ids::ResourceKind;
use crate::formats::format::paths::{PathRow, Paths, PostedModel, segments};
use crate::formats::operation::Operation;

/// The meaning of a request's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub format: WireFormat,
    /// The path with its version and without a query, such as `/v1/messages`.
    pub path: String,
    pub model: ModelPlace,
    pub operation: Operation,
}

/// The place of the model name in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelPlace {
    /// The field `model` of the JSON body.
    Body,
    /// The path, before an action: `/v1beta/models/MODEL:ACTION`.
    Path { version: String, model: String, action: String },
    /// The optional field `model` of the body, JSON or a form.
    Optional,
    /// The `params` of each of the body's `requests`: a batch, routed by its first request.
    Requests,
    /// Nowhere, and no model is needed: for example a list of models or a file upload.
    Nowhere,
}

/// Returns the format told by the headers of a request: every client of a service sends the service's own
/// header.
pub fn spoken(headers: &HeaderMap) -> Option<WireFormat> {
    WireFormat::ALL.into_iter().find(|api| {
        let mut names = api.formats().iter().flat_map(|format| format.paths.headers);
        names.any(|name| headers.contains_key(*name))
    })
}

/// Returns the format told by path and headers, or none if several fit.
pub fn told(path: &str, spoken: Option<WireFormat>) -> Option<WireFormat> {
    let (_, path) = split_media(path);
    let (version, rest) = split_version(path);
    paths::told(paths::find(rest), version, rest, spoken).or(spoken)
}

impl Intent {
    /// Reads a path. `format` is known if a host or a base URL told it; otherwise the path has to tell.
    /// `spoken`, the result of [`spoken`], tells services with a common `/v1/models` apart.
    ///
    /// Returns none for a path of no known format.
    pub fn read(
        method: &Method,
        path: &str,
        format: Option<WireFormat>,
        spoken: Option<WireFormat>,
    ) -> Option<Self> {
        let (media, path) = split_media(path);
        let (version, rest) = split_version(path);
        let found = paths::find(rest);
        let format = format.or_else(|| paths::told_or_usual(found, version, rest, spoken))?;
        let Paths { version: usual, actions, .. } = format.main().paths;
        let version = if version.is_empty() { usual } else { version };
        let row = found.map(|(_, row)| row);
        let (model, operation) = match (actions, in_path(version, rest)) {
            (Some(operation), Some(InPath { place, action })) => (place, operation(action)),
            // What goes to the media host is a file.
            _ if method != Method::POST || !media.is_empty() => unnamed(row),
            // An action behind a colon is one on a thing that is there already.
            (Some(_), None) if rest.contains(':') => unnamed(row),
            (Some(_) | None, _) => posted(row, rest),
        };
        let path = [media, "/", version, rest].concat();
        Some(Self { format, path, model, operation })
    }

    /// Returns whether the request has to name a model.
    pub fn names_model(&self) -> bool {
        match self.model {
            ModelPlace::Body | ModelPlace::Path { .. } | ModelPlace::Requests => true,
            ModelPlace::Optional | ModelPlace::Nowhere => false,
        }
    }

    /// Says whether the path is one of the public lists of the APIs.
    pub fn is_listed(&self) -> bool {
        paths::find(self.resource().0).is_some()
    }

    /// Returns whether the response is a model's output, or vectors.
    pub fn generates(&self) -> bool {
        match self.model {
            ModelPlace::Body | ModelPlace::Path { .. } => true,
            ModelPlace::Optional | ModelPlace::Requests | ModelPlace::Nowhere => false,
        }
    }

    /// Returns whether the request asks for vectors. Vectors of two models cannot be compared.
    pub fn embeds(&self) -> bool {
        self.operation == Operation::Embedding
    }

    /// Returns whether the endpoint takes posts only.
    pub fn takes_posts_only(&self) -> bool {
        let (resource, id) = self.resource();
        let row = paths::find(resource);
        row.is_some_and(|(_, row)| row.takes_posts_only(id)) || matches!(self.model, ModelPlace::Path { .. })
    }

    /// Returns the subject of the path, such as `responses`, and the id of the resource, if the path has an
    /// id: `responses` and `resp_1` for `/v1/responses/resp_1/cancel`.
    pub fn resource(&self) -> (&str, Option<&str>) {
        let mut segments = self.segments();
        (segments.next().unwrap_or(""), segments.next())
    }

    /// Returns the kind of the resource in the path, if resources of that kind belong to one account.
    pub fn kind_of_resource(&self) -> Option<ResourceKind> {
        paths::find(self.resource().0)?.1.resource
    }

    /// Returns the path's segments behind its version.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        segments(split_media(&self.path).1).skip(1)
    }

    /// Returns the path with another model name.
    pub fn path_for(&self, model: &str) -> String {
        match &self.model {
            ModelPlace::Path { version, action, .. } => format!("/{version}/models/{model}:{action}"),
            ModelPlace::Body | ModelPlace::Optional | ModelPlace::Requests | ModelPlace::Nowhere => {
                self.path.clone()
            }
        }
    }
}

/// Splits `/upload/v1beta/files` into `/upload` and `/v1beta/files`: the Gemini API takes and gives files there.
fn split_media(path: &str) -> (&str, &str) {
    for media in formats::all().flat_map(|format| format.paths.media) {
        if let Some(rest) = path.strip_prefix(media)
            && segments(rest).next().is_some_and(is_version)
        {
            return (media, rest);
        }
    }
    ("", path)
}

/// Splits `/v1/messages` into `v1` and `/messages`. Drops one version of a doubled version.
fn split_version(path: &str) -> (&str, &str) {
    let Some((first, rest)) = path.trim_start_matches('/').split_once('/') else { return ("", path) };
    if !is_version(first) {
        return ("", path);
    }
    let rest = &path[path.len() - rest.len() - 1..];
    // `/v1/v1/messages`: the inner version wins.
    match split_version(rest) {
        ("", rest) => (first, rest),
        again => again,
    }
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or("").trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A model in the path, and the action behind it.
struct InPath<'a> {
    place: ModelPlace,
    action: &'a str,
}

fn in_path<'a>(version: &str, rest: &'a str) -> Option<InPath<'a>> {
    let (model, action) = rest.strip_prefix("/models/")?.rsplit_once(':')?;
    let place = ModelPlace::Path { version: version.into(), model: model.into(), action: action.into() };
    Some(InPath { place, action })
}

/// Returns the place of the model name in a body posted to `rest`. A path without a row may or may not name a
/// model.
fn posted(row: Option<&PathRow>, rest: &str) -> (ModelPlace, Operation) {
    let Some(known) = row else { return (ModelPlace::Optional, Operation::Files) };
    let Some(post) = known.post(rest) else { return unnamed(row) };
    let place = match post.model {
        PostedModel::Body => ModelPlace::Body,
        PostedModel::Optional => ModelPlace::Optional,
        PostedModel::Requests => ModelPlace::Requests,
    };
    (place, post.operation)
}

fn unnamed(row: Option<&PathRow>) -> (ModelPlace, Operation) {
    (ModelPlace::Nowhere, row.map_or(Operation::Files, |row| row.operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Option<(WireFormat, String)> {
        Intent::read(&Method::POST, path, None, None).map(|intent| (intent.format, intent.path))
    }

    fn check(path: &str, format: WireFormat, canonical: &str) {
        assert_eq!(read(path), Some((format, canonical.into())), "{path}");
    }

    #[test]
    fn a_path_tells_the_format_with_or_without_its_version() {
        for path in ["/v1/messages", "/messages", "/v1/v1/messages"] {
            check(path, WireFormat::Anthropic, "/v1/messages");
        }
        check("/v1/messages/count_tokens", WireFormat::Anthropic, "/v1/messages/count_tokens");
        check("/v1/chat/completions", WireFormat::OpenAi, "/v1/chat/completions");
        check("/responses", WireFormat::OpenAi, "/v1/responses");
        check("/models/g:generateContent", WireFormat::Gemini, "/v1beta/models/g:generateContent");
        check("/v1/models/g:countTokens", WireFormat::Gemini, "/v1/models/g:countTokens");
        for path in ["/v1/files", "/files/file-1/content", "/v1/responses/resp_1", "/v1/conversations"] {
            assert_eq!(read(path).map(|(format, _)| format), Some(WireFormat::OpenAi), "{path}");
        }
        check("/cachedContents/c", WireFormat::Gemini, "/v1beta/cachedContents/c");
        check("/v1beta/files/f", WireFormat::Gemini, "/v1beta/files/f");
        for path in ["/", "/health", "/v1", "/v1/unknown", "", "/v9"] {
            assert_eq!(read(path), None, "{path}");
        }
    }

    #[test]
    fn models_and_files_are_whose_header_the_request_has() {
        let list = |spoken| Intent::read(&Method::GET, "/v1/models", None, spoken);
        assert_eq!(list(Some(WireFormat::Anthropic)).expect("known").format, WireFormat::Anthropic);
        assert_eq!(list(Some(WireFormat::Gemini)).expect("known").format, WireFormat::Gemini);
        let files = Intent::read(&Method::GET, "/v1/files", None, Some(WireFormat::Anthropic));
        assert_eq!(files.expect("known").format, WireFormat::Anthropic);
        let openai = list(None).expect("known");
        assert_eq!((openai.format, openai.model), (WireFormat::OpenAi, ModelPlace::Nowhere));
    }

    #[test]
    fn what_path_and_headers_tell_decides_and_what_fits_several_tells_nothing() {
        for (path, spoken, format) in [
            ("/v1/messages", None, Some(WireFormat::Anthropic)),
            ("/messages", Some(WireFormat::OpenAi), Some(WireFormat::Anthropic)),
            ("/v1/chat/completions", Some(WireFormat::Anthropic), Some(WireFormat::OpenAi)),
            ("/v1beta/files/f", None, Some(WireFormat::Gemini)),
            ("/v1/files", None, None),
            ("/v1/models", Some(WireFormat::Anthropic), Some(WireFormat::Anthropic)),
            ("/rerank", None, None),
            ("/rerank", Some(WireFormat::Gemini), Some(WireFormat::Gemini)),
        ] {
            assert_eq!(told(path, spoken), format, "{path} {spoken:?}");
        }
    }

    /// The public lists of the three APIs, as far as an account's key can use them: the method and the path,
    /// whose it is, and where it names its model.
    #[test]
    fn the_paths_of_the_public_apis_are_known() {
        use ModelPlace::{Body, Nowhere, Optional, Requests};
        use WireFormat::{Anthropic, Gemini, OpenAi};

        for (method, path, format, place) in [
            ("POST", "/v1/messages", Anthropic, Body),
            ("POST", "/v1/messages/count_tokens", Anthropic, Body),
            ("POST", "/v1/messages/batches", Anthropic, Requests),
            ("GET", "/v1/messages/batches", Anthropic, Nowhere),
            ("GET", "/v1/messages/batches/msgbatch_1", Anthropic, Nowhere),
            ("GET", "/v1/messages/batches/msgbatch_1/results", Anthropic, Nowhere),
            ("POST", "/v1/messages/batches/msgbatch_1/cancel", Anthropic, Nowhere),
            ("DELETE", "/v1/messages/batches/msgbatch_1", Anthropic, Nowhere),
            ("POST", "/v1/complete", Anthropic, Body),
            ("POST", "/v1/chat/completions", OpenAi, Body),
            ("POST", "/v1/chat/completions/chatcmpl-1", OpenAi, Nowhere),
            ("POST", "/v1/completions", OpenAi, Body),
            ("POST", "/v1/embeddings", OpenAi, Body),
            ("POST", "/v1/moderations", OpenAi, Optional),
            ("POST", "/v1/responses", OpenAi, Body),
            ("POST", "/v1/responses/", OpenAi, Body),
            ("POST", "/v1/responses/compact", OpenAi, Body),
            ("POST", "/v1/responses/input_tokens", OpenAi, Body),
            ("POST", "/v1/responses/resp_1/cancel", OpenAi, Nowhere),
            ("GET", "/v1/responses/resp_1/input_items", OpenAi, Nowhere),
            ("POST", "/v1/conversations", OpenAi, Nowhere),
            ("POST", "/v1/conversations/conv_1/items", OpenAi, Nowhere),
            ("POST", "/v1/audio/speech", OpenAi, Optional),
            ("POST", "/v1/audio/transcriptions", OpenAi, Optional),
            ("POST", "/v1/audio/translations", OpenAi, Optional),
            ("POST", "/v1/images/generations", OpenAi, Optional),
            ("POST", "/v1/images/edits", OpenAi, Optional),
            ("POST", "/v1/images/variations", OpenAi, Optional),
            ("POST", "/v1/videos", OpenAi, Optional),
            ("POST", "/v1/videos/video_1/remix", OpenAi, Nowhere),
            ("GET", "/v1/videos/video_1/content", OpenAi, Nowhere),
            ("POST", "/v1/files", OpenAi, Nowhere),
            ("POST", "/v1/uploads", OpenAi, Nowhere),
            ("POST", "/v1/uploads/upload_1/parts", OpenAi, Nowhere),
            ("POST", "/v1/batches", OpenAi, Nowhere),
            ("POST", "/v1/batches/batch_1/cancel", OpenAi, Nowhere),
            ("POST", "/v1/vector_stores", OpenAi, Nowhere),
            ("POST", "/v1/vector_stores/vs_1/search", OpenAi, Nowhere),
            ("POST", "/v1/fine_tuning/jobs", OpenAi, Optional),
            ("POST", "/v1/fine_tuning/jobs/ftjob-1/cancel", OpenAi, Nowhere),
            ("POST", "/v1/evals", OpenAi, Nowhere),
            ("POST", "/v1/evals/eval_1/runs", OpenAi, Nowhere),
            ("POST", "/v1/containers", OpenAi, Nowhere),
            ("POST", "/v1/containers/cntr_1/files", OpenAi, Nowhere),
            ("POST", "/v1/assistants", OpenAi, Optional),
            ("POST", "/v1/threads", OpenAi, Nowhere),
            ("POST", "/v1/threads/thread_1/runs", OpenAi, Optional),
            ("GET", "/v1beta/models", Gemini, Nowhere),
            ("GET", "/v1beta/models/m/operations/o", Gemini, Nowhere),
            ("POST", "/v1beta/cachedContents", Gemini, Optional),
            ("POST", "/v1beta/files", Gemini, Nowhere),
            ("POST", "/upload/v1beta/files", Gemini, Nowhere),
            ("GET", "/download/v1beta/files/f:download", Gemini, Nowhere),
            ("GET", "/v1beta/batches/b", Gemini, Nowhere),
            ("POST", "/v1beta/batches/b:cancel", Gemini, Nowhere),
            ("POST", "/v1beta/fileSearchStores", Gemini, Nowhere),
            ("POST", "/v1beta/fileSearchStores/s:importFile", Gemini, Nowhere),
            ("POST", "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore", Gemini, Nowhere),
            ("POST", "/v1beta/tunedModels/t:generateContent", Gemini, Nowhere),
            ("POST", "/v1beta/interactions", Gemini, Optional),
            ("GET", "/v1beta/interactions/i", Gemini, Nowhere),
        ] {
            let method = method.parse().expect("a method");
            let intent = Intent::read(&method, path, None, None).expect(path);
            assert_eq!((intent.format, intent.model), (format, place), "{path}");
            assert_eq!(intent.path, path.trim_end_matches(' '), "{path}");
        }
    }

    #[test]
    fn a_models_batch_names_its_model_in_the_path() {
        for action in ["batchGenerateContent", "asyncBatchEmbedContent", "predictLongRunning"] {
            let path = format!("/v1beta/models/g:{action}");
            let intent = Intent::read(&Method::POST, &path, None, None).expect("known");
            assert!(matches!(intent.model, ModelPlace::Path { model, .. } if model == "g"), "{path}");
        }
    }

    #[test]
    fn what_hands_out_keys_or_is_too_common_is_not_claimed() {
        for path in
            ["/v1/realtime/client_secrets", "/v1beta/auth_tokens", "/v1/organizations/x", "/v1/sessions"]
        {
            assert_eq!(read(path), None, "{path}");
        }
        let spoken = Some(WireFormat::Anthropic);
        let sessions = Intent::read(&Method::POST, "/v1/sessions", None, spoken).expect("it is told");
        assert_eq!((sessions.format, sessions.model), (WireFormat::Anthropic, ModelPlace::Nowhere));
    }

    #[test]
    fn a_path_names_a_resource_and_may_mean_one_of_them() {
        let resource = |path| {
            let intent = Intent::read(&Method::GET, path, Some(WireFormat::OpenAi), None).expect("known");
            let (resource, id) = intent.resource();
            (resource.to_owned(), id.map(str::to_owned))
        };
        assert_eq!(resource("/responses"), ("responses".into(), None));
        assert_eq!(resource("/v1/responses/r/cancel"), ("responses".into(), Some("r".into())));
        assert_eq!(resource("/"), (String::new(), None));
    }

    #[test]
    fn the_path_tells_the_operation() {
        let check = |method: &Method, path: &str, expected: Operation| {
            let intent = Intent::read(method, path, None, None).expect("a known path");
            assert_eq!(intent.operation, expected, "{path}");
        };
        for path in ["/v1/messages", "/v1/chat/completions", "/v1/responses"] {
            check(&Method::POST, path, Operation::Generating);
        }
        check(&Method::POST, "/v1beta/models/g:streamGenerateContent", Operation::Generating);
        for path in
            ["/v1/messages/count_tokens", "/v1beta/models/g:countTokens", "/v1/responses/input_tokens"]
        {
            check(&Method::POST, path, Operation::Counting);
        }
        for path in ["/v1/models", "/v1/models/m", "/v1beta/models"] {
            check(&Method::GET, path, Operation::Listing);
        }
        check(&Method::POST, "/v1/files", Operation::Files);
        check(&Method::POST, "/v1/messages/batches", Operation::Files);
        check(&Method::GET, "/v1/responses/resp_1", Operation::Files);
        check(&Method::POST, "/v1/embeddings", Operation::Embedding);
        check(&Method::POST, "/v1beta/models/g:embedContent", Operation::Embedding);
    }

    #[test]
    fn vectors_are_known_by_the_path() {
        let embeds = |path| Intent::read(&Method::POST, path, None, None).expect("known").embeds();
        for path in ["/v1/embeddings", "/v1beta/models/g:embedContent", "/v1beta/models/g:batchEmbedContents"]
        {
            assert!(embeds(path), "{path}");
        }
        for path in ["/v1/chat/completions", "/v1/messages", "/v1beta/models/embedder:generateContent"] {
            assert!(!embeds(path), "{path}");
        }
    }

    #[test]
    fn a_model_in_the_path_can_be_renamed() {
        let path = "/v1beta/models/antigravity/gemini-3:flash:streamGenerateContent";
        let intent = Intent::read(&Method::POST, path, None, None).expect("known");
        let ModelPlace::Path { model, .. } = &intent.model else { panic!("{intent:?}") };
        assert_eq!(model, "antigravity/gemini-3:flash");
        assert_eq!(intent.path_for("g"), "/v1beta/models/g:streamGenerateContent");
    }

    #[test]
    fn where_the_host_tells_the_format_any_path_will_do() {
        let intent = Intent::read(&Method::POST, "/rerank", Some(WireFormat::OpenAi), None).expect("known");
        assert_eq!((intent.path.as_str(), intent.model), ("/v1/rerank", ModelPlace::Optional));
    }
}
