//! Anthropic's Messages API.

mod error;
mod events;
mod identity;
mod ids;
mod limits;
mod list;
mod paths;

use super::agent::Agent;
use super::format::keep_alive::{KeepAliveAt, KeepAliveRow};
use super::format::request::{RequestShape, StreamSwitch};
use super::format::{AuthScheme, Format};

pub(super) static FORMAT: Format = Format {
    name: "anthropic",
    auth: AuthScheme::XApiKey,
    paths: paths::PATHS,
    request: RequestShape {
        system: &["system"],
        turns: &["messages"],
        stream: StreamSwitch::Body,
        ids_have_vendors: false,
    },
    identity: identity::IDENTITY,
    error: error::body,
    events: events::EVENTS,
    list: &list::LIST,
    ids: ids::IDS,
    keep_alive: &[KeepAliveRow {
        agents: &[Agent::ClaudeCode, Agent::Opencode],
        at: KeepAliveAt::Resource("messages", None),
        // The event that Anthropic itself sends while a model is silent.
        beat: b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
        failure: error::event,
    }],
    limits: limits::LIMITS,
    envelope: None,
};
