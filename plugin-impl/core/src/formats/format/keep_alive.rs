//! Keep-alives of a format: bytes that an agent was seen to accept before its answer.

use serde_json::Value;

use crate::formats::agent::Agent;

/// The keep-alive for some agents at one path.
#[derive(Debug)]
pub struct KeepAliveRow {
    pub agents: &'static [Agent],
    pub at: KeepAliveAt,
    /// Bytes without meaning for the agents.
    pub beat: &'static [u8],
    /// Writes the end of a failed stream, from the body and the message of the error.
    pub failure: fn(&Value, &str) -> String,
}

/// The paths of a keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAliveAt {
    /// The first two segments behind the version.
    Resource(&'static str, Option<&'static str>),
    /// The action behind a model in the path.
    Action(&'static str),
}
