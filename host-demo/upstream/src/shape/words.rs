//! What errors say to people.

use std::time::Duration;

use crate::shape::{Particulars, Shape};
use crate::span::{Clockwise, ceil_seconds};

impl Shape {
    /// The text of Google's error; other families use it where they have no words of their own.
    pub(super) fn message(self, particulars: &Particulars<'_>) -> String {
        let model = particulars.model;
        match self {
            Self::QuotaExhausted | Self::QuotaExhaustedInArray | Self::UsageLimit => format!(
                "Individual quota reached. Contact your administrator to enable overages. Resets in {}.",
                Clockwise(whole_seconds(particulars.wait))
            ),
            Self::RateLimitExceeded | Self::RateLimitSecondsObject => format!(
                "You have exhausted your capacity on this model. Your quota will reset after {}.",
                Clockwise(whole_seconds(particulars.wait))
            ),
            Self::Capacity | Self::CapacityLimit => {
                format!("No capacity available for model {model} on the server")
            }
            Self::NotFound => format!("models/{model} is not found for API version v1beta."),
            Self::CreditsExhausted
            | Self::Bare
            | Self::QuotaPerMinute
            | Self::QuotaPerDay
            | Self::ExtraUsage
            | Self::Overloaded
            | Self::Unavailable
            | Self::ServerError
            | Self::Unauthorized
            | Self::Verification
            | Self::Subscription
            | Self::Disabled
            | Self::GenerateChatDenied
            | Self::Unlicensed
            | Self::InvalidArgument
            | Self::PromptTooLong
            | Self::CorruptedSignature
            | Self::InvalidGrant => self.fixed_message().to_owned(),
        }
    }

    fn fixed_message(self) -> &'static str {
        match self {
            Self::CreditsExhausted => "Insufficient credits balance to complete the request.",
            Self::QuotaPerMinute | Self::QuotaPerDay => "Quota exceeded",
            Self::ExtraUsage => "Extra usage is required for long context requests.",
            Self::Overloaded => "The model is overloaded. Please try again later.",
            Self::Unavailable => "The service is currently unavailable.",
            Self::ServerError => "Internal error encountered.",
            Self::Unauthorized => {
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
                 or other valid authentication credential."
            }
            Self::Verification => "Verify your account to continue.",
            Self::Subscription => "A Gemini Code Assist license is required. SUBSCRIPTION_REQUIRED",
            Self::Disabled => {
                "This account has been disabled in Gemini Code Assist for violation of Terms of Service."
            }
            Self::GenerateChatDenied => {
                "Permission 'cloudaicompanion.companions.generateChat' denied on resource \
                 '//cloudaicompanion.googleapis.com/projects/local/locations/global' (or it may not exist)."
            }
            Self::Unlicensed => {
                "You are currently configured to use a Google Cloud Project but lack a Gemini Code Assist \
                 license. (#3501)"
            }
            Self::InvalidArgument => "Request contains an invalid argument.",
            Self::PromptTooLong => "prompt is too long: 250000 tokens > 200000 maximum",
            Self::CorruptedSignature => "Corrupted thought signature.",
            Self::QuotaExhausted
            | Self::QuotaExhaustedInArray
            | Self::RateLimitExceeded
            | Self::RateLimitSecondsObject
            | Self::UsageLimit
            | Self::Capacity
            | Self::CapacityLimit
            | Self::NotFound
            | Self::InvalidGrant
            | Self::Bare => "Resource has been exhausted (e.g. check quota).",
        }
    }
}

/// Messages tell whole seconds, rounded up; details tell fractions.
fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(ceil_seconds(span))
}
