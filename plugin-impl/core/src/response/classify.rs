//! What an answer means, decided once.
//!
//! [`classify`] is a pure function of status, headers, the beginning of the body and the time. Gateways
//! answer in anybody's format, so every format's words are understood whatever the request's was; what
//! an error *says* counts for more than its status where the two differ, since a 429 can mean that a
//! model has no room, and a 400 that nobody has paid.
//!
//! The work is in small parts: `error` finds the error in the body, `refusal` and `limit` name it,
//! `hint` finds out when it is over. [`FirstEvent`] looks at a stream before its first byte is
//! delivered, and [`classify_token`] at what a token endpoint says.

mod error;
mod event;
mod hint;
mod limit;
mod mend;
mod message;
mod nesting;
mod provider;
mod refusal;
mod reply;
mod sse;
mod token;
pub(crate) mod when;

use http::{HeaderMap, StatusCode};

use crate::formats::format::WireFormat;
use crate::response::outcome::{NetworkFault, Outcome};
use crate::time::Now;

use self::reply::Reply;

pub use self::event::{FirstEvent, Look, MAX_HELD_BYTES, MAX_HELD_EVENTS};
pub use self::token::{TokenFault, classify_token};

/// How much of a body is looked at.
pub const MAX_PREFIX: usize = 64 * 1024;

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
}

/// Returns what an answer came to.
///
/// `body_prefix` is the beginning of the body, as much as was read. It may be cut anywhere, and it may
/// be anything. Of a stream it is empty: [`FirstEvent`] looks there.
pub fn classify(format: WireFormat, head: Head<'_>, body_prefix: &[u8], now: Now) -> Outcome {
    let body = &body_prefix[..body_prefix.len().min(MAX_PREFIX)];
    match head.status.as_u16() {
        200..=299 => within_success(format, head.headers, body, now),
        101 | 300..=399 => Outcome::Good,
        status @ 400..=599 => Reply::new(format, head.headers, body, now).judge(status),
        _ => Outcome::Unreachable(NetworkFault::Garbage),
    }
}

/// Judges a 2xx by its body: gateways and front ends put pages and errors behind one.
fn within_success(format: WireFormat, headers: &HeaderMap, body: &[u8], now: Now) -> Outcome {
    if error::is_page(headers, body) {
        return Outcome::ServerError;
    }
    if !error::is_error(body) {
        return Outcome::Good;
    }
    Reply::new(format, headers, body, now).judge_by_itself()
}

#[cfg(test)]
mod tests;
