//! Until when, in words.
//!
//! The last place to look, for upstreams that tell people only: `Your quota will reset after 166h9m16s.`,
//! `Resets in 108h48m29s.`, `Please retry in 3.5s`, `Please try again in 6m0s`, `… after 12s`.

use super::when::{When, span_at_start};

/// Words before a span or a date, the plainest first. A bare `in` could belong to `5 requests in 1
/// minute`.
const LEADS: [&str; 12] = [
    "reset after",
    "resets after",
    "reset in",
    "resets in",
    "reset at",
    "resets at",
    "retry in",
    "retry after",
    "again in",
    "again after",
    "wait",
    "after",
];

/// Words that make an `after` tell of the past.
const PAST: [&str; 3] = ["timed out ", "failed ", "expired "];

/// Returns when a message, in lower case, says that it is over.
pub(super) fn when(message: &str) -> Option<When> {
    LEADS.iter().find_map(|lead| behind(message, lead)).or_else(|| behind_bar(message))
}

fn behind(message: &str, lead: &str) -> Option<When> {
    message.match_indices(lead).find_map(|(at, _)| {
        let past = PAST.iter().any(|past| message[..at].ends_with(past));
        if past { None } else { at_start(&message[at + lead.len()..]) }
    })
}

fn at_start(text: &str) -> Option<When> {
    let text = text.trim_start_matches(['~', ' ', ':']);
    let text = text.strip_prefix("about ").unwrap_or(text);
    span_at_start(text).map(When::In).or_else(|| date(text))
}

/// Returns the date that a text begins with. A lone number is no date and no span.
fn date(text: &str) -> Option<When> {
    let end = text.find([' ', ')', ';']).unwrap_or(text.len());
    let date = text[..end].trim_end_matches(['.', ',']);
    if date.contains('-') { When::read(date) } else { None }
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

    fn check(message: &str, millis: u64) {
        assert_eq!(when(&message.to_lowercase()), Some(When::In(Duration::from_millis(millis))), "{message}");
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
        assert_eq!(when("quota resets at 2026-06-04t15:24:12z."), date);
        assert_eq!(when("claude ai usage limit reached|1780586652"), date);
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
            assert_eq!(when(message), None, "{message}");
        }
    }
}
