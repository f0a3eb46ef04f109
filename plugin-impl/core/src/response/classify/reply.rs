//! An error answer, and the steps to name the error.

use http::HeaderMap;

use super::asked::Asked;
use super::error::ErrorBody;
use super::when::clock;
use super::{blunt, extent, hint, limit, meaning, refusal};
use crate::response::evidence::{Certainty, Evidence};
use crate::response::outcome::{Hint, NetworkFault, Outcome};
use crate::time::Now;

/// Everything known of an error.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) asked: Asked<'a>,
    pub(super) error: ErrorBody,
    /// The time, by the upstream's own clock if reported.
    pub(super) now: Now,
    headers: &'a HeaderMap,
}

impl<'a> Reply<'a> {
    pub(super) fn new(asked: Asked<'a>, headers: &'a HeaderMap, body: &[u8], now: Now) -> Self {
        let mut error = ErrorBody::read(body);
        if let Some(code) = headers.get("x-amzn-errortype").and_then(|code| code.to_str().ok()) {
            error.note_code(code);
        }
        Self { asked, error, now: clock::corrected(now, headers), headers }
    }

    /// Returns a header of the answer, or else of the error's body.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).or_else(|| self.error.headers.get(name))?.to_str().ok()
    }

    /// Returns the text headers, those of the body last.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.headers.iter().chain(&self.error.headers);
        all.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// Classifies an error under an error status: by the user's rules, by the words of services, by common
    /// codes, and last by its status.
    pub(super) fn judge(&self, status: u16) -> Evidence {
        // The most specific source wins; each step runs only if those before it found nothing.
        let named = || refusal::named(self, status).map(|outcome| self.read(outcome, Certainty::Named));
        let evidence = meaning::by_rules(self, status)
            .or_else(|| meaning::by_words(self, status))
            .or_else(named)
            .unwrap_or_else(|| self.by_status(status));
        Evidence { status, ..evidence }
    }

    /// Classifies an error under a good status, or inside of a stream.
    pub(super) fn judge_by_itself(&self) -> Evidence {
        self.judge(self.error.status.or_else(|| refusal::status_of_codes(&self.error)).unwrap_or(500))
    }

    fn by_status(&self, status: u16) -> Evidence {
        let implied = |outcome| self.read(outcome, Certainty::Implied);
        match status {
            429 => implied(Outcome::Limited(limit::kind(self))),
            // The proxy on the way wants to know who we are.
            407 => implied(Outcome::Unreachable(NetworkFault::Connect)),
            408 => implied(Outcome::Unreachable(NetworkFault::Timeout)),
            // Google's ABORTED and CANCELLED, OpenAI's lock timeout: another try may do.
            409 | 499 => implied(Outcome::ServerError),
            503 | 529 => implied(Outcome::Capacity),
            400..=498 => blunt::refusal(self, status),
            _ => self.read(Outcome::ServerError, Certainty::Status),
        }
    }

    /// Adds the named extent and end to an outcome.
    pub(super) fn read(&self, outcome: Outcome, certainty: Certainty) -> Evidence {
        let until = if outcome.can_name_end() { hint::plausible(self, &outcome) } else { Hint::Unknown };
        let evidence = Evidence { certainty, ..Evidence::of(outcome).ending(until) };
        extent::narrowed(self, evidence)
    }
}
