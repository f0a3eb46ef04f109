//! Replies: the answer to the caller, with headers about the serving account.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use pointsman_core::formats::agent::Agent;
use pointsman_core::ids::{AccountId, PoolId, ProviderId};
use pointsman_core::planning::plan::Refusal;
use pointsman_core::reporting::blocked::Blocked;
use pointsman_core::reporting::refusal::{self, BoundTo, Refused};
use pointsman_core::reporting::route_reason::RouteReason;
use pointsman_core::time::Now;

use crate::counters::Counters;
use crate::runtime::answer::{Answer, AnswerBody, Recorder, Relay, Watch};
use crate::runtime::call::Resolved;
use crate::runtime::headers::upstreams;

use super::look::SeenAnswer;

pub(crate) const PROVIDER: HeaderName = HeaderName::from_static("x-pointsman-provider");
const ACCOUNT: HeaderName = HeaderName::from_static("x-pointsman-account");
const POOL: HeaderName = HeaderName::from_static("x-pointsman-pool");
pub(crate) const ATTEMPTS: HeaderName = HeaderName::from_static("x-pointsman-attempts");
const REASON: HeaderName = HeaderName::from_static("x-pointsman-reason");
/// The header with the request's unique id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-pointsman-request-id");

/// The target of an upstream call.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) provider: ProviderId,
    pub(super) account: AccountId,
    pub(super) pool: PoolId,
    pub(super) route_reason: RouteReason,
    pub(super) left_primary: bool,
    pub(super) fell_back: bool,
    pub(super) switched: bool,
}

/// The origin of an answer, for the headers about the serving account.
#[derive(Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) resolved: &'a Resolved,
    /// The target of the last call, if a call was made.
    pub(super) served: Option<&'a Served>,
    pub(super) attempts: u32,
}

/// The accounts in the way of a request, for a refusal.
#[derive(Clone, Copy)]
pub(super) struct Blocking<'a> {
    pub(super) blocked: &'a [Blocked],
    pub(super) bound: Option<&'a BoundTo>,
}

impl Reply<'_> {
    /// Passes an upstream's answer on.
    pub(super) fn relayed(
        self,
        seen: SeenAnswer,
        watch: Option<Watch>,
        recorder: Option<Recorder>,
        counters: &Arc<Counters>,
    ) -> Answer {
        let SeenAnswer { status, headers, held, rest, enveloped, .. } = seen;
        // The envelope comes off, so the upstream's length is no length of the answer.
        let length = if enveloped { None } else { headers.get(CONTENT_LENGTH).cloned() };
        let mut headers = upstreams(headers);
        Agent::of(&self.resolved.call.headers).spare(status, &mut headers);
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
        self.sign(&mut headers);
        let body = match (rest, held.len()) {
            (None, 0 | 1) if !enveloped => AnswerBody::Full(whole(held, recorder, watch)),
            (rest, _) => {
                let relay = Relay::new(held, rest, counters.clone()).holding(watch).recording(recorder);
                AnswerBody::Relay(Box::new(if enveloped { relay.unwrapping() } else { relay }))
            }
        };
        Answer { status, headers, body }
    }

    /// Returns the answer for a request without any upstream answer.
    pub(super) fn unreachable(self, why: &str) -> Answer {
        self.fault(StatusCode::BAD_GATEWAY, why)
    }

    /// Returns the answer for a refusal: no account can serve the request in time.
    pub(super) fn refused(
        self,
        refusal: &Refusal,
        Blocking { blocked, bound }: Blocking<'_>,
        now: Now,
    ) -> Answer {
        let agent = Agent::of(&self.resolved.call.headers);
        let refused = Refused { family: self.resolved.subject(), attempts: self.attempts, blocked, bound };
        let mut answer = own(refusal::refuse(self.resolved.intent.format, agent, refusal, refused, now));
        self.sign(&mut answer.headers);
        answer.headers.insert(REASON, HeaderValue::from_static(RouteReason::Refused.as_str()));
        answer
    }

    /// Returns the answer for a full wait queue.
    pub(super) fn crowded(self, why: &str) -> Answer {
        let mut answer = self.fault(StatusCode::SERVICE_UNAVAILABLE, why);
        answer.headers.insert(REASON, HeaderValue::from_static(RouteReason::Crowded.as_str()));
        answer
    }

    fn fault(self, status: StatusCode, why: &str) -> Answer {
        let mut answer = own(refusal::fault(self.resolved.intent.format, status, why));
        self.sign(&mut answer.headers);
        answer
    }

    fn sign(self, headers: &mut HeaderMap) {
        let provider =
            self.served.map_or(&self.resolved.primary.route.provider.id, |served| &served.provider);
        put(headers, PROVIDER, provider.as_str());
        headers.insert(ATTEMPTS, self.attempts.into());
        let Some(served) = self.served else { return };
        put(headers, ACCOUNT, served.account.as_str());
        put(headers, POOL, served.pool.as_str());
        headers.insert(REASON, HeaderValue::from_static(served.route_reason.as_str()));
    }
}

/// Makes an answer of the router's own.
pub(crate) fn own(answer: refusal::Answer) -> Answer {
    Answer { status: answer.status, headers: answer.headers(), body: AnswerBody::Full(answer.body.into()) }
}

fn whole(mut held: VecDeque<Bytes>, recorder: Option<Recorder>, watch: Option<Watch>) -> Bytes {
    let whole = held.pop_front().unwrap_or_default();
    watch.into_iter().for_each(|watch| watch.end_with(&whole));
    recorder.into_iter().for_each(|recorder| recorder.note_all(&whole));
    whole
}

/// Adds a header. A name unfit for a header is left out: an unsigned answer is better than none.
fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
