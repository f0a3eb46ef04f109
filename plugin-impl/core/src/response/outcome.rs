//! Outcomes of attempts.
//!
//! An outcome is a part of the [`Evidence`](crate::response::evidence::Evidence) drawn from an answer.

use crate::time::Millis;

/// The outcome of one upstream call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream serves the request.
    Good,
    /// The pool's quota or rate is exhausted.
    Limited(LimitKind),
    /// The upstream has no room for this model now (503, 529), without regard to quota.
    Capacity,
    /// The upstream failed (500, 502, 504, a body that is no answer).
    ServerError,
    /// No usable answer arrived.
    Unreachable(NetworkFault),
    /// The credential was not accepted.
    Unauthorized,
    /// The service for tokens failed: no news about the credential.
    TokenOutage,
    /// The owner has to act before the account can be used again.
    NeedsSignIn(SignIn),
    /// The account's project or subscription does not allow the call.
    ProjectRefused,
    /// The account has no licence for this pool; its other pools may do.
    PoolRefused,
    /// Nobody pays for the account: no balance, no credit, a spending limit. Never a rate.
    Unpaid,
    /// Refused, without proof of whose fault it is.
    Refused,
    /// The request is larger than this account may send at once; another account may.
    TooLarge,
    /// The request itself is at fault; every account would give an equal answer.
    RequestFault,
}

/// The groups of outcomes that the readers of an answer tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Limit(LimitKind),
    /// No room for the model.
    Room,
    /// A refusal that may be about one model.
    Refusal,
    Other,
}

impl Outcome {
    /// Returns the kind of the exhausted allowance, for limits.
    pub const fn limit(&self) -> Option<LimitKind> {
        match self.group() {
            Group::Limit(kind) => Some(kind),
            Group::Room | Group::Refusal | Group::Other => None,
        }
    }

    /// Returns whether an answer with this outcome can name an end worth reading.
    pub const fn can_name_end(&self) -> bool {
        matches!(self.group(), Group::Limit(_) | Group::Room)
    }

    /// Returns whether the refusal may be about one model, where the answer names a model.
    pub const fn may_be_about_a_model(&self) -> bool {
        matches!(self.group(), Group::Refusal)
    }

    /// The one table of all outcomes for these questions.
    const fn group(&self) -> Group {
        match self {
            Self::Limited(kind) => Group::Limit(*kind),
            Self::Capacity => Group::Room,
            Self::ProjectRefused | Self::Refused => Group::Refusal,
            Self::Good
            | Self::ServerError
            | Self::Unreachable(_)
            | Self::Unauthorized
            | Self::TokenOutage
            | Self::NeedsSignIn(_)
            | Self::PoolRefused
            | Self::Unpaid
            | Self::TooLarge
            | Self::RequestFault => Group::Other,
        }
    }
}

/// The kind of exhausted allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// An allowance of hours or days.
    Quota,
    /// An allowance of seconds or minutes.
    Rate,
    /// Too many requests at once.
    Concurrency,
    /// Not reported by the upstream.
    Unknown,
}

/// The reported end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Reported.
    Until { until: Millis, source: HintSource },
    /// Reported but implausible: the instant is past, or too far away for the closure.
    Doubted { until: Millis, source: HintSource },
    /// Not reported. Never "60 s, said the server".
    Unknown,
}

impl Hint {
    /// Returns the instant of a plausible report.
    pub const fn until(self) -> Option<Millis> {
        match self {
            Self::Until { until, .. } => Some(until),
            Self::Doubted { .. } | Self::Unknown => None,
        }
    }
}

/// The place of a hint, in the order of search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HintSource {
    /// The header `retry-after-ms`.
    RetryAfterMs,
    /// The header `retry-after`: seconds or an HTTP date.
    RetryAfter,
    /// `google.rpc.RetryInfo.retryDelay`.
    RetryInfo,
    /// `ErrorInfo.metadata.quotaResetTimeStamp`, an absolute date.
    QuotaResetTimeStamp,
    /// `ErrorInfo.metadata.quotaResetDelay`.
    QuotaResetDelay,
    /// A header or field of the provider's own, such as `anthropic-ratelimit-unified-reset`.
    Provider,
    /// The text of the message.
    Message,
    /// An entry of `errors` in the user's configuration.
    Rule,
}

/// The reason for a missing or unusable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkFault {
    /// The connection could not be made; no account had a part in it.
    Connect,
    /// The head did not arrive in time.
    Timeout,
    /// The connection broke before the first byte of a body.
    Reset,
    /// The received bytes are not HTTP.
    Garbage,
    /// Nothing was sent: this process has no file descriptor or no memory for a connection.
    Local,
}

/// The reason for the owner to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The refresh token has expired or was revoked (`invalid_grant`).
    Revoked,
    /// The provider wants the account verified; with the page to do so, if reported.
    Verification { url: Option<String> },
    /// The provider has disabled the account.
    Disabled,
}
