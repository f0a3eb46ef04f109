//! Honest refusals: what a caller gets when nothing can serve its request in time.
//!
//! It is written in the caller's wire format and says how many accounts are limited, in cooldown,
//! disabled or in need of sign-in, and the earliest instant that could help. Only where a limit has a
//! part in it is it a 429.

use http::StatusCode;
use serde_json::{Value, json};

use crate::format::WireFormat;
use crate::notice::seconds_until;
use crate::plan::{Counts, Refusal};
use crate::time::Millis;

/// An answer of the router's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    /// Whole seconds, for the header `retry-after`.
    pub retry_after: Option<u64>,
    /// JSON.
    pub body: String,
}

/// Writes a refusal for a request of `family`, after `attempts` upstream calls.
pub fn refuse(format: WireFormat, refusal: &Refusal, family: &str, attempts: u32, now: Millis) -> Answer {
    let retry_after = refusal.until.map(|until| seconds_until(until, now));
    let status = status(refusal.counts);
    let message = message(refusal.counts, family, attempts, retry_after);
    Answer { status, retry_after, body: error(format, status, &message, retry_after) }
}

/// Writes an error of the router's own that waiting does not help.
pub fn fault(format: WireFormat, status: StatusCode, message: &str) -> Answer {
    Answer { status, retry_after: None, body: error(format, status, message, None) }
}

fn status(counts: Counts) -> StatusCode {
    if counts.limited > 0 {
        StatusCode::TOO_MANY_REQUESTS
    } else if counts.cooling + counts.busy > 0 {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        // Nobody but the owner of the accounts can help.
        StatusCode::UNAUTHORIZED
    }
}

fn message(counts: Counts, family: &str, attempts: u32, retry_after: Option<u64>) -> String {
    let causes = [
        (counts.limited, "limited"),
        (counts.cooling, "in cooldown"),
        (counts.busy, "busy"),
        (counts.needs_sign_in, "in need of sign-in"),
        (counts.disabled, "disabled"),
    ];
    let causes: Vec<String> = causes
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, cause)| format!("{count} {cause}"))
        .collect();
    let total = counts.total();
    let accounts = if total == 1 { "account" } else { "accounts" };
    let until = match retry_after {
        Some(seconds) => format!("; the earliest that could help is in {}", span(seconds)),
        None => String::new(),
    };
    let tried = match attempts {
        0 => String::new(),
        1 => " (after 1 attempt)".to_owned(),
        n => format!(" (after {n} attempts)"),
    };
    format!("no account can serve {family} now: of {total} {accounts} {}{until}{tried}", causes.join(", "))
}

fn span(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, 0, _) => format!("{h}h"),
        (h, m, _) => format!("{h}h{m}m"),
    }
}

fn error(format: WireFormat, status: StatusCode, message: &str, retry_after: Option<u64>) -> String {
    let message = format!("Pointsman: {message}");
    let body = match format {
        WireFormat::Anthropic => {
            json!({"type": "error", "error": {"type": anthropic_type(status), "message": message}})
        }
        WireFormat::OpenAi => {
            let code = openai_code(status);
            json!({"error": {"message": message, "type": code, "param": null, "code": code}})
        }
        WireFormat::Gemini => json!({"error": google_error(status, &message, retry_after)}),
    };
    body.to_string()
}

fn google_error(status: StatusCode, message: &str, retry_after: Option<u64>) -> Value {
    let mut error = json!({"code": status.as_u16(), "message": message, "status": google_status(status)});
    if let Some(seconds) = retry_after {
        let delay = format!("{seconds}s");
        error["details"] =
            json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]);
    }
    error
}

fn anthropic_type(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        StatusCode::SERVICE_UNAVAILABLE => "overloaded_error",
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::NOT_FOUND => "not_found_error",
        status if status.is_client_error() => "invalid_request_error",
        _ => "api_error",
    }
}

fn openai_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
        StatusCode::SERVICE_UNAVAILABLE => "server_is_overloaded",
        StatusCode::UNAUTHORIZED => "invalid_api_key",
        status if status.is_client_error() => "invalid_request_error",
        _ => "server_error",
    }
}

fn google_status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        status if status.is_client_error() => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(10_000);

    fn refusal(counts: Counts, until: Option<u64>) -> Refusal {
        Refusal { until: until.map(Millis), counts }
    }

    #[test]
    fn it_counts_the_causes_and_names_the_earliest_instant() {
        let counts = Counts { limited: 2, needs_sign_in: 1, ..Counts::default() };
        let answer = refuse(WireFormat::OpenAi, &refusal(counts, Some(72_500)), "gpt", 2, NOW);
        assert_eq!((answer.status.as_u16(), answer.retry_after), (429, Some(63)));
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(
            body["error"]["message"],
            "Pointsman: no account can serve gpt now: of 3 accounts 2 limited, 1 in need of sign-in; \
             the earliest that could help is in 1m3s (after 2 attempts)"
        );
    }

    #[test]
    fn what_is_no_limit_is_no_429_and_never_says_rate() {
        for (counts, status) in [
            (Counts { cooling: 2, ..Counts::default() }, 503),
            (Counts { busy: 1, disabled: 1, ..Counts::default() }, 503),
            (Counts { needs_sign_in: 1, ..Counts::default() }, 401),
        ] {
            for format in WireFormat::ALL {
                let answer = refuse(format, &refusal(counts, Some(11_000)), "claude", 1, NOW);
                assert_eq!(answer.status.as_u16(), status);
                assert!(!answer.body.contains("rate"), "{}", answer.body);
            }
        }
    }

    #[test]
    fn each_format_gets_its_own_error_type() {
        let limited = refusal(Counts { limited: 1, ..Counts::default() }, Some(15_000));
        let body = |format| -> Value {
            serde_json::from_str(&refuse(format, &limited, "x", 0, NOW).body).expect("JSON")
        };
        assert_eq!(body(WireFormat::Anthropic)["error"]["type"], "rate_limit_error");
        assert_eq!(body(WireFormat::OpenAi)["error"]["code"], "rate_limit_exceeded");
        assert_eq!(body(WireFormat::Gemini)["error"]["details"][0]["retryDelay"], "5s");
    }
}
