//! Hints: the end of a closure, as reported by the upstream.
//!
//! The places are searched in the order of [`HintSource`], and the first report counts. Google reports in
//! up to three of them at once, with conflicting values: a wait of seconds beside a date in days. The
//! latest of these counts, because an early call is another error.

use std::cmp::Reverse;
use std::time::Duration;

use serde_json::Value;

use super::reply::Reply;
use super::when::When;
use super::{limit, message, provider};
use crate::response::outcome::{Hint, HintSource, LimitKind, Outcome};
use crate::time::{Millis, Now};

/// The longest plausible lack of room: minutes.
const CAPACITY: Duration = Duration::from_secs(10 * 60);
/// The longest plausible rate limit.
const RATE: Duration = Duration::from_secs(3_600);
/// The longest plausible quota limit: a week, and a day for time zones.
const QUOTA: Duration = Duration::from_secs(8 * 24 * 3_600);

/// Returns the first reported end, in the order of places, that is plausible for `outcome`. An instant in
/// the past is implausible, and so is an instant beyond the usual length of such limits.
pub(super) fn plausible(reply: &Reply<'_>, outcome: &Outcome) -> Hint {
    let longest = match outcome.limit() {
        // Codes of a rate come with limits of hours, too.
        Some(LimitKind::Rate | LimitKind::Concurrency) if limit::is_of_minutes(reply) => RATE,
        Some(LimitKind::Quota | LimitKind::Rate | LimitKind::Concurrency | LimitKind::Unknown) => QUOTA,
        None => CAPACITY,
    };
    let last = reply.now.mono.after(longest);
    let judged = |hint| judged(hint, reply.now, last);
    let mut all = told(reply).map(judged);
    let first = all.next().unwrap_or(Hint::Unknown);
    let is_good = |hint: &Hint| hint.until().is_some();
    if is_good(&first) { first } else { all.find(is_good).unwrap_or(first) }
}

fn judged(hint: Hint, now: Now, last: Millis) -> Hint {
    match hint {
        Hint::Until { until, source } if until <= now.mono || until > last => Hint::Doubted { until, source },
        told @ (Hint::Until { .. } | Hint::Doubted { .. } | Hint::Unknown) => told,
    }
}

/// Returns the reported ends, in the order of their places.
fn told<'a>(reply: &'a Reply<'_>) -> impl Iterator<Item = Hint> + 'a {
    let places: [fn(&Reply<'_>) -> Option<Hint>; 5] = [retry_after_ms, retry_after, details, header, text];
    places.into_iter().filter_map(|place| place(reply))
}

fn header(reply: &Reply<'_>) -> Option<Hint> {
    provider::when(reply).map(|when| until(when, HintSource::Provider, reply.now))
}

fn text(reply: &Reply<'_>) -> Option<Hint> {
    let when = message::when(&reply.error.message, reply.now);
    when.map(|when| until(when, HintSource::Message, reply.now))
}

fn until(when: When, source: HintSource, now: Now) -> Hint {
    Hint::Until { until: when.resolve(now), source }
}

/// The header known to OpenAI's and Anthropic's own clients.
fn retry_after_ms(reply: &Reply<'_>) -> Option<Hint> {
    let when = When::in_millis(reply.header("retry-after-ms")?)?;
    Some(until(when, HintSource::RetryAfterMs, reply.now))
}

/// RFC 9110 section 10.2.3: seconds or an HTTP date.
fn retry_after(reply: &Reply<'_>) -> Option<Hint> {
    let when = When::in_words(reply.header("retry-after")?)?;
    Some(until(when, HintSource::RetryAfter, reply.now))
}

/// `google.rpc.RetryInfo` and `google.rpc.ErrorInfo`, in any of the details.
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
