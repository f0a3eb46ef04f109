//! The shapes of provider errors by name, and how each family of wire formats spells them.
//!
//! A shape is what happened; the caller's wire format decides the words. The bodies are those that
//! providers were seen to send, with invented values.

mod google;
mod plain;
mod words;

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use crate::format::Format;
use crate::refusal::Refusal;

pub(crate) use plain::invalid_grant;

/// What a provider's error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// 429: a long allowance is used up, with details and the wait.
    QuotaExhausted,
    /// The same, wrapped in an array of one.
    QuotaExhaustedInArray,
    /// 429: too many requests a minute, with details and the wait.
    RateLimitExceeded,
    /// The same, with the wait as an object of seconds and nanoseconds.
    RateLimitSecondsObject,
    /// 429: the account's credits are used up.
    CreditsExhausted,
    /// 429 without details or headers.
    Bare,
    /// 429 with a violation of a quota a minute, without the wait.
    QuotaPerMinute,
    /// 429 with a violation of a quota a day, without the wait.
    QuotaPerDay,
    /// 429 of an account's usage limit (`usage_limit_reached`, `anthropic-ratelimit-unified-…`).
    UsageLimit,
    /// 429 that concerns an option of the request, not the account.
    ExtraUsage,
    /// 503: no capacity for the model.
    Capacity,
    /// 429 for the same reason.
    CapacityLimit,
    /// 529, or 503 where there is no 529: overloaded.
    Overloaded,
    /// 503 without a reason.
    Unavailable,
    /// 500.
    ServerError,
    /// 401: the credential is not accepted.
    Unauthorized,
    /// 403: a person must verify the account.
    Verification,
    /// 403: a subscription is required.
    Subscription,
    /// 403: the account is gone.
    Disabled,
    /// 403: the project may not generate.
    GenerateChatDenied,
    /// 403: the account has no licence for this pool.
    Unlicensed,
    /// 400: the request is wrong.
    InvalidArgument,
    /// 400: the request is too long.
    PromptTooLong,
    /// 400: a signature in the conversation is broken.
    CorruptedSignature,
    /// 400 of a token endpoint: sign in again.
    InvalidGrant,
    /// 404.
    NotFound,
}

/// A name that is no shape.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the name of an error shape")]
pub struct UnknownShape(String);

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        let name_of = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
        Self::deserialize(name_of).map_err(|_| UnknownShape(name.to_owned()))
    }
}

/// What an error tells beside its shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Particulars<'a> {
    pub(crate) format: Format,
    /// Google's Code Assist service; else its Generative Language one.
    pub(crate) code_assist: bool,
    pub(crate) model: &'a str,
    pub(crate) wait: Duration,
    /// The time since the Unix epoch.
    pub(crate) unix: Duration,
    pub(crate) request_id: &'a str,
}

impl Particulars<'_> {
    /// The instant of the reset since the Unix epoch.
    pub(crate) fn reset(&self) -> Duration {
        self.unix.saturating_add(self.wait)
    }
}

impl Shape {
    /// The error in the caller's wire format.
    pub(crate) fn refusal(self, particulars: &Particulars<'_>) -> Refusal {
        match (self, particulars.format) {
            (Self::InvalidGrant, _) => invalid_grant(),
            (_, Format::Gemini | Format::CodeAssist) => google::refusal(self, particulars),
            (_, Format::Anthropic) => plain::anthropic(self, particulars),
            (_, Format::OpenaiChat | Format::OpenaiResponses) => plain::openai(self, particulars),
        }
    }

    /// The HTTP status in a wire format.
    pub(crate) fn code(self, format: Format) -> u16 {
        match self {
            Self::QuotaExhausted
            | Self::QuotaExhaustedInArray
            | Self::RateLimitExceeded
            | Self::RateLimitSecondsObject
            | Self::CreditsExhausted
            | Self::Bare
            | Self::QuotaPerMinute
            | Self::QuotaPerDay
            | Self::UsageLimit
            | Self::ExtraUsage
            | Self::CapacityLimit => 429,
            // 529 is Anthropic's own code for it.
            Self::Capacity | Self::Overloaded if format == Format::Anthropic => 529,
            Self::Capacity | Self::Overloaded | Self::Unavailable => 503,
            Self::ServerError => 500,
            Self::Unauthorized => 401,
            Self::Verification
            | Self::Subscription
            | Self::Disabled
            | Self::GenerateChatDenied
            | Self::Unlicensed => 403,
            Self::InvalidArgument | Self::PromptTooLong | Self::CorruptedSignature | Self::InvalidGrant => {
                400
            }
            Self::NotFound => 404,
        }
    }

    /// Whether the body tells the wait in a form made for machines.
    pub(crate) fn tells_wait(self, format: Format) -> bool {
        let google = matches!(format, Format::Gemini | Format::CodeAssist);
        let with_retry_info = matches!(
            self,
            Self::QuotaExhausted
                | Self::QuotaExhaustedInArray
                | Self::RateLimitExceeded
                | Self::RateLimitSecondsObject
                | Self::UsageLimit
        );
        google && with_retry_info
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::Value;

    use super::*;

    pub(crate) fn particulars(format: Format) -> Particulars<'static> {
        Particulars {
            format,
            code_assist: format == Format::CodeAssist,
            model: "gemini-3-flash",
            wait: Duration::new(391_609, 795_772_632),
            unix: Duration::from_secs(1_780_000_000),
            request_id: "req_1",
        }
    }

    const ALL: [&str; 26] = [
        "quota-exhausted",
        "quota-exhausted-in-array",
        "rate-limit-exceeded",
        "rate-limit-seconds-object",
        "credits-exhausted",
        "bare",
        "quota-per-minute",
        "quota-per-day",
        "usage-limit",
        "extra-usage",
        "capacity",
        "capacity-limit",
        "overloaded",
        "unavailable",
        "server-error",
        "unauthorized",
        "verification",
        "subscription",
        "disabled",
        "generate-chat-denied",
        "unlicensed",
        "invalid-argument",
        "prompt-too-long",
        "corrupted-signature",
        "invalid-grant",
        "not-found",
    ];

    #[test]
    fn every_shape_is_filled_json_in_every_format() {
        for name in ALL {
            let shape: Shape = name.parse().unwrap();
            for format in Format::ALL {
                let refusal = shape.refusal(&particulars(format));
                assert!(
                    serde_json::from_str::<Value>(&refusal.body).is_ok(),
                    "{name} {format:?} {refusal:?}"
                );
                assert!(!refusal.body.contains('$'), "{name} {format:?} {refusal:?}");
                assert_eq!(refusal.code, shape.code(format), "{name} {format:?}");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_told() {
        assert_eq!(
            "quota".parse::<Shape>().unwrap_err().to_string(),
            "\"quota\" is not the name of an error shape"
        );
    }

    #[test]
    fn overload_has_the_code_of_its_provider() {
        assert_eq!(Shape::Overloaded.code(Format::Anthropic), 529);
        assert_eq!(Shape::Overloaded.code(Format::Gemini), 503);
    }
}
