//! The rules by which agents are known, as data. Each row was found by running the agent.
//!
//! | who | agent | parent | root session |
//! |---|---|---|---|
//! | Claude Code | session and agent id, else session | session and parent agent id, else session | session |
//! | Codex | thread, else client request, else session | parent thread | session |
//! | opencode | affinity, else session | parent session | by the parents |
//!
//! `prompt_cache_key` is not among the headers and so never comes before `thread-id`: Codex sends the
//! session's key for every thread of the session.

use http::header::{HeaderMap, HeaderName, USER_AGENT};
use memchr::memmem;

use crate::admission::fair_queue::Class;
use crate::formats::WireFormat;
use crate::request::fnv::Fnv;

use super::{Session, SessionKey, SessionSource};

/// The identity headers of an agent.
struct Rule {
    source: SessionSource,
    /// Of each list, the first key with present headers counts.
    agent: &'static [Key],
    parent: &'static [Key],
    root: &'static [Key],
}

/// A key made from headers.
enum Key {
    /// The id in a header.
    Of(&'static HeaderName),
    /// Two ids together.
    Both(&'static HeaderName, &'static HeaderName),
    /// The id in the first header, if the second is present too.
    Beside(&'static HeaderName, &'static HeaderName),
    /// The id in a header with another use at other clients; counts for Codex only.
    OfCodex(&'static HeaderName),
}

static RULES: [Rule; 3] = [
    Rule {
        source: SessionSource::ClaudeCode,
        agent: &[Key::Both(&CLAUDE_SESSION, &CLAUDE_AGENT), Key::Of(&CLAUDE_SESSION)],
        parent: &[Key::Both(&CLAUDE_SESSION, &CLAUDE_PARENT), Key::Beside(&CLAUDE_SESSION, &CLAUDE_AGENT)],
        root: &[Key::Of(&CLAUDE_SESSION)],
    },
    Rule {
        source: SessionSource::Codex,
        agent: &[
            Key::Of(&THREAD),
            Key::OfCodex(&CLIENT_REQUEST),
            Key::Of(&SESSION),
            Key::Of(&SESSION_OF_OLD),
        ],
        parent: &[Key::Of(&PARENT_THREAD)],
        root: &[Key::Of(&SESSION), Key::Of(&SESSION_OF_OLD)],
    },
    Rule {
        source: SessionSource::Affinity,
        agent: &[Key::Of(&AFFINITY), Key::Of(&PLAIN_SESSION), Key::Of(&OPENCODE_SESSION)],
        parent: &[Key::Of(&PARENT_SESSION), Key::Of(&OPENCODE_PARENT)],
        root: &[],
    },
];

/// Headers of subagents' requests alone.
static OF_SUBAGENTS: [&HeaderName; 6] =
    [&CLAUDE_AGENT, &PARENT_SESSION, &OPENCODE_PARENT, &PARENT_THREAD, &CODEX_SUBAGENT, &CLAUDE_PARENT];

static CLAUDE_SESSION: HeaderName = HeaderName::from_static("x-claude-code-session-id");
static CLAUDE_AGENT: HeaderName = HeaderName::from_static("x-claude-code-agent-id");
static CLAUDE_PARENT: HeaderName = HeaderName::from_static("x-claude-code-parent-agent-id");
static CLAUDE_TYPE: HeaderName = HeaderName::from_static("x-claude-code-agent-type");
static CLAUDE_CLASS: HeaderName = HeaderName::from_static("x-claude-code-request-class");
static THREAD: HeaderName = HeaderName::from_static("thread-id");
static SESSION: HeaderName = HeaderName::from_static("session-id");
static SESSION_OF_OLD: HeaderName = HeaderName::from_static("session_id");
static PARENT_THREAD: HeaderName = HeaderName::from_static("x-codex-parent-thread-id");
static CODEX_SUBAGENT: HeaderName = HeaderName::from_static("x-openai-subagent");
static CLIENT_REQUEST: HeaderName = HeaderName::from_static("x-client-request-id");
/// A header of Codex alone.
static ORIGINATOR: HeaderName = HeaderName::from_static("originator");
static AFFINITY: HeaderName = HeaderName::from_static("x-session-affinity");
static PLAIN_SESSION: HeaderName = HeaderName::from_static("x-session-id");
static PARENT_SESSION: HeaderName = HeaderName::from_static("x-parent-session-id");
static OPENCODE_SESSION: HeaderName = HeaderName::from_static("x-opencode-session-id");
static OPENCODE_PARENT: HeaderName = HeaderName::from_static("x-opencode-parent-session-id");
static COPILOT_INTERACTION: HeaderName = HeaderName::from_static("x-interaction-type");
/// The id of a launch, for agents without a session header. The header never goes upstream.
static LAUNCH: HeaderName = HeaderName::from_static("x-pointsman-root");

/// The tool that ends each subagent of Gemini CLI; the main agent lacks it.
const GEMINI_SUBAGENTS_TOOL: &[u8] = br#""complete_task""#;

/// Returns the session named by headers.
pub(super) fn named(headers: &HeaderMap) -> Option<Session> {
    RULES.iter().find_map(|rule| rule.session(headers))
}

/// Returns the root session of a launch, shared by all its agents.
pub(super) fn launch(headers: &HeaderMap) -> Option<SessionKey> {
    id(headers, &LAUNCH).map(SessionKey::of)
}

/// Returns the type of an agent, if a header tells it.
pub(super) fn agent_type(headers: &HeaderMap) -> Option<u64> {
    id(headers, &CLAUDE_TYPE).map(|kind| Fnv::default().and(kind).0)
}

/// Returns whether the request is a subagent's.
pub fn is_subagents(headers: &HeaderMap, body: &[u8], format: WireFormat) -> bool {
    names_a_subagent(headers) || format == WireFormat::Gemini && has_subagents_tool(body)
}

/// Returns whether a person waits for the answer. Without a header, a person does.
pub fn class(headers: &HeaderMap) -> Class {
    match id(headers, &CLAUDE_CLASS) {
        Some(b"main" | b"compaction") => Class::Interactive,
        Some(b"subagent" | b"workflow" | b"auxiliary") => Class::Background,
        Some(_) | None if names_a_subagent(headers) => Class::Background,
        Some(_) | None => Class::Interactive,
    }
}

impl Rule {
    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let first = |keys: &[Key]| keys.iter().find_map(|key| key.read(headers));
        let agent = first(self.agent)?;
        // Who names itself as its own parent has none.
        let parent = first(self.parent).filter(|parent| *parent != agent);
        Some(Session { agent, parent, root: first(self.root), source: self.source })
    }
}

impl Key {
    fn read(&self, headers: &HeaderMap) -> Option<SessionKey> {
        match self {
            Self::Of(name) => id(headers, name).map(SessionKey::of),
            Self::Both(one, other) => Some(SessionKey::of_both(id(headers, one)?, id(headers, other)?)),
            Self::Beside(name, other) => {
                let name = id(headers, name)?;
                id(headers, other).map(|_| SessionKey::of(name))
            }
            Self::OfCodex(name) => {
                let id = id(headers, name)?;
                is_codex(headers).then(|| SessionKey::of(id))
            }
        }
    }
}

/// Returns whether Codex sends the request. Other clients send a new `x-client-request-id` per request, so
/// the header alone would make a session of each request.
fn is_codex(headers: &HeaderMap) -> bool {
    let begins = |name: &[u8]| name.get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case(b"codex"));
    headers.contains_key(&ORIGINATOR) || headers.get(USER_AGENT).is_some_and(|agent| begins(agent.as_bytes()))
}

fn names_a_subagent(headers: &HeaderMap) -> bool {
    OF_SUBAGENTS.iter().any(|name| id(headers, name).is_some())
        || id(headers, &COPILOT_INTERACTION) == Some(b"conversation-subagent")
        || matches!(id(headers, &CLAUDE_CLASS), Some(b"subagent" | b"workflow"))
}

fn has_subagents_tool(body: &[u8]) -> bool {
    let mut found = memmem::find_iter(body, GEMINI_SUBAGENTS_TOOL);
    // Behind a backslash the quote is a part of some text.
    found.any(|at| at.checked_sub(1).is_none_or(|before| body[before] != b'\\'))
}

fn id<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(|value| value.as_bytes().trim_ascii()).filter(|id| !id.is_empty())
}
