//! Errors as they cross the boundary: a code to branch on, a text to show.

use std::fmt;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString};

/// Names the kind of an [`Error`]. Hosts branch on it and treat a code they do not know as
/// [`ErrorCode::INTERNAL`].
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// A bug in the plugin; it was fenced in and nothing else is affected.
    pub const INTERNAL: Self = Self(1);
    /// The configuration is not usable; the text names file, line, key and remedy.
    pub const CONFIG: Self = Self(2);
    /// The request is not usable as it stands.
    pub const BAD_REQUEST: Self = Self(3);
    /// The upstream broke off, or could not be reached.
    pub const UPSTREAM: Self = Self(4);
    /// The plugin has been shut down.
    pub const CLOSED: Self = Self(5);
    /// The address to listen on is not usable.
    pub const LISTEN: Self = Self(6);
}

/// What went wrong, for a program (`code`) and for a person (`message`).
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: ErrorCode,
    /// A lowercase fragment or sentence without secrets.
    pub message: RString,
    /// When it may be worth trying again, in milliseconds of the Unix clock.
    pub retry_at_unix_ms: ROption<u64>,
}

impl Error {
    /// Makes an error that says nothing on trying again.
    pub fn new(code: ErrorCode, message: impl Into<RString>) -> Self {
        Self { code, message: message.into(), retry_at_unix_ms: ROption::RNone }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
