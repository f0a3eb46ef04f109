//! Identity: a request's agent, and the agent's root session.
//!
//! A request has two keys. The *agent* decides affinity, because an account caches the agent's prompt. The
//! *root session* decides fairness in the wait queue: a person's piece of work, with any number of
//! subagents.
//!
//! Agents carry their ids in different places. Headers come first, by the table in `rules`, because a
//! header costs no look at the body. Without an id, the start of the conversation identifies the agent:
//! every later turn repeats the start.
//!
//! A key is a hash of the id alone, independent of the id's place: agents send an id in several places, and
//! a repeated turn in another form has to find the same account.

mod opening;
mod rules;

use std::borrow::Cow;

use http::header::HeaderMap;

use crate::formats::WireFormat;
use crate::formats::body::json;
use crate::formats::body::{self, Peek, Wanted};
use crate::formats::format::identity::SessionSource;
use crate::request::fnv::Fnv;

use self::opening::Opening;

pub use self::rules::{class, is_subagents};

/// An agent or a root session, as a key of the fleet's maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub u64);

impl SessionKey {
    fn of(id: &[u8]) -> Self {
        Self(Fnv::default().and(id).0)
    }

    /// Returns the key of two ids together. No header contains the byte between them.
    fn of_both(one: &[u8], other: &[u8]) -> Self {
        Self(Fnv::default().and(one).and_byte(0).and(other).0)
    }
}

/// The identity of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The agent that sent the request.
    pub agent: SessionKey,
    /// The agent that started this agent as a subagent.
    pub parent: Option<SessionKey>,
    /// The root session, if the request tells it; otherwise the chain of parents leads there.
    pub root: Option<SessionKey>,
    pub source: SessionSource,
}

/// The shareable parts of a prompt: an account caches equal beginnings once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    /// The type of the agent, from its header or its system prompt. Agents of a type share tools and system
    /// prompt.
    pub kind: Option<u64>,
    /// The start of the conversation. A forked agent starts with its parent's conversation.
    pub opening: Option<u64>,
}

/// Returns the identity of a request, or nothing without any sign of it.
pub fn session(headers: &HeaderMap, body: &[u8], format: WireFormat) -> Option<Session> {
    if let Some(named) = named(headers) {
        return Some(named);
    }
    let launch = rules::launch(headers);
    let launched = || launch.map(|launch| (launch, SessionSource::Launch));
    let (agent, source) = in_body(body, format).or_else(launched)?;
    Some(Session { agent, parent: None, root: launch, source })
}

/// Returns the identity of a request, from headers alone.
pub fn named(headers: &HeaderMap) -> Option<Session> {
    let named = rules::named(headers)?;
    Some(Session { root: named.root.or_else(|| rules::launch(headers)), ..named })
}

/// Returns the shareable parts of an agent's prompt. The call reads the body once, so only new agents ask.
pub fn prefix(headers: &HeaderMap, body: &[u8], format: WireFormat) -> Prefix {
    let mut opening = Opening::new(format);
    json::members(body).map_while(Result::ok).for_each(|member| opening.note(&member));
    let (system, opening) = opening.hashes();
    Prefix { kind: rules::agent_type(headers).or(system), opening }
}

type Found = (SessionKey, SessionSource);

/// Returns an id from the body's id members, or a hash of the conversation's start.
///
/// The ids may follow megabytes of messages, so an agent without a header costs a pass over the body; the
/// pass also collects the start of the conversation.
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
/// Without such a part the id is a person's, with possibly many sessions.
fn session_of_user(user: &str) -> Option<Cow<'_, str>> {
    let id = match body::text_field(user.as_bytes(), "session_id") {
        Ok(id) => id?,
        Err(_) => user.rsplit_once("_session_")?.1.into(),
    };
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests;
