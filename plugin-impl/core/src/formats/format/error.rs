//! The error body of a format, as the router writes it.

use http::StatusCode;

use crate::time::UnixMillis;

/// The facts of an error's body.
#[derive(Clone, Debug)]
pub struct ErrorFacts {
    pub status: StatusCode,
    pub message: String,
    pub retry_after: Option<u64>,
    /// The instant of a possible improvement, if known.
    pub until: Option<UnixMillis>,
    pub detail: Detail,
}

/// The body's content besides the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The format's usual error.
    #[default]
    Usual,
    /// The usage limit is reached, with its end.
    UsageLimit,
    /// A daily quota is used up.
    DailyQuota,
}
