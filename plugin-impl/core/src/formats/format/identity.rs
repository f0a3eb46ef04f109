//! The identity of a request: the headers and tools by which the agents of a format are known.
//!
//! Each rule was found by running the agent.

use http::header::{HeaderMap, HeaderName};

/// The identity of the agents that speak a format.
#[derive(Debug)]
pub struct Identity {
    /// The ids of an agent.
    pub ids: Option<&'static IdRule>,
    /// The type of an agent. Agents of a type share tools and system prompt.
    pub agent_type: Option<&'static HeaderName>,
    /// The class of a request, for agents that tell it.
    pub class: Option<&'static ClassRule>,
    /// Headers of subagents' requests alone.
    pub of_subagents: &'static [&'static HeaderName],
    /// A tool of subagents alone, in quotes.
    pub tool_of_subagents: Option<&'static str>,
}

impl Identity {
    /// A format whose agents have no signs of their own.
    pub const NONE: Self =
        Self { ids: None, agent_type: None, class: None, of_subagents: &[], tool_of_subagents: None };
}

/// The id headers of an agent.
#[derive(Debug)]
pub struct IdRule {
    pub source: SessionSource,
    /// Of each list, the first key with present headers counts.
    pub agent: &'static [IdKey],
    pub parent: &'static [IdKey],
    pub root: &'static [IdKey],
}

/// A key made from headers.
#[derive(Debug)]
pub enum IdKey {
    /// The id in a header.
    Of(&'static HeaderName),
    /// Two ids together.
    Both(&'static HeaderName, &'static HeaderName),
    /// The id in the first header, if the second is present too.
    Beside(&'static HeaderName, &'static HeaderName),
    /// The id in a header with another use at other clients.
    If(fn(&HeaderMap) -> bool, &'static HeaderName),
}

/// The header with the class of a request.
#[derive(Debug)]
pub struct ClassRule {
    pub header: &'static HeaderName,
    pub values: &'static [(&'static str, RequestClass)],
}

/// The class of a request, as an agent tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestClass {
    /// A person waits for the answer.
    Interactive,
    /// Nobody waits for the answer.
    Background,
    /// Nobody waits for the answer, and a subagent asks.
    Subagent,
}

/// The source of an agent's id, in search order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionSource {
    /// The headers `x-claude-code-session-id` and `x-claude-code-agent-id`.
    ClaudeCode,
    /// The headers `thread-id`, `x-client-request-id` where Codex sends it, or `session-id`.
    Codex,
    /// The headers `x-session-affinity` or `x-session-id` (opencode).
    Affinity,
    /// The member `prompt_cache_key` of the body (OpenAI).
    PromptCacheKey,
    /// The session part of the member `metadata.user_id` (Anthropic).
    UserId,
    /// The members `conversation_id` or `thread_id` of the body.
    Conversation,
    /// The start of the conversation: system prompt and first user turn.
    Opening,
    /// The launch id alone.
    Launch,
}
