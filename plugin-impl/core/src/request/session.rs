//! Identity: which agent a request belongs to, and which root session that agent works for.
//!
//! Two keys come out of a request. The *agent* decides affinity, because the agent's prompt is what an
//! account has cached. The *root session* decides fairness in the wait queue: a person's one piece of work,
//! however many subagents it starts.
//!
//! Agents name themselves in different places. Headers are asked first, by the table in [`rules`], since
//! headers cost no look at the body. An agent that names nothing is known by how its conversation begins,
//! which every later turn repeats.
//!
//! A key is a hash of the id alone, not of where the id was found: agents send one id in several places,
//! and a turn that is repeated in another form has to find the same account.

mod opening;
mod rules;

use std::borrow::Cow;

use http::header::HeaderMap;

use crate::formats::body::json;
use crate::formats::body::{self, Peek, Wanted};
use crate::formats::format::WireFormat;
use crate::request::fnv::Fnv;

use self::opening::Opening;

pub use self::rules::{class, is_subagents};

/// An agent or a root session, as the maps of the fleet know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u64);

impl SessionKey {
    fn of(id: &[u8]) -> Self {
        Self(Fnv::default().and(id).0)
    }

    /// Returns the key of an id that means something only together with another one. The byte between the
    /// two is in no header.
    fn of_both(one: &[u8], other: &[u8]) -> Self {
        Self(Fnv::default().and(one).and_byte(0).and(other).0)
    }
}

/// Who a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The agent that sent the request.
    pub agent: SessionKey,
    /// The agent that started this one as a subagent.
    pub parent: Option<SessionKey>,
    /// The root session, where the request tells it. Otherwise the parents have to be followed.
    pub root: Option<SessionKey>,
    pub source: SessionSource,
}

/// Where the id of an agent was found, in the order in which the places are looked at.
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
    /// How the conversation begins: system prompt and first user turn.
    Opening,
    /// The launch id alone, where the request has nothing else.
    Launch,
}

/// What two agents may have in common: the beginnings of their prompts, which an account caches once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    /// The type of the agent, as its header or its system prompt tells it. Agents of one type have tools and
    /// system prompt in common.
    pub kind: Option<u64>,
    /// How the conversation begins. A forked agent begins with the conversation of its parent.
    pub opening: Option<u64>,
}

/// Returns who a request belongs to, or nothing where there is nothing to tell it by.
pub fn session(headers: &HeaderMap, body: &[u8], format: WireFormat) -> Option<Session> {
    if let Some(named) = named(headers) {
        return Some(named);
    }
    let launch = rules::launch(headers);
    let launched = || launch.map(|launch| (launch, SessionSource::Launch));
    let (agent, source) = in_body(body, format).or_else(launched)?;
    Some(Session { agent, parent: None, root: launch, source })
}

/// Returns who a request belongs to, as far as headers name the agent.
pub fn named(headers: &HeaderMap) -> Option<Session> {
    let named = rules::named(headers)?;
    Some(Session { root: named.root.or_else(|| rules::launch(headers)), ..named })
}

/// Returns the beginnings of an agent's prompt. The body is gone through once, so the caller asks for a new
/// agent only.
pub fn prefix(headers: &HeaderMap, body: &[u8], format: WireFormat) -> Prefix {
    let mut opening = Opening::new(format);
    json::members(body).map_while(Result::ok).for_each(|member| opening.note(&member));
    let (system, opening) = opening.hashes();
    Prefix { kind: rules::agent_type(headers).or(system), opening }
}

type Found = (SessionKey, SessionSource);

/// Returns an id from the members that are made for one, or a hash of how the conversation begins.
///
/// The ids may stand behind megabytes of messages, so an agent without a header costs one pass over the
/// body; what the conversation begins with is noted on the way.
fn in_body(body: &[u8], format: WireFormat) -> Option<Found> {
    let wanted =
        Wanted::PROMPT_CACHE_KEY.and(Wanted::USER_ID).and(Wanted::CONVERSATION_ID).and(Wanted::THREAD_ID);
    let mut opening = Opening::new(format);
    let found = body::peek_and_show(body, wanted, |member| opening.note(member));
    let id = found.ok().and_then(|found| in_members(&found));
    id.or_else(|| Some((SessionKey(opening.hash()?), SessionSource::Opening)))
}

fn in_members(found: &Peek<'_>) -> Option<Found> {
    let user = found.user_id.as_deref().and_then(session_of_user);
    [
        (found.prompt_cache_key.as_deref(), SessionSource::PromptCacheKey),
        (user.as_deref(), SessionSource::UserId),
        (found.conversation_id.as_deref(), SessionSource::Conversation),
        (found.thread_id.as_deref(), SessionSource::Conversation),
    ]
    .into_iter()
    .find_map(|(id, source)| Some((id.filter(|id| !id.trim().is_empty())?, source)))
    .map(|(id, source)| (SessionKey::of(id.trim().as_bytes()), source))
}

/// Returns the session part of a `user_id`: a JSON object with `session_id`, or `…_session_<uuid>`.
///
/// Without such a part it is a person, who may have many sessions.
fn session_of_user(user: &str) -> Option<Cow<'_, str>> {
    let id = match body::text_field(user.as_bytes(), "session_id") {
        Ok(id) => id?,
        Err(_) => user.rsplit_once("_session_")?.1.into(),
    };
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests;
