//! The errors of Anthropic, of OpenAI and of an OAuth token endpoint: a type and a message.

use crate::format::Format;
use crate::refusal::Refusal;
use crate::shape::{Particulars, Shape};
use crate::span::{Clockwise, ceil_seconds};
use crate::template::{Quoted, fill};

const ANTHROPIC: &str =
    r#"{"type":"error","error":{"type":"$type","message":$message},"request_id":$request_id}"#;
const OPENAI: &str = r#"{"error":{"message":$message,"type":"$type","param":null,"code":$code}}"#;
const USAGE_LIMIT: &str = r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_at":$resets_at,"resets_in_seconds":$seconds}}"#;
const INVALID_GRANT: &str =
    r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;

pub(crate) fn invalid_grant() -> Refusal {
    Refusal::new(400, INVALID_GRANT.to_owned())
}

pub(super) fn anthropic(shape: Shape, particulars: &Particulars<'_>) -> Refusal {
    let code = shape.code(Format::Anthropic);
    let message = anthropic_message(shape, particulars);
    let body = fill(
        ANTHROPIC,
        &[
            ("type", &anthropic_type(code)),
            ("message", &Quoted(&message)),
            ("request_id", &Quoted(particulars.request_id)),
        ],
    );
    Refusal::new(code, body).header("request-id", particulars.request_id)
}

/// Anthropic's name of an error by its code.
fn anthropic_type(code: u16) -> &'static str {
    match code {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}

fn anthropic_message(shape: Shape, particulars: &Particulars<'_>) -> String {
    let words = match (shape, shape.code(Format::Anthropic)) {
        (Shape::Unauthorized, _) => "invalid x-api-key",
        (Shape::NotFound, _) => return format!("model: {}", particulars.model),
        (Shape::CorruptedSignature, _) => "messages.1.content.0: Invalid `signature` in `thinking` block",
        (Shape::ServerError, _) => "Internal server error",
        (_, 529) => "Overloaded",
        (Shape::ExtraUsage, _) => "Extra usage is required for long context requests.",
        (_, 429) => "This request would exceed your account's rate limit.",
        (other, _) => return other.message(particulars),
    };
    words.to_owned()
}

pub(super) fn openai(shape: Shape, particulars: &Particulars<'_>) -> Refusal {
    let code = shape.code(particulars.format);
    if shape == Shape::UsageLimit {
        return Refusal::new(code, usage_limit(particulars));
    }
    let message = openai_message(shape, particulars);
    let (kind, name) = openai_type(shape, code);
    let name = name.map_or("null".to_owned(), |name| Quoted(name).to_string());
    let body = fill(OPENAI, &[("message", &Quoted(&message)), ("type", &kind), ("code", &name)]);
    Refusal::new(code, body)
}

fn usage_limit(particulars: &Particulars<'_>) -> String {
    let seconds = ceil_seconds(particulars.wait);
    fill(USAGE_LIMIT, &[("resets_at", &ceil_seconds(particulars.reset())), ("seconds", &seconds)])
}

/// OpenAI's type and code of an error.
fn openai_type(shape: Shape, code: u16) -> (&'static str, Option<&'static str>) {
    match (shape, code) {
        (Shape::CreditsExhausted, _) => ("insufficient_quota", Some("insufficient_quota")),
        (Shape::PromptTooLong, _) => ("invalid_request_error", Some("context_length_exceeded")),
        (_, 401) => ("invalid_request_error", Some("invalid_api_key")),
        (_, 404) => ("invalid_request_error", Some("model_not_found")),
        (_, 400 | 403) => ("invalid_request_error", None),
        (_, 429) => ("requests", Some("rate_limit_exceeded")),
        (Shape::Capacity | Shape::Overloaded, _) => {
            ("service_unavailable_error", Some("server_is_overloaded"))
        }
        (Shape::Unavailable, _) => ("service_unavailable_error", None),
        (_, _) => ("server_error", None),
    }
}

fn openai_message(shape: Shape, particulars: &Particulars<'_>) -> String {
    let model = particulars.model;
    match (shape, shape.code(particulars.format)) {
        (Shape::Unauthorized, _) => "Incorrect API key provided.".to_owned(),
        (Shape::CreditsExhausted, _) => {
            "You exceeded your current quota, please check your plan and billing details.".to_owned()
        }
        (Shape::Bare, _) => "Rate limit reached".to_owned(),
        (Shape::NotFound, _) => {
            format!("The model `{model}` does not exist or you do not have access to it.")
        }
        (Shape::Capacity | Shape::CapacityLimit, _) => {
            "Selected model is at capacity. Please try a different model.".to_owned()
        }
        (Shape::Overloaded, _) => "Our servers are currently overloaded. Please try again later.".to_owned(),
        (Shape::RateLimitExceeded | Shape::RateLimitSecondsObject, _) => format!(
            "Rate limit reached for {model} on requests per min (RPM). Please try again in {}.",
            Clockwise(particulars.wait)
        ),
        (_, 429) => format!("Rate limit reached for {model} on requests per min (RPM)."),
        (other, _) => other.message(particulars),
    }
}

#[cfg(test)]
mod tests {
    use crate::shape::tests::particulars;

    use super::*;

    fn check(shape: Shape, format: Format, expected: &str) {
        assert_eq!(shape.refusal(&particulars(format)).body, expected);
    }

    #[test]
    fn anthropic_names_the_type_and_the_request() {
        check(
            Shape::UsageLimit,
            Format::Anthropic,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account's rate limit."},"request_id":"req_1"}"#,
        );
        check(
            Shape::Overloaded,
            Format::Anthropic,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
        );
    }

    #[test]
    fn a_usage_limit_tells_its_end_twice() {
        check(
            Shape::UsageLimit,
            Format::OpenaiResponses,
            r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_at":1780391610,"resets_in_seconds":391610}}"#,
        );
    }

    #[test]
    fn openai_names_type_and_code() {
        check(
            Shape::Unauthorized,
            Format::OpenaiChat,
            r#"{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        );
    }

    #[test]
    fn an_invalid_grant_is_the_same_everywhere() {
        check(Shape::InvalidGrant, Format::Gemini, INVALID_GRANT);
    }
}
