//! OpenAI's Responses API.

use serde_json::{Value, json};

use super::agent::Agent;
use super::format::keep_alive::{KeepAliveAt, KeepAliveRow};
use super::format::request::{RequestShape, StreamSwitch};
use super::format::{AuthScheme, Format};

mod events;
mod identity;
mod ids;
mod limits;
mod paths;

pub(super) static FORMAT: Format = Format {
    name: "openai-responses",
    auth: AuthScheme::Bearer,
    paths: paths::PATHS,
    request: RequestShape {
        system: &["instructions"],
        turns: &["input"],
        stream: StreamSwitch::Body,
        ids_have_vendors: true,
    },
    identity: identity::IDENTITY,
    error: super::openai::error_body,
    events: events::EVENTS,
    list: &super::openai::LIST,
    ids: ids::IDS,
    keep_alive: &[KeepAliveRow {
        agents: &[Agent::Codex],
        at: KeepAliveAt::Resource("responses", None),
        // Codex counts events and no comments, and ignores an unknown type.
        beat: b"event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":0}\n\n",
        failure,
    }],
    limits: limits::LIMITS,
    envelope: None,
};

/// Writes the event `response.failed`, with the one code that Codex neither tries again nor tells in words of
/// its own.
fn failure(_: &Value, message: &str) -> String {
    let error = json!({"code": "invalid_prompt", "message": message});
    let response = json!({
        "id": "resp_pointsman", "object": "response", "status": "failed", "output": [], "error": error,
    });
    let event = json!({"type": "response.failed", "sequence_number": 1, "response": response});
    format!("event: response.failed\ndata: {event}\n\n")
}
