//! The meaning of an answer, decided once.
//!
//! [`classify`] is a pure function of status, headers, the beginning of the body and the time. Gateways
//! answer in any format, so every format's words are understood, independent of the request's format. An
//! error's words outrank its status: a 429 can mean a model without room, and a 400 an unpaid account.
//!
//! The work is in small parts: `error` finds the error in the body, `words`, `refusal` and `blunt` name it,
//! `limit` finds its kind, `extent` its extent, and `hint` its end. [`FirstEvent`] looks at a stream before
//! its first byte is delivered, and [`classify_token`] at a token endpoint's answer.

mod asked;
mod blunt;
mod error;
mod event;
mod extent;
mod hint;
mod late;
mod limit;
mod meaning;
mod mend;
mod message;
mod nesting;
mod output;
mod provider;
mod refusal;
mod reply;
mod sse;
mod token;
pub(crate) mod when;
mod words;

use http::{HeaderMap, StatusCode};

use crate::response::evidence::{Certainty, Evidence};
use crate::response::outcome::{NetworkFault, Outcome};
use crate::time::Now;

use self::reply::Reply;

pub use self::asked::Asked;
pub use self::event::{FirstEvent, Look, MAX_HELD_BYTES, MAX_HELD_EVENTS};
pub use self::late::last_words;
pub use self::token::{TokenFault, classify_token};

/// The classified part of a body, in bytes.
pub const MAX_PREFIX: usize = 64 * 1024;

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
}

/// Returns the evidence of an answer.
///
/// `body_prefix` is the beginning of the body, as much as was read. The prefix may be cut anywhere, and may
/// hold any bytes. For a stream the prefix is empty: [`FirstEvent`] looks there.
pub fn classify(asked: Asked<'_>, head: Head<'_>, body_prefix: &[u8], now: Now) -> Evidence {
    let body = &body_prefix[..body_prefix.len().min(MAX_PREFIX)];
    let status = head.status.as_u16();
    let evidence = match status {
        200..=299 => within_success(asked, head.headers, body, now),
        101 | 300..=399 => Evidence::of(Outcome::Good),
        400..=599 => Reply::new(asked, head.headers, body, now).judge(status),
        _ => Evidence::of(Outcome::Unreachable(NetworkFault::Garbage)),
    };
    Evidence { status, ..evidence }
}

/// Judges a 2xx by its body: gateways and front ends put pages and errors behind one.
fn within_success(asked: Asked<'_>, headers: &HeaderMap, body: &[u8], now: Now) -> Evidence {
    if error::is_page(headers, body) {
        return no_answer();
    }
    if !error::is_error(body) {
        return Evidence::of(Outcome::Good);
    }
    Reply::new(asked, headers, body, now).judge_by_itself()
}

/// Returns the evidence of an unusable response.
fn no_answer() -> Evidence {
    Evidence { certainty: Certainty::Status, ..Evidence::of(Outcome::ServerError) }
}

#[cfg(test)]
mod tests;
