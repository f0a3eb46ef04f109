//! A request as it was understood: what it asks for, who asks, and from which pool.

use bytes::Bytes;
use http::request::Parts;

use crate::body::Facts;
use crate::faults::Traits;
use crate::format::{Format, envelope_is_complete};
use crate::oauth::TokenRequest;
use crate::roster::AccountIndex;
use crate::route::{Operation, Target};
use crate::shape::Shape;
use crate::shared::{Cell, Identity, Shared};

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Option<Operation>,
    pub(crate) caller: Option<AccountIndex>,
    /// Among the caller's cells.
    pub(crate) cell: Option<usize>,
    /// The pool that the path names.
    pub(crate) named_pool: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) stream: bool,
    pub(crate) usage_chunk: bool,
    /// The stream is one JSON array (Gemini without `alt=sse`).
    pub(crate) array: bool,
    /// Anthropic's clients say which version they speak.
    pub(crate) speaks_anthropic: bool,
    /// Google's as well.
    pub(crate) speaks_google: bool,
    /// What is wrong with the request itself.
    pub(crate) complaint: Option<Shape>,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn read(shared: &Shared, head: &Parts, body: Bytes) -> Self {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let query = head.uri.query().unwrap_or("");
        let target = shared.mounts.target(&head.method, head.uri.path());
        let caller = caller(shared, head, query, &target, &body);
        let cell = cell(shared, caller, &target);
        let facts = facts(&target, &body);
        let complaint = complaint(&target, facts.as_ref());
        let wanted = facts.unwrap_or_default();
        Self {
            caller,
            cell,
            model: model(&target, &wanted),
            stream: wants_stream(&target, &wanted),
            usage_chunk: wanted.wants_usage(),
            array: !query.split('&').any(|pair| pair == "alt=sse"),
            speaks_anthropic: head.headers.contains_key("anthropic-version"),
            speaks_google: head.headers.contains_key("x-goog-api-key"),
            complaint,
            operation: target.operation,
            named_pool: target.pool,
            path,
            body,
        }
    }

    pub(crate) fn generates(&self) -> bool {
        self.operation.as_ref().is_some_and(Operation::generates)
    }

    /// The format in which errors are told.
    pub(crate) fn format(&self) -> Format {
        self.operation.as_ref().map_or(Format::OpenaiChat, Operation::format)
    }

    pub(crate) fn identity<'a>(&self, shared: &'a Shared) -> Option<&'a Identity> {
        self.caller.map(|caller| shared.identity(caller))
    }

    pub(crate) fn cell<'a>(&self, shared: &'a Shared) -> Option<&'a Cell> {
        Some(&self.identity(shared)?.cells[self.cell?])
    }

    /// The pool's name: of the cell, or as the path has it.
    pub(crate) fn pool<'a>(&'a self, shared: &'a Shared) -> Option<&'a str> {
        self.cell(shared).map(|cell| cell.pool.as_str()).or(self.named_pool.as_deref())
    }

    pub(crate) fn traits<'a>(&'a self, shared: &'a Shared) -> Traits<'a> {
        Traits {
            account: self.identity(shared).map(|identity| identity.label.as_str()),
            pool: self.pool(shared),
            model: self.model.as_deref(),
            path: &self.path,
            generates: self.generates(),
        }
    }
}

fn caller(
    shared: &Shared,
    head: &Parts,
    query: &str,
    target: &Target<'_>,
    body: &[u8],
) -> Option<AccountIndex> {
    let roster = shared.roster();
    if target.operation == Some(Operation::Token) {
        return roster.of_refresh_token(TokenRequest::read(body).refresh_token());
    }
    roster.caller(&head.headers, query, shared.clock.now())
}

fn cell(shared: &Shared, caller: Option<AccountIndex>, target: &Target<'_>) -> Option<usize> {
    if target.operation == Some(Operation::Token) {
        return None;
    }
    shared.identity(caller?).cell(target.pool.as_deref()).map(|(index, _)| index)
}

fn facts<'a>(target: &Target<'_>, body: &'a [u8]) -> Option<Facts<'a>> {
    match target.operation {
        Some(Operation::Generate { .. } | Operation::CountTokens(_)) => Facts::read(body),
        _ => None,
    }
}

fn model(target: &Target<'_>, facts: &Facts<'_>) -> Option<String> {
    let inner = || facts.request.as_ref().and_then(|request| request.model.as_deref());
    let named = target.model.or(facts.model.as_deref()).or_else(inner)?;
    Some(named.strip_prefix("models/").unwrap_or(named).to_owned())
}

fn wants_stream(target: &Target<'_>, facts: &Facts<'_>) -> bool {
    match target.operation {
        Some(Operation::Generate { stream, .. }) => stream.or(facts.stream).unwrap_or(false),
        _ => false,
    }
}

/// What a provider would refuse before it looks at any quota.
fn complaint(target: &Target<'_>, facts: Option<&Facts<'_>>) -> Option<Shape> {
    let is_wrong = match (&target.operation, facts) {
        (Some(Operation::Generate { format: Format::CodeAssist, .. }), Some(facts)) => {
            !envelope_is_complete(facts.project.as_deref(), facts.model.as_deref(), facts.request.is_some())
        }
        (Some(Operation::CountTokens(Format::CodeAssist)), Some(facts)) => facts.request.is_none(),
        (Some(Operation::Generate { .. } | Operation::CountTokens(_)), Some(facts)) => {
            model(target, facts).is_none()
        }
        (Some(Operation::Generate { .. } | Operation::CountTokens(_)), None) => true,
        (_, _) => false,
    };
    is_wrong.then_some(Shape::InvalidArgument)
}
