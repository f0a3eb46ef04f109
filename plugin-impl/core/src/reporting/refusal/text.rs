//! The body of a refusal, in each wire format.

use http::StatusCode;
use serde_json::{Value, json};

use crate::formats::WireFormat;
use crate::reporting::agent::Detail;
use crate::time::UnixMillis;

/// The facts of a refusal's body.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) retry_after: Option<u64>,
    /// The instant of a possible improvement, if known.
    pub(super) until: Option<UnixMillis>,
    pub(super) detail: Detail,
}

impl Told {
    pub(super) fn body(&self, format: WireFormat) -> Value {
        match format {
            WireFormat::Anthropic => self.anthropic(),
            WireFormat::OpenAi => json!({"error": self.openai()}),
            WireFormat::Gemini => json!({"error": self.google()}),
        }
    }

    fn anthropic(&self) -> Value {
        json!({"type": "error", "error": {"type": anthropic_type(self.status), "message": self.message}})
    }

    fn openai(&self) -> Value {
        let code = match self.detail {
            Detail::UsageLimit => "usage_limit_reached",
            Detail::Usual | Detail::DailyQuota => openai_code(self.status),
        };
        let mut error = json!({"message": self.message, "type": code, "param": null, "code": code});
        if let (Detail::UsageLimit, Some(until)) = (self.detail, self.until) {
            error["resets_at"] = (until.0 / 1_000).into();
        }
        error
    }

    fn google(&self) -> Value {
        let status = google_status(self.status);
        let mut error = json!({"code": self.status.as_u16(), "message": self.message, "status": status});
        match (self.detail, self.retry_after) {
            (Detail::DailyQuota, _) => error["details"] = json!([daily_quota()]),
            (Detail::Usual | Detail::UsageLimit, Some(seconds)) => {
                error["details"] = json!([retry_info(seconds)])
            }
            (Detail::Usual | Detail::UsageLimit, None) => {}
        }
        error
    }
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

fn anthropic_type(status: StatusCode) -> &'static str {
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

fn openai_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
        StatusCode::SERVICE_UNAVAILABLE => "server_is_overloaded",
        StatusCode::UNAUTHORIZED => "invalid_api_key",
        StatusCode::FAILED_DEPENDENCY => "no_account",
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
        StatusCode::FAILED_DEPENDENCY => "FAILED_PRECONDITION",
        status if status.is_client_error() => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}
