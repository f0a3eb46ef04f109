//! Google's errors: `google.rpc.Status` with details.

use std::time::Duration;

use crate::refusal::Refusal;
use crate::shape::{Particulars, Shape};
use crate::span::{Clockwise, Proto, Rfc3339};
use crate::template::{Quoted, fill};

const ERROR: &str = r#"{"error":{"code":$code,"message":$message,"status":"$status"$details}}"#;

const QUOTA_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"$reason","domain":"$domain","metadata":{"uiMessage":"true","model":$model,"quotaResetDelay":"$delay","quotaResetTimeStamp":"$reset"}}"#;
const RETRY_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"$delay"}"#;
const RETRY_INFO_OBJECT: &str = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":{"seconds":$seconds,"nanos":$nanos}}"#;
const QUOTA_FAILURE: &str = r#"{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"project:local","quotaId":"$quota","description":"$description"}]},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"$domain","metadata":{"quota_limit":"$limit"}}"#;
const MODEL_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"$reason","domain":"$domain","metadata":{"model":$model}}"#;
const VERIFICATION: &str = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"VALIDATION_REQUIRED","domain":"$domain","metadata":{"validation_url":"https://accounts.google.com/signin/continue","appeal_url":"https://support.google.com/accounts/answer/40039"}}"#;
const BARE_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"$reason","domain":"$domain","metadata":{}}"#;

pub(super) fn refusal(shape: Shape, particulars: &Particulars<'_>) -> Refusal {
    let code = shape.code(particulars.format);
    let message = shape.message(particulars);
    let details = match details(shape, particulars) {
        Some(details) => format!(r#","details":[{details}]"#),
        None => String::new(),
    };
    let holes: [(&str, &dyn std::fmt::Display); 4] =
        [("code", &code), ("message", &Quoted(&message)), ("status", &status(code)), ("details", &details)];
    let body = fill(ERROR, &holes);
    let wrapped = shape == Shape::QuotaExhaustedInArray;
    Refusal::new(code, if wrapped { format!("[{body}]") } else { body })
}

/// The name of a code in `google.rpc.Code`.
fn status(code: u16) -> &'static str {
    match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

fn details(shape: Shape, particulars: &Particulars<'_>) -> Option<String> {
    match shape {
        Shape::QuotaExhausted | Shape::QuotaExhaustedInArray | Shape::UsageLimit => {
            Some(quota_details("QUOTA_EXHAUSTED", particulars, &retry_info(particulars.wait)))
        }
        Shape::RateLimitExceeded => {
            Some(quota_details("RATE_LIMIT_EXCEEDED", particulars, &retry_info(particulars.wait)))
        }
        Shape::RateLimitSecondsObject => {
            Some(quota_details("RATE_LIMIT_EXCEEDED", particulars, &retry_object(particulars.wait)))
        }
        Shape::QuotaPerMinute => Some(failure("PerMinute", "minute", particulars)),
        Shape::QuotaPerDay => Some(failure("PerDay", "day", particulars)),
        Shape::CreditsExhausted => Some(model_info("INSUFFICIENT_G1_CREDITS_BALANCE", particulars)),
        Shape::Capacity | Shape::CapacityLimit => Some(model_info("MODEL_CAPACITY_EXHAUSTED", particulars)),
        Shape::Verification => Some(fill(VERIFICATION, &[("domain", &domain(particulars))])),
        Shape::Subscription => Some(bare_info("SUBSCRIPTION_REQUIRED", particulars)),
        Shape::Disabled => Some(bare_info("ACCOUNT_DISABLED", particulars)),
        Shape::GenerateChatDenied => Some(bare_info("IAM_PERMISSION_DENIED", particulars)),
        Shape::Bare
        | Shape::ExtraUsage
        | Shape::Overloaded
        | Shape::Unavailable
        | Shape::ServerError
        | Shape::Unauthorized
        | Shape::Unlicensed
        | Shape::InvalidArgument
        | Shape::PromptTooLong
        | Shape::CorruptedSignature
        | Shape::InvalidGrant
        | Shape::NotFound => None,
    }
}

fn domain(particulars: &Particulars<'_>) -> &'static str {
    if particulars.code_assist { "cloudcode-pa.googleapis.com" } else { "generativelanguage.googleapis.com" }
}

fn quota_details(reason: &str, particulars: &Particulars<'_>, retry: &str) -> String {
    let info = fill(
        QUOTA_INFO,
        &[
            ("reason", &reason),
            ("domain", &domain(particulars)),
            ("model", &Quoted(particulars.model)),
            ("delay", &Clockwise(particulars.wait)),
            ("reset", &Rfc3339(particulars.reset())),
        ],
    );
    format!("{info},{retry}")
}

fn retry_info(wait: Duration) -> String {
    fill(RETRY_INFO, &[("delay", &Proto(wait))])
}

fn retry_object(wait: Duration) -> String {
    fill(RETRY_INFO_OBJECT, &[("seconds", &wait.as_secs()), ("nanos", &wait.subsec_nanos())])
}

fn failure(per: &str, unit: &str, particulars: &Particulars<'_>) -> String {
    let quota = format!("GenerateRequests{per}PerProject");
    let description = format!("Requests per {unit}");
    let limit = format!("Requests{per}PerUser");
    fill(
        QUOTA_FAILURE,
        &[
            ("quota", &quota),
            ("description", &description),
            ("domain", &domain(particulars)),
            ("limit", &limit),
        ],
    )
}

fn model_info(reason: &str, particulars: &Particulars<'_>) -> String {
    fill(
        MODEL_INFO,
        &[("reason", &reason), ("domain", &domain(particulars)), ("model", &Quoted(particulars.model))],
    )
}

fn bare_info(reason: &str, particulars: &Particulars<'_>) -> String {
    fill(BARE_INFO, &[("reason", &reason), ("domain", &domain(particulars))])
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::shape::tests::particulars;

    use super::*;

    fn check(shape: Shape, expected: &str) {
        assert_eq!(shape.refusal(&particulars(Format::CodeAssist)).body, expected);
    }

    #[test]
    fn an_exhausted_quota_tells_its_reset_three_times() {
        check(
            Shape::QuotaExhausted,
            concat!(
                r#"{"error":{"code":429,"message":"Individual quota reached. Contact your administrator to enable overages. Resets in 108h46m50s.","status":"RESOURCE_EXHAUSTED","details":["#,
                r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_EXHAUSTED","domain":"cloudcode-pa.googleapis.com","metadata":{"uiMessage":"true","model":"gemini-3-flash","quotaResetDelay":"108h46m49.795772632s","quotaResetTimeStamp":"2026-06-02T09:13:30Z"}},"#,
                r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"391609.795772632s"}]}}"#,
            ),
        );
    }

    #[test]
    fn the_bare_limit_has_no_details() {
        check(
            Shape::Bare,
            r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
        );
    }

    #[test]
    fn a_quota_failure_names_the_quota() {
        check(
            Shape::QuotaPerMinute,
            r#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"subject":"project:local","quotaId":"GenerateRequestsPerMinutePerProject","description":"Requests per minute"}]},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"cloudcode-pa.googleapis.com","metadata":{"quota_limit":"RequestsPerMinutePerUser"}}]}}"#,
        );
    }

    #[test]
    fn missing_capacity_names_the_model() {
        check(
            Shape::Capacity,
            r#"{"error":{"code":503,"message":"No capacity available for model gemini-3-flash on the server","status":"UNAVAILABLE","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"MODEL_CAPACITY_EXHAUSTED","domain":"cloudcode-pa.googleapis.com","metadata":{"model":"gemini-3-flash"}}]}}"#,
        );
    }

    #[test]
    fn the_wait_can_be_an_object_and_the_error_in_an_array() {
        let object = Shape::RateLimitSecondsObject.refusal(&particulars(Format::CodeAssist)).body;
        assert!(object.contains(r#""retryDelay":{"seconds":391609,"nanos":795772632}"#), "{object}");
        let array = Shape::QuotaExhaustedInArray.refusal(&particulars(Format::CodeAssist)).body;
        assert!(array.starts_with(r#"[{"error":"#) && array.ends_with("}]"), "{array}");
    }

    #[test]
    fn the_domain_is_that_of_the_service() {
        let gemini = Shape::Capacity.refusal(&particulars(Format::Gemini)).body;
        assert!(gemini.contains("generativelanguage.googleapis.com"), "{gemini}");
    }
}
