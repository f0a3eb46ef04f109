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
use pointsman_core::reporting::refusal::{self, Refused};
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

/// Passes an upstream's answer on.
pub(super) fn relayed(
    seen: SeenAnswer,
    watch: Option<Watch>,
    recorder: Option<Recorder>,
    served: Option<&Served>,
    resolved: &Resolved,
    attempts: u32,
    counters: &Arc<Counters>,
) -> Answer {
    let SeenAnswer { status, headers, held, rest, enveloped, .. } = seen;
    let length = headers.get(CONTENT_LENGTH).filter(|_| !enveloped).cloned();
    let mut headers = upstreams(headers);
    Agent::of(&resolved.call.headers).spare(status, &mut headers);
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length);
    }
    sign(&mut headers, served, resolved, attempts);
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
pub(super) fn unreachable(why: &str, served: Option<&Served>, resolved: &Resolved, attempts: u32) -> Answer {
    let answer = refusal::fault(resolved.intent.format, StatusCode::BAD_GATEWAY, why);
    let mut answer = own(answer);
    sign(&mut answer.headers, served, resolved, attempts);
    answer
}

/// Returns the answer for a refusal: no account can serve the request in time.
pub(super) fn refused(
    refusal: &Refusal,
    resolved: &Resolved,
    attempts: u32,
    blocked: &[Blocked],
    now: Now,
) -> Answer {
    let agent = Agent::of(&resolved.call.headers);
    let refused = Refused { family: resolved.subject(), attempts, blocked };
    let answer = refusal::refuse(resolved.intent.format, agent, refusal, refused, now);
    let mut answer = own(answer);
    sign(&mut answer.headers, None, resolved, attempts);
    answer.headers.insert(REASON, HeaderValue::from_static(RouteReason::Refused.as_str()));
    answer
}

/// Returns the answer for a full wait queue.
pub(super) fn crowded(why: &str, resolved: &Resolved, attempts: u32) -> Answer {
    let answer = refusal::fault(resolved.intent.format, StatusCode::SERVICE_UNAVAILABLE, why);
    let mut answer = own(answer);
    sign(&mut answer.headers, None, resolved, attempts);
    answer.headers.insert(REASON, HeaderValue::from_static(RouteReason::Crowded.as_str()));
    answer
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

fn sign(headers: &mut HeaderMap, served: Option<&Served>, resolved: &Resolved, attempts: u32) {
    let provider = served.map_or(&resolved.primary.route.provider.id, |served| &served.provider);
    put(headers, PROVIDER, provider.as_str());
    headers.insert(ATTEMPTS, attempts.into());
    let Some(served) = served else { return };
    put(headers, ACCOUNT, served.account.as_str());
    put(headers, POOL, served.pool.as_str());
    headers.insert(REASON, HeaderValue::from_static(served.route_reason.as_str()));
}

/// Adds a header. A name unfit for a header is left out: an unsigned answer is better than none.
fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
