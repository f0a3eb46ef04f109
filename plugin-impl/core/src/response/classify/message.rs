//! Ends in words.
//!
//! The last place to look, for upstreams with words for people only: `Your quota will reset after
//! 166h9m16s.`, `Resets in 108h48m29s.`, `Please retry in 3.5s`, `Please try again in 6m0s`, `… after 12s`.

use super::when::{When, date_at_start};
use crate::time::Now;
use crate::time::duration::span_at_start;

/// Words before a span or a date, the plainest first. A bare `in` could belong to `5 requests in 1
/// minute`.
const LEADS: [&str; 16] = [
    "reset after",
    "resets after",
    "reset in",
    "resets in",
    "reset at",
    "resets at",
    "retry in",
    "retry after",
    "reset on",
    "resets on",
    "again in",
    "again after",
    "again at",
    "access on",
    "wait",
    "after",
];

/// Words that put an `after` in the past.
const PAST: [&str; 3] = ["timed out ", "failed ", "expired "];

/// Returns the end told by a lower-case message.
pub(super) fn when(message: &str, now: Now) -> Option<When> {
    LEADS.iter().find_map(|lead| behind(message, lead, now)).or_else(|| behind_bar(message))
}

fn behind(message: &str, lead: &str, now: Now) -> Option<When> {
    message.match_indices(lead).find_map(|(at, _)| {
        let past = PAST.iter().any(|past| message[..at].ends_with(past));
        if past { None } else { at_start(&message[at + lead.len()..], now) }
    })
}

fn at_start(text: &str, now: Now) -> Option<When> {
    let text = text.trim_start_matches(['~', ' ', ':']);
    let text = text.strip_prefix("about ").unwrap_or(text);
    span_at_start(text).map(When::In).or_else(|| date_at_start(text, now).map(When::At))
}

/// Older Claude subscriptions: `usage limit reached|1780000000`.
fn behind_bar(message: &str) -> Option<When> {
    let (_, rest) = message.split_once("limit reached|")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    When::read(&rest[..digits])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::UnixMillis;

    const NOW: Now = Now { mono: crate::time::Millis(0), wall: UnixMillis(1_780_000_000_000) };

    fn check(message: &str, millis: u64) {
        assert_eq!(
            when(&message.to_lowercase(), NOW),
            Some(When::In(Duration::from_millis(millis))),
            "{message}"
        );
    }

    #[test]
    fn every_form_of_words_is_read() {
        check(
            "You have exhausted your capacity on this model. Your quota will reset after 166h9m16s.",
            598_156_000,
        );
        check("Individual quota reached. Contact your administrator. Resets in 108h48m29s.", 391_709_000);
        check("Please retry in 3.5s", 3_500);
        check("Too many requests, try after 12s", 12_000);
        check(
            "Rate limit reached on requests per min (RPM): Limit 3, Used 3. Please try again in 20s.",
            20_000,
        );
        check("Please try again in 646ms. Visit the page to learn more.", 646);
        check("Please try again in 6m0s", 360_000);
        check("You've hit your limit. Try again in ~ 5 days 3 hours.", 442_800_000);
        check("Please wait 30 seconds and try again", 30_000);
        check("Retry after: 5 minutes", 300_000);
    }

    #[test]
    fn dates_are_read() {
        let date = Some(When::At(UnixMillis(1_780_586_652_000)));
        assert_eq!(when("quota resets at 2026-06-04t15:24:12z.", NOW), date);
        assert_eq!(when("claude ai usage limit reached|1780586652", NOW), date);
    }

    #[test]
    fn what_tells_no_time_is_none() {
        for message in [
            "",
            "resource has been exhausted (e.g. check quota).",
            "limit of 5 requests in 1 minute",
            "request timed out after 60s",
            "retry after 5",
            "try again in a while",
            "after the reset",
            "resets at 3pm",
        ] {
            assert_eq!(when(message, NOW), None, "{message}");
        }
    }
}
