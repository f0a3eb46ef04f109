//! Rules: the meaning of an error, by its status, its code and its text.
//!
//! Some rules come with Pointsman, as the table of words in [`classify`](crate::response::classify); others
//! are the user's own, the entries of `errors` at a provider.

use std::time::Duration;

/// The named meaning of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// The request is at fault.
    Request,
    /// The request is larger than the account may send at once.
    TooLarge,
    /// The credential is not accepted.
    Credential,
    /// The account may not perform the call.
    Account,
    /// Nobody pays for the account.
    Unpaid,
    /// The account is closed for good.
    Disabled,
    /// The account has no access to the model.
    Model,
    /// An allowance of hours or days is used up.
    Quota,
    /// An allowance of hours or days is used up, for the model alone.
    ModelQuota,
    /// An allowance of seconds or minutes is used up.
    Rate,
    /// An allowance of seconds or minutes is used up, for the model alone.
    ModelRate,
    /// Too many requests are under way.
    Concurrency,
    /// The model has no room.
    Capacity,
    /// Nothing: the answer is passed on, and nobody is at fault.
    Ignore,
}

/// A user's rule for an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub status: Option<u16>,
    /// The type, the code or the reason of the error, regardless of case and separators.
    pub code: Option<String>,
    /// A part of the message, in lower case.
    pub text: Option<String>,
    pub means: Means,
    /// The length of the closure.
    pub lasts: Option<Duration>,
}
