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
//! the router's own refusal, [`ToldEnd`] makes Claude Code use its own words for a limit.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::time::UnixMillis;

const UNIFIED: &str = "anthropic-ratelimit-unified-";
const CODEX: &str = "x-codex-";
static STATUS: HeaderName = HeaderName::from_static("anthropic-ratelimit-unified-status");
static RESET: HeaderName = HeaderName::from_static("anthropic-ratelimit-unified-reset");
static CLAIM: HeaderName = HeaderName::from_static("anthropic-ratelimit-unified-representative-claim");

/// Removes an account's warnings while another account is open.
pub fn leave_out_warnings(headers: &mut HeaderMap) {
    let warns =
        |(name, value): (&HeaderName, &HeaderValue)| is_warning(name.as_str(), value).then(|| name.clone());
    let warnings: Vec<HeaderName> = headers.iter().filter_map(warns).collect();
    for name in warnings {
        headers.remove(name);
    }
    if let Some(status) = headers.get_mut(&STATUS) {
        *status = HeaderValue::from_static("allowed");
    }
}

fn is_warning(name: &str, value: &HeaderValue) -> bool {
    if let Some(of_window) = name.strip_prefix(UNIFIED) {
        let is_windows_status =
            of_window.ends_with("-status") && !of_window.starts_with("overage") && value != "allowed";
        return is_windows_status
            || of_window.ends_with("-utilization")
            || of_window.ends_with("-surpassed-threshold");
    }
    name.strip_prefix(CODEX).is_some_and(|limit| {
        ["primary-", "secondary-"].iter().any(|window| {
            limit.starts_with(window) || limit.find(window).is_some_and(|at| limit[..at].ends_with('-'))
        })
    })
}

/// The earliest reset of several accounts, each closed by a reported window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldEnd {
    pub reset: UnixMillis,
    /// The window, such as `5h`, if known.
    pub window: Option<String>,
}

impl ToldEnd {
    /// Returns Claude Code's headers for a usage limit, in an account's own form.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(STATUS.clone(), HeaderValue::from_static("rejected"));
        headers.insert(RESET.clone(), self.reset.0.div_ceil(1_000).into());
        let claim = self.window.as_deref().and_then(claim).map(|claim| HeaderValue::from_str(&claim));
        if let Some(Ok(claim)) = claim {
            headers.insert(CLAIM.clone(), claim);
        }
        headers
    }
}

/// Returns a window's name as a claim: `seven_day_opus` for `7d_opus`; none for a window of another API.
fn claim(window: &str) -> Option<String> {
    let words = [("5h", "five_hour"), ("7d", "seven_day")];
    let (rest, word) = words.iter().find_map(|(short, word)| Some((window.strip_prefix(short)?, word)))?;
    (rest.is_empty() || rest.starts_with('_')).then(|| format!("{word}{rest}"))
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

    #[test]
    fn an_end_that_was_told_is_told_as_an_account_tells_its_own() {
        for (window, claim) in [
            (Some("5h"), Some("five_hour")),
            (Some("7d"), Some("seven_day")),
            (Some("7d_opus"), Some("seven_day_opus")),
            (Some("requests"), None),
            (None, None),
        ] {
            let told = ToldEnd { reset: UnixMillis(1_780_000_000_001), window: window.map(str::to_owned) };
            let headers = told.headers();
            let of = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
            assert_eq!((of(&STATUS), of(&RESET)), (Some("rejected"), Some("1780000001")));
            assert_eq!(of(&CLAIM), claim, "{window:?}");
        }
    }
}
