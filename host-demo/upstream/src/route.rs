//! What a path asks for: a pool by its first segment, and an operation by the rest.

use std::collections::HashMap;

use http::Method;

use crate::format::Format;
use crate::script::Script;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An answer of a model. Where the path does not say whether it is a stream, the body does.
    Generate {
        format: Format,
        stream: Option<bool>,
    },
    CountTokens(Format),
    /// Which list `/v1/models` is depends on the caller's headers.
    Models {
        gemini: bool,
    },
    LoadCodeAssist,
    OnboardUser,
    UserQuota,
    AvailableModels,
    /// Anthropic's usage of an account.
    Usage,
    Token,
}

impl Operation {
    pub(crate) fn generates(&self) -> bool {
        matches!(self, Self::Generate { .. })
    }

    /// The format in which an error is told.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Generate { format, .. } | Self::CountTokens(format) => *format,
            Self::Models { gemini: true } => Format::Gemini,
            Self::Models { gemini: false } => Format::OpenaiChat,
            Self::LoadCodeAssist | Self::OnboardUser | Self::UserQuota | Self::AvailableModels => {
                Format::CodeAssist
            }
            Self::Usage => Format::Anthropic,
            Self::Token => Format::CodeAssist,
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Models { .. } | Self::Usage => Method::GET,
            Self::Generate { .. }
            | Self::CountTokens(_)
            | Self::LoadCodeAssist
            | Self::OnboardUser
            | Self::UserQuota
            | Self::AvailableModels
            | Self::Token => Method::POST,
        }
    }
}

/// A path as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) pool: Option<String>,
    /// None for a path, or a method, that is not served.
    pub(crate) operation: Option<Operation>,
    /// The model, where the path names it.
    pub(crate) model: Option<&'a str>,
}

/// First path segments and the pools they stand for.
#[derive(Debug)]
pub(crate) struct Mounts(HashMap<String, String>);

impl Mounts {
    pub(crate) fn new(script: &Script) -> Self {
        let pools = script.accounts.iter().flat_map(|account| account.pools.keys());
        let mut mounts: HashMap<_, _> = pools.map(|pool| (format!("pool-{pool}"), pool.clone())).collect();
        mounts.extend(script.mounts.clone());
        Self(mounts)
    }

    /// Reads a path.
    pub(crate) fn target<'a>(&self, method: &Method, path: &'a str) -> Target<'a> {
        let (pool, rest) = self.split_pool(path.trim_start_matches('/'));
        let (rest, beta) = without_version(rest);
        let (operation, model) = operation(rest, beta);
        let operation = operation.filter(|operation| is_answered(method, &operation.method()));
        Target { pool, operation, model }
    }

    fn split_pool<'a>(&self, path: &'a str) -> (Option<String>, &'a str) {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        match self.0.get(first) {
            Some(pool) => (Some(pool.clone()), rest),
            None => (None, path),
        }
    }
}

/// Base URLs are written with the version, without it, and by mistake with it twice.
fn without_version(path: &str) -> (&str, bool) {
    let (mut rest, mut beta) = (path, false);
    loop {
        let (version, after) = rest.split_once('/').unwrap_or((rest, ""));
        match version {
            "v1" => {}
            "v1beta" | "v1alpha" => beta = true,
            _ => return (rest, beta),
        }
        rest = after;
    }
}

fn operation(path: &str, beta: bool) -> (Option<Operation>, Option<&str>) {
    let operation = match path {
        "messages" => Operation::Generate { format: Format::Anthropic, stream: None },
        "messages/count_tokens" => Operation::CountTokens(Format::Anthropic),
        "chat/completions" => Operation::Generate { format: Format::OpenaiChat, stream: None },
        "responses" => Operation::Generate { format: Format::OpenaiResponses, stream: None },
        "models" => Operation::Models { gemini: beta },
        "token" => Operation::Token,
        "api/oauth/usage" => Operation::Usage,
        other => return of_google(other),
    };
    (Some(operation), None)
}

fn of_google(path: &str) -> (Option<Operation>, Option<&str>) {
    let Some((subject, action)) = path.rsplit_once(':') else { return (None, None) };
    if subject == "v1internal" {
        return (code_assist(action), None);
    }
    let model = subject.strip_prefix("models/").filter(|model| !model.is_empty());
    (model.and_then(|_| generate(Format::Gemini, action)), model)
}

fn code_assist(action: &str) -> Option<Operation> {
    match action {
        "loadCodeAssist" => Some(Operation::LoadCodeAssist),
        "onboardUser" => Some(Operation::OnboardUser),
        "retrieveUserQuota" => Some(Operation::UserQuota),
        "fetchAvailableModels" => Some(Operation::AvailableModels),
        other => generate(Format::CodeAssist, other),
    }
}

fn generate(format: Format, action: &str) -> Option<Operation> {
    match action {
        "generateContent" => Some(Operation::Generate { format, stream: Some(false) }),
        "streamGenerateContent" => Some(Operation::Generate { format, stream: Some(true) }),
        "countTokens" => Some(Operation::CountTokens(format)),
        _ => None,
    }
}

/// Whatever can be read has a head that can be read alone (RFC 9110 section 9.3.2).
fn is_answered(method: &Method, operations: &Method) -> bool {
    method == operations || method == Method::HEAD && operations == Method::GET
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::script::{Account, Pool};

    use super::*;

    fn mounts() -> Mounts {
        let account = Account::new("a").pool("antigravity", Pool::limited(1, Duration::from_secs(1)));
        Mounts::new(&Script::new(0).account(account).mount("sandbox", "antigravity"))
    }

    fn check(path: &str, pool: Option<&str>, expected: Operation, model: Option<&str>) {
        let mounts = mounts();
        let target = mounts.target(&expected.method(), path);
        assert_eq!(target.pool.as_deref(), pool, "{path}");
        assert_eq!(target.operation, Some(expected), "{path}");
        assert_eq!(target.model, model, "{path}");
    }

    fn generated(format: Format, stream: Option<bool>) -> Operation {
        Operation::Generate { format, stream }
    }

    #[test]
    fn the_version_may_be_there_missing_or_doubled() {
        for prefix in ["/", "/v1/", "/v1/v1/", "//v1/"] {
            check(&format!("{prefix}messages"), None, generated(Format::Anthropic, None), None);
            check(&format!("{prefix}chat/completions"), None, generated(Format::OpenaiChat, None), None);
            check(&format!("{prefix}responses"), None, generated(Format::OpenaiResponses, None), None);
            check(&format!("{prefix}models"), None, Operation::Models { gemini: false }, None);
        }
    }

    #[test]
    fn gemini_names_model_and_action_in_the_path() {
        let stream = generated(Format::Gemini, Some(true));
        check("/v1beta/models/m-1:streamGenerateContent", None, stream, Some("m-1"));
        check("/models/m-1:countTokens", None, Operation::CountTokens(Format::Gemini), Some("m-1"));
        check("/v1beta/models", None, Operation::Models { gemini: true }, None);
    }

    #[test]
    fn a_first_segment_can_stand_for_a_pool() {
        let pool = Some("antigravity");
        let whole = generated(Format::Gemini, Some(false));
        check("/pool-antigravity/v1beta/models/x:generateContent", pool, whole, Some("x"));
        let envelope = generated(Format::CodeAssist, Some(false));
        check("/pool-antigravity/v1internal:generateContent", pool, envelope.clone(), None);
        check("/sandbox/v1internal:generateContent", pool, envelope, None);
        check("/v1internal:retrieveUserQuota", None, Operation::UserQuota, None);
    }

    #[test]
    fn what_is_not_served_is_no_operation() {
        for path in
            ["/", "/v1", "/v2/messages", "/pool-other/v1/messages", "/models/:generateContent", "/models/x:y"]
        {
            assert_eq!(mounts().target(&Method::POST, path).operation, None, "{path}");
        }
        assert_eq!(mounts().target(&Method::GET, "/v1/messages").operation, None);
    }
}
