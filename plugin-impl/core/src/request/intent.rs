//! Intents: which wire format a request is written in, and where it names its model.
//!
//! The answer is in the path alone. Paths are brought to one form, because agents and people write base
//! URLs with a version, without one, or have their agent add a second.

use http::Method;
use http::header::{HeaderMap, HeaderName};

use crate::formats::format::WireFormat;

/// What the path of a request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub format: WireFormat,
    /// With its version and without a query, such as `/v1/messages`.
    pub path: String,
    pub model: ModelPlace,
}

/// Where a request names its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelPlace {
    /// In the field `model` of its JSON body.
    Body,
    /// In the path, before an action: `/v1beta/models/MODEL:ACTION`.
    Path { version: String, model: String, action: String },
    /// It names none that would be needed, as when it asks which models there are or uploads a file.
    Nowhere,
}

/// Returns the format that the headers of a request tell: each of these services has one that all its
/// clients send.
pub fn spoken(headers: &HeaderMap) -> Option<WireFormat> {
    const OF_GEMINI: [HeaderName; 2] =
        [HeaderName::from_static("x-goog-api-key"), HeaderName::from_static("x-goog-api-client")];
    const OF_ANTHROPIC: HeaderName = HeaderName::from_static("anthropic-version");
    if headers.contains_key(OF_ANTHROPIC) {
        return Some(WireFormat::Anthropic);
    }
    OF_GEMINI.iter().any(|name| headers.contains_key(name)).then_some(WireFormat::Gemini)
}

/// Returns the format that path and headers tell, or none where they fit several.
pub fn told(path: &str, spoken: Option<WireFormat>) -> Option<WireFormat> {
    let (version, rest) = split_version(path);
    let by_path = told_by(version, rest, None);
    let fits_several = matches!(segments(rest).next(), Some("models" | "files"));
    if fits_several && by_path == Some(WireFormat::OpenAi) { spoken } else { by_path.or(spoken) }
}

impl Intent {
    /// Reads a path. `format` is known where a host or a base URL told it; else the path has to tell.
    /// `spoken` is what [`spoken`] tells, which tells the services apart that have a `/v1/models`.
    ///
    /// Returns none for a path that is of none of the formats.
    pub fn read(
        method: &Method,
        path: &str,
        format: Option<WireFormat>,
        spoken: Option<WireFormat>,
    ) -> Option<Self> {
        let (version, rest) = split_version(path);
        let format = format.or_else(|| told_by(version, rest, spoken))?;
        let version = if version.is_empty() { default_version(format) } else { version };
        let path = ["/", version, rest].concat();
        let model = match format {
            WireFormat::Gemini => in_path(version, rest),
            WireFormat::Anthropic | WireFormat::OpenAi if method == Method::POST && names_model(rest) => {
                ModelPlace::Body
            }
            WireFormat::Anthropic | WireFormat::OpenAi => ModelPlace::Nowhere,
        };
        Some(Self { format, path, model })
    }

    /// Says whether it names a model at all.
    pub fn names_model(&self) -> bool {
        self.model != ModelPlace::Nowhere
    }

    /// Says whether it asks for vectors. Those of another model mean nothing beside them.
    pub fn embeds(&self) -> bool {
        match &self.model {
            ModelPlace::Path { action, .. } => action.to_ascii_lowercase().contains("embed"),
            ModelPlace::Body | ModelPlace::Nowhere => self.resource().0 == "embeddings",
        }
    }

    /// Returns what the path is about, such as `responses`, and the id of the one thing it means, where
    /// it means one: of `/v1/responses/resp_1/cancel` these are `responses` and `resp_1`.
    pub fn resource(&self) -> (&str, Option<&str>) {
        let mut segments = segments(&self.path).skip(1);
        (segments.next().unwrap_or(""), segments.next())
    }

    /// Returns the path for a model by another name.
    pub fn path_for(&self, model: &str) -> String {
        match &self.model {
            ModelPlace::Path { version, action, .. } => format!("/{version}/models/{model}:{action}"),
            ModelPlace::Body | ModelPlace::Nowhere => self.path.clone(),
        }
    }
}

/// Splits `/v1/messages` into `v1` and `/messages`. Of a doubled version one is dropped.
fn split_version(path: &str) -> (&str, &str) {
    let Some((first, rest)) = path.trim_start_matches('/').split_once('/') else { return ("", path) };
    if !is_version(first) {
        return ("", path);
    }
    let rest = &path[path.len() - rest.len() - 1..];
    match split_version(rest) {
        ("", rest) => (first, rest),
        again => again,
    }
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or("").trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

const fn default_version(format: WireFormat) -> &'static str {
    match format {
        WireFormat::Anthropic | WireFormat::OpenAi => "v1",
        WireFormat::Gemini => "v1beta",
    }
}

fn told_by(version: &str, rest: &str, spoken: Option<WireFormat>) -> Option<WireFormat> {
    match segments(rest).next().unwrap_or("") {
        "messages" | "complete" => Some(WireFormat::Anthropic),
        "models" if rest.contains(':') || version == "v1beta" => Some(WireFormat::Gemini),
        "cachedContents" => Some(WireFormat::Gemini),
        "files" if version == "v1beta" => Some(WireFormat::Gemini),
        "models" | "files" => Some(spoken.unwrap_or(WireFormat::OpenAi)),
        "chat" | "responses" | "conversations" | "completions" | "embeddings" => Some(WireFormat::OpenAi),
        _ => None,
    }
}

/// Says whether what is posted there has a model in it. A file is no JSON at all, a conversation has no
/// model, and an answer that is there already, as when it is cancelled, has been given its own.
fn names_model(rest: &str) -> bool {
    let mut segments = segments(rest);
    match segments.next() {
        Some("files" | "conversations") => false,
        Some("responses") => segments.count() < 2,
        Some(_) | None => true,
    }
}

fn segments(rest: &str) -> impl Iterator<Item = &str> {
    rest.split('/').filter(|segment| !segment.is_empty())
}

fn in_path(version: &str, rest: &str) -> ModelPlace {
    let named = rest.strip_prefix("/models/").and_then(|named| named.rsplit_once(':'));
    named.map_or(ModelPlace::Nowhere, |(model, action)| ModelPlace::Path {
        version: version.into(),
        model: model.into(),
        action: action.into(),
    })
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

    #[test]
    fn no_model_is_asked_of_what_has_none() {
        let place = |path| Intent::read(&Method::POST, path, None, None).expect("known").model;
        for path in [
            "/v1/files",
            "/v1beta/files",
            "/v1beta/cachedContents",
            "/v1/conversations",
            "/v1/conversations/conv_1/items",
            "/v1/responses/resp_1/cancel",
        ] {
            assert_eq!(place(path), ModelPlace::Nowhere, "{path}");
        }
        for path in ["/v1/responses", "/v1/responses/", "/v1/responses/compact", "/v1/chat/completions"] {
            assert_eq!(place(path), ModelPlace::Body, "{path}");
        }
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
        assert_eq!((intent.path.as_str(), intent.model), ("/v1/rerank", ModelPlace::Body));
    }
}
