//! Google's Gemini API.

mod error;
mod events;
mod ids;
mod list;
mod paths;

use super::agent::Agent;
use super::format::identity::Identity;
use super::format::keep_alive::{KeepAliveAt, KeepAliveRow};
use super::format::limits::LimitHeaders;
use super::format::request::{RequestShape, StreamSwitch};
use super::format::{AuthScheme, Format};

pub(super) use self::error::body as error_body;
pub(super) use self::list::LIST;

pub(super) static FORMAT: Format = Format {
    name: "gemini",
    auth: AuthScheme::XGoogApiKey,
    paths: paths::PATHS,
    request: RequestShape {
        system: &["systemInstruction", "system_instruction"],
        turns: &["contents"],
        stream: StreamSwitch::Query("alt=sse"),
        ids_have_vendors: false,
    },
    identity: Identity {
        // It ends each subagent of Gemini CLI; the main agent lacks it.
        tool_of_subagents: Some("\"complete_task\""),
        ..Identity::NONE
    },
    error: error::body,
    events: events::EVENTS,
    list: &LIST,
    ids: ids::IDS,
    keep_alive: &[KeepAliveRow {
        agents: &[Agent::GeminiCli],
        at: KeepAliveAt::Action("streamGenerateContent"),
        // Gemini CLI skips white space before an event and reads anything else as a part of the event.
        beat: b"\n",
        failure: error::bare,
    }],
    limits: LimitHeaders::NONE,
    envelope: None,
};
