//! Errors as they cross the boundary: a code to branch on, a text to show.

use std::fmt;

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString};

/// The kind of an [`Error`]. Hosts branch on the code and treat an unknown code as
/// [`ErrorCode::INTERNAL`].
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// A bug in the plugin; a panic guard kept the rest of the plugin unaffected.
    pub const INTERNAL: Self = Self(1);
    /// An unusable configuration; the text names file, line, key and remedy.
    pub const CONFIG: Self = Self(2);
    /// An unusable request.
    pub const BAD_REQUEST: Self = Self(3);
    /// A broken or unreachable upstream.
    pub const UPSTREAM: Self = Self(4);
    /// The plugin has shut down.
    pub const CLOSED: Self = Self(5);
    /// An unusable listen address.
    pub const LISTEN: Self = Self(6);
}

/// An error: `code` for programs, `message` for people.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub code: ErrorCode,
    /// A lowercase fragment or sentence without secrets.
    pub message: RString,
    /// The earliest useful retry, in milliseconds of the Unix clock.
    pub retry_at_unix_ms: ROption<u64>,
}

impl Error {
    /// Makes an error without a retry time.
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
