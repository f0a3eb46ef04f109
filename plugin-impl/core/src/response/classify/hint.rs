//! Until when, said the upstream.
//!
//! The places are looked at in the order of [`HintSource`], and the first that says anything counts.
//! Google says it in up to three of them at once, and they do not agree: a wait of seconds beside a date
//! in days. Of these the latest counts, because a call that comes too early is another error.

use std::cmp::Reverse;

use serde_json::Value;

use super::reply::Reply;
use super::when::When;
use super::{message, provider};
use crate::response::outcome::{Hint, HintSource};
use crate::time::Now;

/// Returns the hint of an answer.
pub(super) fn hint(reply: &Reply<'_>) -> Hint {
    retry_after_ms(reply)
        .or_else(|| retry_after(reply))
        .or_else(|| details(reply))
        .or_else(|| provider::when(reply).map(|when| until(when, HintSource::Provider, reply.now)))
        .or_else(|| {
            message::when(&reply.error.message).map(|when| until(when, HintSource::Message, reply.now))
        })
        .unwrap_or(Hint::Unknown)
}

fn until(when: When, source: HintSource, now: Now) -> Hint {
    Hint::Until { until: when.resolve(now), source }
}

/// The header that OpenAI's and Anthropic's own clients know.
fn retry_after_ms(reply: &Reply<'_>) -> Option<Hint> {
    let when = When::in_millis(reply.header("retry-after-ms")?)?;
    Some(until(when, HintSource::RetryAfterMs, reply.now))
}

/// RFC 9110 section 10.2.3: seconds or an HTTP date.
fn retry_after(reply: &Reply<'_>) -> Option<Hint> {
    let when = When::read(reply.header("retry-after")?)?;
    Some(until(when, HintSource::RetryAfter, reply.now))
}

/// `google.rpc.RetryInfo` and `google.rpc.ErrorInfo`, in whichever of the details they stand.
fn details(reply: &Reply<'_>) -> Option<Hint> {
    let found = reply.error.details().flat_map(of_detail);
    let resolved = found.map(|(when, source)| (when.resolve(reply.now), Reverse(source)));
    resolved.max().map(|(until, Reverse(source))| Hint::Until { until, source })
}

fn of_detail(detail: &Value) -> impl Iterator<Item = (When, HintSource)> {
    let metadata = detail.get("metadata");
    let found = [
        (member(Some(detail), "retryDelay"), HintSource::RetryInfo),
        (member(metadata, "quotaResetTimeStamp"), HintSource::QuotaResetTimeStamp),
        (member(metadata, "quotaResetDelay"), HintSource::QuotaResetDelay),
    ];
    found.into_iter().filter_map(|(value, source)| Some((When::of(value?)?, source)))
}

fn member<'a>(object: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    object?.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
