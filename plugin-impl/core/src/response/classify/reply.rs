//! An answer that is an error, and the table that names it.

use http::HeaderMap;

use super::error::ErrorBody;
use super::{hint, limit, refusal};
use crate::formats::format::WireFormat;
use crate::response::outcome::{Limited, NetworkFault, Outcome};
use crate::time::Now;

/// All that is known of an error.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) format: WireFormat,
    pub(super) error: ErrorBody,
    pub(super) now: Now,
    headers: &'a HeaderMap,
}

impl<'a> Reply<'a> {
    pub(super) fn new(format: WireFormat, headers: &'a HeaderMap, body: &[u8], now: Now) -> Self {
        Self { format, error: ErrorBody::read(body), now, headers }
    }

    /// Returns a header, of the answer or else of the ones that the error carries in its body.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).or_else(|| self.error.headers.get(name))?.to_str().ok()
    }

    /// Returns all headers that are text, those of the body last.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.headers.iter().chain(&self.error.headers);
        all.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// Judges an error under a status that says so.
    pub(super) fn judge(&self, status: u16) -> Outcome {
        if let Some(named) = refusal::named(self, status) {
            return named;
        }
        match status {
            429 => self.limited(),
            401 => Outcome::Unauthorized,
            402 => Outcome::ProjectRefused,
            403 => refusal::forbidden(self),
            // The proxy on the way wants to know who we are.
            407 => Outcome::Unreachable(NetworkFault::Connect),
            408 => Outcome::Unreachable(NetworkFault::Timeout),
            // Google's ABORTED and CANCELLED, OpenAI's lock timeout: another try may do.
            409 | 499 => Outcome::ServerError,
            503 | 529 => Outcome::Capacity(hint::hint(self)),
            400..=498 => Outcome::RequestFault,
            _ => Outcome::ServerError,
        }
    }

    /// Judges an error that came with a good status, or inside of a stream.
    pub(super) fn judge_by_itself(&self) -> Outcome {
        self.judge(self.error.status.or_else(|| refusal::status_of_codes(&self.error)).unwrap_or(500))
    }

    pub(super) fn limited(&self) -> Outcome {
        Outcome::Limited(Limited { kind: limit::kind(self), hint: hint::hint(self) })
    }
}
