//! One wire format as a value: data and small pure functions.
//!
//! Shared logic asks the value and knows no format by name. Each field is one aspect, with its types in a
//! module of its own below; the values stand in the folders beside this one.

pub mod envelope;
pub mod error;
pub mod events;
pub mod id_fields;
pub mod identity;
pub mod ids;
pub mod keep_alive;
pub mod limits;
pub mod list;
pub mod paths;
pub mod request;

use serde_json::Value;

use self::envelope::Wrapping;
use self::error::ErrorFacts;
use self::events::Events;
use self::identity::Identity;
use self::ids::Ids;
use self::keep_alive::KeepAliveRow;
use self::limits::LimitHeaders;
use self::list::ListShape;
use self::paths::Paths;
use self::request::RequestShape;

/// A wire format: every aspect that the shared logic asks about.
#[derive(Debug)]
pub struct Format {
    /// The name, as in `kind: openai`.
    pub name: &'static str,
    /// The usual way to send an API key.
    pub auth: AuthScheme,
    pub paths: Paths,
    pub request: RequestShape,
    /// The signs of the agents that speak it.
    pub identity: Identity,
    /// Writes the body of an error of the router's own.
    pub error: fn(&ErrorFacts) -> Value,
    /// The events of a stream, and the members of an answer.
    pub events: Events,
    /// The list of models.
    pub list: &'static ListShape,
    /// The ids of resources that belong to one account.
    pub ids: Ids,
    /// The keep-alives that agents accept.
    pub keep_alive: &'static [KeepAliveRow],
    /// The headers in which an account tells of its limits.
    pub limits: LimitHeaders,
    /// The way into an envelope, for formats around another format.
    pub envelope: Option<&'static Wrapping>,
}

/// The way to send an API key. Access tokens are always bearer tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// `x-api-key: KEY`.
    XApiKey,
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `x-goog-api-key: KEY`.
    XGoogApiKey,
    /// `?key=KEY`.
    QueryKey,
}
