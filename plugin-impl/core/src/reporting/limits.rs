//! Headers of limits: what a pool of accounts makes of the headers in which an account tells of its own limits.
//!
//! | header | while another account is open | else |
//! |---|---|---|
//! | `anthropic-ratelimit-unified-status` | `allowed` | as it came |
//! | `anthropic-ratelimit-unified-WINDOW-status` | left out, unless it is `allowed` | as it came |
//! | `…-WINDOW-utilization`, `…-WINDOW-surpassed-threshold` | left out | as it came |
//! | `anthropic-ratelimit-unified-…` besides, such as `-reset`, `-overage-status` | as it came | as it came |
//! | `anthropic-ratelimit-requests-…`, `-tokens-…`, `x-ratelimit-…` | as it came | as it came |
//! | `x-codex-primary-…`, `x-codex-secondary-…`, also of a named limit | left out | as it came |
//! | `x-codex-…` besides, such as `-credits-…` | as it came | as it came |
//!
//! The removed rows are warnings to a person: "93 % used" would describe a single account of several. On
//! the router's own refusal,
//! [`ToldEnd`](crate::formats::format::limits::ToldEnd) makes Claude Code use its own words for a limit.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::formats;
use crate::formats::format::limits::LimitHeaders;

/// Removes an account's warnings while another account is open.
pub fn leave_out_warnings(headers: &mut HeaderMap) {
    let warns = |(name, value): (&HeaderName, &HeaderValue)| {
        limits().any(|limits| (limits.is_warning)(name.as_str(), value)).then(|| name.clone())
    };
    let warnings: Vec<HeaderName> = headers.iter().filter_map(warns).collect();
    for name in warnings {
        headers.remove(name);
    }
    for (name, allowed) in limits().filter_map(|limits| limits.status) {
        if let Some(status) = headers.get_mut(name) {
            *status = HeaderValue::from_static(allowed);
        }
    }
}

/// The headers of every format: an aggregator passes on those of others.
fn limits() -> impl Iterator<Item = &'static LimitHeaders> {
    formats::all().map(|format| &format.limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_an_account_tells_of_its_own_limits_is_left_out_and_the_rest_stays() {
        let mut found = headers(&[
            ("anthropic-ratelimit-unified-status", "allowed_warning"),
            ("anthropic-ratelimit-unified-reset", "1780000000"),
            ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
            ("anthropic-ratelimit-unified-5h-status", "allowed_warning"),
            ("anthropic-ratelimit-unified-5h-utilization", "0.93"),
            ("anthropic-ratelimit-unified-5h-surpassed-threshold", "0.9"),
            ("anthropic-ratelimit-unified-7d-status", "allowed"),
            ("anthropic-ratelimit-unified-overage-status", "rejected"),
            ("anthropic-ratelimit-requests-remaining", "7"),
            ("x-codex-primary-used-percent", "93"),
            ("x-codex-secondary-reset-after-seconds", "5"),
            ("x-codex-bengalfox-primary-used-percent", "93"),
            ("x-codex-credits-balance", "0"),
            ("x-codex-turn-state", "T"),
            ("x-ratelimit-remaining-requests", "7"),
            ("content-type", "text/event-stream"),
        ]);
        leave_out_warnings(&mut found);
        let expected = headers(&[
            ("anthropic-ratelimit-unified-status", "allowed"),
            ("anthropic-ratelimit-unified-reset", "1780000000"),
            ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
            ("anthropic-ratelimit-unified-7d-status", "allowed"),
            ("anthropic-ratelimit-unified-overage-status", "rejected"),
            ("anthropic-ratelimit-requests-remaining", "7"),
            ("x-codex-credits-balance", "0"),
            ("x-codex-turn-state", "T"),
            ("x-ratelimit-remaining-requests", "7"),
            ("content-type", "text/event-stream"),
        ]);
        assert_eq!(found, expected);
    }

    #[test]
    fn nothing_is_added_where_no_account_tells_of_limits() {
        let mut found = headers(&[("content-type", "application/json")]);
        leave_out_warnings(&mut found);
        assert_eq!(found, headers(&[("content-type", "application/json")]));
    }
}
