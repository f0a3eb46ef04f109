//! OpenAI's API: Chat Completions, and everything beside the Responses API.

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
    name: "openai",
    auth: AuthScheme::Bearer,
    paths: paths::PATHS,
    request: RequestShape {
        system: &[],
        turns: &["messages"],
        stream: StreamSwitch::Body,
        ids_have_vendors: true,
    },
    identity: Identity::NONE,
    error: error::body,
    events: events::EVENTS,
    list: &LIST,
    ids: ids::IDS,
    keep_alive: &[KeepAliveRow {
        // In the Responses API opencode asks again for ever after such an error.
        agents: &[Agent::Opencode],
        at: KeepAliveAt::Resource("chat", Some("completions")),
        beat: b": keep-alive\n\n",
        failure: error::chunk,
    }],
    limits: LimitHeaders::NONE,
    envelope: None,
};
