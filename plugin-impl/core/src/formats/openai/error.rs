//! Errors in the form of OpenAI.

use http::StatusCode;
use serde_json::{Value, json};

use crate::formats::format::error::{Detail, ErrorFacts};

/// Writes the body of an error.
pub(in crate::formats) fn body(facts: &ErrorFacts) -> Value {
    let code = match facts.detail {
        Detail::UsageLimit => "usage_limit_reached",
        Detail::Usual | Detail::DailyQuota => code(facts.status),
    };
    let mut error = json!({"message": facts.message, "type": code, "param": null, "code": code});
    if let (Detail::UsageLimit, Some(until)) = (facts.detail, facts.until) {
        error["resets_at"] = (until.0 / 1_000).into();
    }
    json!({"error": error})
}

/// Writes the last chunk of a failed stream. Every other type opencode tries again.
pub(super) fn chunk(_: &Value, message: &str) -> String {
    let kind = "invalid_request_error";
    let error = json!({"error": {"message": message, "type": kind, "code": kind}});
    format!("data: {error}\n\n")
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
        StatusCode::SERVICE_UNAVAILABLE => "server_is_overloaded",
        StatusCode::UNAUTHORIZED => "invalid_api_key",
        StatusCode::FAILED_DEPENDENCY => "no_account",
        status if status.is_client_error() => "invalid_request_error",
        _ => "server_error",
    }
}
