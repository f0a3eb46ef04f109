//! Reads the signs by which agents are known: those of each format, and those of agents that speak several.
//!
//! | who | agent | parent | root session |
//! |---|---|---|---|
//! | opencode | affinity, else session | parent session | by the parents |

use http::header::{HeaderMap, HeaderName};
use memchr::memmem;

use crate::admission::fair_queue::Class;
use crate::formats;
use crate::formats::WireFormat;
use crate::formats::format::identity::{ClassRule, IdKey, IdRule, Identity, RequestClass, SessionSource};
use crate::request::fnv::Fnv;

use super::{Session, SessionKey};

/// The signs of agents that speak several formats: opencode and Copilot CLI.
static OF_ANY_FORMAT: Identity = Identity {
    ids: Some(&IdRule {
        source: SessionSource::Affinity,
        agent: &[IdKey::Of(&AFFINITY), IdKey::Of(&PLAIN_SESSION), IdKey::Of(&OPENCODE_SESSION)],
        parent: &[IdKey::Of(&PARENT_SESSION), IdKey::Of(&OPENCODE_PARENT)],
        root: &[],
    }),
    class: Some(&ClassRule {
        header: &COPILOT_INTERACTION,
        values: &[("conversation-subagent", RequestClass::Subagent)],
    }),
    of_subagents: &[&PARENT_SESSION, &OPENCODE_PARENT],
    ..Identity::NONE
};

static AFFINITY: HeaderName = HeaderName::from_static("x-session-affinity");
static PLAIN_SESSION: HeaderName = HeaderName::from_static("x-session-id");
static PARENT_SESSION: HeaderName = HeaderName::from_static("x-parent-session-id");
static OPENCODE_SESSION: HeaderName = HeaderName::from_static("x-opencode-session-id");
static OPENCODE_PARENT: HeaderName = HeaderName::from_static("x-opencode-parent-session-id");
static COPILOT_INTERACTION: HeaderName = HeaderName::from_static("x-interaction-type");
/// The id of a launch, for agents without a session header. The header never goes upstream.
static LAUNCH: HeaderName = HeaderName::from_static("x-pointsman-root");

/// Returns the signs of all agents. The format of a request does not matter: an agent may speak another.
fn identities() -> impl Iterator<Item = &'static Identity> {
    formats::all().map(|format| &format.identity).chain([&OF_ANY_FORMAT])
}

/// Returns the session named by headers.
pub(super) fn named(headers: &HeaderMap) -> Option<Session> {
    identities().filter_map(|identity| identity.ids).find_map(|rule| session(rule, headers))
}

/// Returns the root session of a launch, shared by all its agents.
pub(super) fn launch(headers: &HeaderMap) -> Option<SessionKey> {
    id(headers, &LAUNCH).map(SessionKey::of)
}

/// Returns the type of an agent, if a header tells it.
pub(super) fn agent_type(headers: &HeaderMap) -> Option<u64> {
    let kind = identities().filter_map(|identity| id(headers, identity.agent_type?)).next();
    kind.map(|kind| Fnv::default().and(kind).0)
}

/// Returns whether the request is a subagent's.
pub fn is_subagents(headers: &HeaderMap, body: &[u8], format: WireFormat) -> bool {
    let mut tools = format.formats().iter().filter_map(|format| format.identity.tool_of_subagents);
    names_a_subagent(headers) || tools.any(|tool| has_tool(body, tool))
}

/// Returns whether a person waits for the answer. Without a header, a person does.
pub fn class(headers: &HeaderMap) -> Class {
    match told_classes(headers).next() {
        Some(RequestClass::Interactive) => Class::Interactive,
        Some(RequestClass::Background | RequestClass::Subagent) => Class::Background,
        None if names_a_subagent(headers) => Class::Background,
        None => Class::Interactive,
    }
}

/// Returns the classes told by headers.
fn told_classes(headers: &HeaderMap) -> impl Iterator<Item = RequestClass> {
    identities().filter_map(|identity| {
        let rule = identity.class?;
        let told = id(headers, rule.header)?;
        rule.values.iter().find(|(value, _)| value.as_bytes() == told).map(|(_, class)| *class)
    })
}

fn session(rule: &IdRule, headers: &HeaderMap) -> Option<Session> {
    let first = |keys: &[IdKey]| keys.iter().find_map(|key| read(key, headers));
    let agent = first(rule.agent)?;
    // Who names itself as its own parent has none.
    let parent = first(rule.parent).filter(|parent| *parent != agent);
    Some(Session { agent, parent, root: first(rule.root), source: rule.source })
}

fn read(key: &IdKey, headers: &HeaderMap) -> Option<SessionKey> {
    match key {
        IdKey::Of(name) => id(headers, name).map(SessionKey::of),
        IdKey::Both(one, other) => Some(SessionKey::of_both(id(headers, one)?, id(headers, other)?)),
        IdKey::Beside(name, other) => {
            let name = id(headers, name)?;
            id(headers, other).map(|_| SessionKey::of(name))
        }
        IdKey::If(is_its, name) => {
            let id = id(headers, name)?;
            is_its(headers).then(|| SessionKey::of(id))
        }
    }
}

fn names_a_subagent(headers: &HeaderMap) -> bool {
    let has_any = |names: &[&HeaderName]| names.iter().any(|name| id(headers, name).is_some());
    identities().any(|identity| has_any(identity.of_subagents))
        || told_classes(headers).any(|class| class == RequestClass::Subagent)
}

fn has_tool(body: &[u8], tool: &str) -> bool {
    let mut found = memmem::find_iter(body, tool.as_bytes());
    // Behind a backslash the quote is a part of some text.
    found.any(|at| at.checked_sub(1).is_none_or(|before| body[before] != b'\\'))
}

fn id<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    headers.get(name).map(|value| value.as_bytes().trim_ascii()).filter(|id| !id.is_empty())
}
