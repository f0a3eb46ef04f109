//! Errors in the form of Google.

use http::StatusCode;
use serde_json::{Value, json};

use crate::formats::format::error::{Detail, ErrorFacts};

/// Writes the body of an error.
pub(in crate::formats) fn body(facts: &ErrorFacts) -> Value {
    let status = code(facts.status);
    let mut error = json!({"code": facts.status.as_u16(), "message": facts.message, "status": status});
    match (facts.detail, facts.retry_after) {
        (Detail::DailyQuota, _) => error["details"] = json!([daily_quota()]),
        (Detail::Usual | Detail::UsageLimit, Some(seconds)) => {
            error["details"] = json!([retry_info(seconds)])
        }
        (Detail::Usual | Detail::UsageLimit, None) => {}
    }
    json!({"error": error})
}

/// Writes an error outside of any event. Gemini CLI reads such a piece, and tries a 429 four times.
pub(super) fn bare(_: &Value, message: &str) -> String {
    let error = json!({"code": 400, "message": message, "status": "FAILED_PRECONDITION"});
    json!({"error": error}).to_string()
}

fn retry_info(seconds: u64) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")})
}

/// The exhausted allowance is that of every account together, so the id names no quota of Google's.
fn daily_quota() -> Value {
    let violation = json!({
        "subject": "pointsman", "quotaId": "PointsmanAccountsPerDay", "description": "no account can serve",
    });
    json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]})
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "RESOURCE_EXHAUSTED",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::FAILED_DEPENDENCY => "FAILED_PRECONDITION",
        status if status.is_client_error() => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}
