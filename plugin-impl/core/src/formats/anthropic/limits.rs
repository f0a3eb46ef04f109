//! Headers of limits at Anthropic: the windows of a subscription.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::formats::agent::Agent;
use crate::formats::format::limits::{LimitHeaders, ToldEnd, ToldEndForm};

const UNIFIED: &str = "anthropic-ratelimit-unified-";
static STATUS: HeaderName = HeaderName::from_static("anthropic-ratelimit-unified-status");
static RESET: HeaderName = HeaderName::from_static("anthropic-ratelimit-unified-reset");
static CLAIM: HeaderName = HeaderName::from_static("anthropic-ratelimit-unified-representative-claim");

pub(super) const LIMITS: LimitHeaders = LimitHeaders {
    is_warning,
    status: Some((&STATUS, "allowed")),
    told_end: Some(ToldEndForm { agents: &[Agent::ClaudeCode], headers: told_end }),
    // Such as a long context.
    option: Some("extra usage"),
};

fn is_warning(name: &str, value: &HeaderValue) -> bool {
    name.strip_prefix(UNIFIED).is_some_and(|of_window| {
        let is_windows_status =
            of_window.ends_with("-status") && !of_window.starts_with("overage") && value != "allowed";
        is_windows_status
            || of_window.ends_with("-utilization")
            || of_window.ends_with("-surpassed-threshold")
    })
}

/// Returns Claude Code's headers for a usage limit.
fn told_end(end: &ToldEnd) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(STATUS.clone(), HeaderValue::from_static("rejected"));
    headers.insert(RESET.clone(), end.reset.0.div_ceil(1_000).into());
    let claim = end.window.as_deref().and_then(claim).map(|claim| HeaderValue::from_str(&claim));
    if let Some(Ok(claim)) = claim {
        headers.insert(CLAIM.clone(), claim);
    }
    headers
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
    use crate::time::UnixMillis;

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
            let headers = told.headers(&LIMITS);
            let of = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
            assert_eq!((of(&STATUS), of(&RESET)), (Some("rejected"), Some("1780000001")));
            assert_eq!(of(&CLAIM), claim, "{window:?}");
        }
    }
}
