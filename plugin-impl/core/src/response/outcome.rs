//! What an attempt came to.
//!
//! It is one part of the [`Evidence`](crate::response::evidence::Evidence) that an answer is read into.

use crate::time::Millis;

/// What one upstream call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream serves the request.
    Good,
    /// The pool's quota is used up, or its rate is.
    Limited(LimitKind),
    /// The upstream has no room for this model now (503, 529); nobody's quota is meant.
    Capacity,
    /// The upstream failed (500, 502, 504, a body that is no answer).
    ServerError,
    /// No usable answer arrived.
    Unreachable(NetworkFault),
    /// The credential was not accepted.
    Unauthorized,
    /// The service that issues tokens failed, which says nothing on the credential.
    TokenOutage,
    /// The owner of the account has to act before it can be used again.
    NeedsSignIn(SignIn),
    /// The account's project or subscription does not allow the call.
    ProjectRefused,
    /// The account has no licence for this pool; its other pools may do.
    PoolRefused,
    /// Nobody pays for the account: no balance, no credit, a spending limit. This is never a rate.
    Unpaid,
    /// It is refused, and the answer does not say whose fault that is.
    Refused,
    /// The request is larger than this account may send at once; another account may.
    TooLarge,
    /// The request itself is at fault; every account would answer the same.
    RequestFault,
}

/// Which allowance was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// An allowance of hours or days.
    Quota,
    /// An allowance of seconds or minutes.
    Rate,
    /// Too many requests at once.
    Concurrency,
    /// The upstream did not say which.
    Unknown,
}

/// When the upstream said that it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It said so.
    Until { until: Millis, source: HintSource },
    /// It said so, and that cannot be: the instant is past, or too far away for what is closed.
    Doubted { until: Millis, source: HintSource },
    /// It did not say. This is never "60 s, said the server".
    Unknown,
}

impl Hint {
    /// Returns the instant, where there is one to go by.
    pub const fn until(self) -> Option<Millis> {
        match self {
            Self::Until { until, .. } => Some(until),
            Self::Doubted { .. } | Self::Unknown => None,
        }
    }
}

/// Where a hint was found, in the order in which the places are looked at.
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

/// Why no usable answer arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkFault {
    /// The connection could not be made; no account had a part in it.
    Connect,
    /// The head did not arrive in time.
    Timeout,
    /// The connection broke before the first byte of a body.
    Reset,
    /// What arrived is not HTTP.
    Garbage,
}

/// Why the owner of an account has to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The refresh token has expired or was revoked (`invalid_grant`).
    Revoked,
    /// The provider wants the account verified; the page to do so, where it was told.
    Verification { url: Option<String> },
    /// The provider has disabled the account.
    Disabled,
}
