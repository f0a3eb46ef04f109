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

use crate::admission::line::Class;
use crate::formats::format::WireFormat;
use crate::request::fnv::Fnv;

use super::{Session, SessionKey, SessionSource};

/// How one agent names itself.
struct Rule {
    source: SessionSource,
    /// Of each list the first key counts whose headers are there.
    agent: &'static [Key],
    parent: &'static [Key],
    root: &'static [Key],
}

/// A key that headers make.
enum Key {
    /// The id in one header.
    Of(&'static HeaderName),
    /// Two ids together.
    Both(&'static HeaderName, &'static HeaderName),
    /// The id in the first header, where the second is there too.
    Beside(&'static HeaderName, &'static HeaderName),
    /// The id in a header that other clients use for something else, where Codex sends it.
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

/// Headers that only a subagent's requests have.
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
/// Codex sends it, and nobody else.
static ORIGINATOR: HeaderName = HeaderName::from_static("originator");
static AFFINITY: HeaderName = HeaderName::from_static("x-session-affinity");
static PLAIN_SESSION: HeaderName = HeaderName::from_static("x-session-id");
static PARENT_SESSION: HeaderName = HeaderName::from_static("x-parent-session-id");
static OPENCODE_SESSION: HeaderName = HeaderName::from_static("x-opencode-session-id");
static OPENCODE_PARENT: HeaderName = HeaderName::from_static("x-opencode-parent-session-id");
static COPILOT_INTERACTION: HeaderName = HeaderName::from_static("x-interaction-type");
/// An id of one launch of an agent that names no session. It ends here: no upstream is sent it.
static LAUNCH: HeaderName = HeaderName::from_static("x-pointsman-root");

/// The tool by which each subagent of Gemini CLI ends, and which its main agent does not have.
const GEMINI_SUBAGENTS_TOOL: &[u8] = br#""complete_task""#;

/// Returns who headers name.
pub(super) fn named(headers: &HeaderMap) -> Option<Session> {
    RULES.iter().find_map(|rule| rule.session(headers))
}

/// Returns the root session that a launch gives to all agents it starts.
pub(super) fn launch(headers: &HeaderMap) -> Option<SessionKey> {
    id(headers, &LAUNCH).map(SessionKey::of)
}

/// Returns the type of an agent, where it is told.
pub(super) fn agent_type(headers: &HeaderMap) -> Option<u64> {
    id(headers, &CLAUDE_TYPE).map(|kind| Fnv::default().and(kind).0)
}

/// Says whether a request is of an agent that another one started.
pub fn is_subagents(headers: &HeaderMap, body: &[u8], format: WireFormat) -> bool {
    names_a_subagent(headers) || format == WireFormat::Gemini && has_subagents_tool(body)
}

/// Returns whether a person waits for the answer to a request. Where that is not told, a person does.
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

/// Other clients send another `x-client-request-id` with each request, which would make a session of each.
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
