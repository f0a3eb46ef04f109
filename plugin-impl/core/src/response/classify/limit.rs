//! The kind of allowance of a limit: hours or days, or seconds and minutes.

use serde_json::Value;

use super::error::ErrorBody;
use super::provider;
use super::reply::Reply;
use crate::response::outcome::LimitKind;

/// Codes of an allowance of hours or days.
const QUOTA: [&str; 6] = [
    "QUOTA_EXHAUSTED",
    "INSUFFICIENT_G1_CREDITS_BALANCE",
    "usage_limit_reached",
    "insufficient_quota",
    "quotaExceeded",
    "dailyLimitExceeded",
];

/// Codes of an allowance of seconds or minutes. Anthropic's `rate_limit_error` is not included: the word
/// covers both.
const RATE: [&str; 2] = ["RATE_LIMIT_EXCEEDED", "userRateLimitExceeded"];

/// Returns the kind, from the most particular words to the least.
///
/// Limits of a day carry codes of a rate, too, so the text goes first.
pub(super) fn kind(reply: &Reply<'_>) -> LimitKind {
    let text = of_texts([reply.error.message.as_str()]);
    // Google's quota names, a message about days, codes, windows, and last any other message.
    of_texts(quota_texts(&reply.error))
        .or_else(|| text.filter(|kind| *kind == LimitKind::Quota))
        .or_else(|| of_codes(&reply.error))
        .or_else(|| provider::kind(reply))
        .or(text)
        .unwrap_or(LimitKind::Unknown)
}

/// Returns whether an answer names an allowance of seconds or minutes.
pub(super) fn is_of_minutes(reply: &Reply<'_>) -> bool {
    let texts = || quota_texts(&reply.error).chain([reply.error.message.as_str()]);
    of_texts(texts()).is_some_and(|kind| kind != LimitKind::Quota)
}

/// Returns the kind of a limit named as a rate, unless the answer names a day or longer.
pub(super) fn at_least_rate(reply: &Reply<'_>) -> LimitKind {
    match kind(reply) {
        LimitKind::Unknown => LimitKind::Rate,
        told @ (LimitKind::Quota | LimitKind::Rate | LimitKind::Concurrency) => told,
    }
}

/// Returns the kind of a limit that a row of words names as a rate. Codes do not count, because some services
/// use one code for every limit; a text on a day or longer does.
pub(super) fn named_rate(reply: &Reply<'_>) -> LimitKind {
    let texts = quota_texts(&reply.error).chain([reply.error.message.as_str()]);
    of_texts(texts).unwrap_or(LimitKind::Rate)
}

fn of_codes(error: &ErrorBody) -> Option<LimitKind> {
    if error.says_any(&QUOTA) {
        Some(LimitKind::Quota)
    } else if error.says_any(&RATE) {
        Some(LimitKind::Rate)
    } else {
        None
    }
}

/// Returns Google's texts for the quota: `QuotaFailure.violations` and the metadata of `ErrorInfo`.
fn quota_texts(error: &ErrorBody) -> impl Iterator<Item = &str> {
    let violations = error.details().filter_map(|detail| detail.get("violations")?.as_array()).flatten();
    let metadata = error.details().filter_map(|detail| detail.get("metadata"));
    violations
        .chain(metadata)
        .filter_map(Value::as_object)
        .flat_map(|members| members.values())
        .filter_map(Value::as_str)
}

/// Returns the kind told by texts such as `GenerateRequestsPerDayPerProject`. An exhausted allowance of
/// days outranks an exhausted allowance of minutes.
fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<LimitKind> {
    let kinds = texts.into_iter().filter_map(of_text);
    kinds.fold(None, |all, kind| if all == Some(LimitKind::Quota) { all } else { Some(kind) })
}

fn of_text(text: &str) -> Option<LimitKind> {
    const LONG: [&str; 10] = [
        "perday",
        "daily",
        "perweek",
        "weekly",
        "permonth",
        "monthly",
        "perhour",
        "hourlimit",
        "hourusage",
        "aday",
    ];
    const SHORT: [&str; 2] = ["permin", "persec"];
    const AT_ONCE: [&str; 3] = ["concurren", "parallel", "simultaneous"];

    // Compare letters only, so that `per day`, `PerDay` and `per_day` are equal.
    let letters: String =
        text.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    let has = |words: &[&str]| words.iter().any(|word| letters.contains(word));
    // The longest span wins: a text may name several limits.
    if has(&LONG) {
        Some(LimitKind::Quota)
    } else if has(&AT_ONCE) {
        Some(LimitKind::Concurrency)
    } else if has(&SHORT) {
        Some(LimitKind::Rate)
    } else {
        None
    }
}
