//! Members of a request in a format.

use crate::formats::body::{self, Wanted};

/// The relevant parts of a request.
#[derive(Debug)]
pub struct RequestShape {
    /// The members of the body with the system prompt.
    pub system: &'static [&'static str],
    /// The members of the body with the turns of the conversation.
    pub turns: &'static [&'static str],
    pub stream: StreamSwitch,
    /// Models have ids with slashes and colons: a vendor before the model, a variant behind.
    pub ids_have_vendors: bool,
}

/// The way to ask for a stream of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamSwitch {
    /// `"stream": true` in the body.
    Body,
    /// A pair of the query.
    Query(&'static str),
}

impl RequestShape {
    /// Returns whether a member of the body has the system prompt.
    pub fn is_system(&self, name: &[u8]) -> bool {
        is_any(self.system, name)
    }

    /// Returns whether a member of the body has the turns of the conversation.
    pub fn is_turns(&self, name: &[u8]) -> bool {
        is_any(self.turns, name)
    }
}

impl StreamSwitch {
    /// Returns whether a request asks for a stream.
    pub fn is_on(self, query: Option<&str>, body: &[u8]) -> bool {
        match self {
            Self::Body => body::peek(body, Wanted::STREAM).is_ok_and(|found| found.stream == Some(true)),
            Self::Query(wanted) => query.is_some_and(|query| query.split('&').any(|pair| pair == wanted)),
        }
    }
}

fn is_any(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}
