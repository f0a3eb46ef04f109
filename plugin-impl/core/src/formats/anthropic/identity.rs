//! The identity of Claude Code's requests.
//!
//! | agent | parent | root session |
//! |---|---|---|
//! | session and agent id, else session | session and parent agent id, else session | session |

use http::header::HeaderName;

use crate::formats::format::identity::{ClassRule, IdKey, IdRule, Identity, RequestClass, SessionSource};

static SESSION: HeaderName = HeaderName::from_static("x-claude-code-session-id");
static AGENT: HeaderName = HeaderName::from_static("x-claude-code-agent-id");
static PARENT: HeaderName = HeaderName::from_static("x-claude-code-parent-agent-id");
static TYPE: HeaderName = HeaderName::from_static("x-claude-code-agent-type");
static CLASS: HeaderName = HeaderName::from_static("x-claude-code-request-class");

pub(super) const IDENTITY: Identity = Identity {
    ids: Some(&IdRule {
        source: SessionSource::ClaudeCode,
        agent: &[IdKey::Both(&SESSION, &AGENT), IdKey::Of(&SESSION)],
        parent: &[IdKey::Both(&SESSION, &PARENT), IdKey::Beside(&SESSION, &AGENT)],
        root: &[IdKey::Of(&SESSION)],
    }),
    agent_type: Some(&TYPE),
    class: Some(&ClassRule {
        header: &CLASS,
        values: &[
            ("main", RequestClass::Interactive),
            ("compaction", RequestClass::Interactive),
            ("subagent", RequestClass::Subagent),
            ("workflow", RequestClass::Subagent),
            ("auxiliary", RequestClass::Background),
        ],
    }),
    of_subagents: &[&AGENT, &PARENT],
    tool_of_subagents: None,
};
