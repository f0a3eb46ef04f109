//! The identity of Codex's requests.
//!
//! | agent | parent | root session |
//! |---|---|---|
//! | thread, else client request, else session | parent thread | session |
//!
//! `prompt_cache_key` is not among the headers and so never comes before `thread-id`: Codex sends the
//! session's key for every thread of the session.

use http::header::{HeaderMap, HeaderName, USER_AGENT};

use crate::formats::format::identity::{IdKey, IdRule, Identity, SessionSource};

static THREAD: HeaderName = HeaderName::from_static("thread-id");
static SESSION: HeaderName = HeaderName::from_static("session-id");
static SESSION_OF_OLD: HeaderName = HeaderName::from_static("session_id");
static PARENT_THREAD: HeaderName = HeaderName::from_static("x-codex-parent-thread-id");
static SUBAGENT: HeaderName = HeaderName::from_static("x-openai-subagent");
static CLIENT_REQUEST: HeaderName = HeaderName::from_static("x-client-request-id");
/// A header of Codex alone.
static ORIGINATOR: HeaderName = HeaderName::from_static("originator");

pub(super) const IDENTITY: Identity = Identity {
    ids: Some(&IdRule {
        source: SessionSource::Codex,
        agent: &[
            IdKey::Of(&THREAD),
            IdKey::If(is_codex, &CLIENT_REQUEST),
            IdKey::Of(&SESSION),
            IdKey::Of(&SESSION_OF_OLD),
        ],
        parent: &[IdKey::Of(&PARENT_THREAD)],
        root: &[IdKey::Of(&SESSION), IdKey::Of(&SESSION_OF_OLD)],
    }),
    of_subagents: &[&PARENT_THREAD, &SUBAGENT],
    ..Identity::NONE
};

/// Returns whether Codex sends the request. Other clients send a new `x-client-request-id` per request, so
/// the header alone would make a session of each request.
fn is_codex(headers: &HeaderMap) -> bool {
    let begins = |name: &[u8]| name.get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case(b"codex"));
    headers.contains_key(&ORIGINATOR) || headers.get(USER_AGENT).is_some_and(|agent| begins(agent.as_bytes()))
}
