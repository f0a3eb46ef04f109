//! Errors in the form of Anthropic.

use http::StatusCode;
use serde_json::{Value, json};

use crate::formats::format::error::ErrorFacts;

/// Writes the body of an error.
pub(super) fn body(facts: &ErrorFacts) -> Value {
    error(kind(facts.status), &facts.message)
}

/// Writes the event `error` at the end of a failed stream.
pub(super) fn event(body: &Value, message: &str) -> String {
    let kind = body["error"]["type"].as_str().unwrap_or("api_error");
    format!("event: error\ndata: {}\n\n", error(kind, message))
}

fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        StatusCode::SERVICE_UNAVAILABLE => "overloaded_error",
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::FAILED_DEPENDENCY => "api_error",
        status if status.is_client_error() => "invalid_request_error",
        _ => "api_error",
    }
}
