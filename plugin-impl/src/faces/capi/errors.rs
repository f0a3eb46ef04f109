//! Errors: a number to branch on and a text to show, kept for each thread until its next call.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::faces::panics;
use crate::http::ListenError;
use crate::instance::{InstanceError, StartError};
use crate::runtime::router::FetchError;

use super::text::c_string;

/// There was no error.
pub const POINTSMAN_OK: i32 = 0;
/// A bug in the library; it was fenced in and nothing else is affected.
pub const POINTSMAN_ERROR_INTERNAL: i32 = 1;
/// The configuration is not usable; the text names file, line, key and remedy.
pub const POINTSMAN_ERROR_CONFIG: i32 = 2;
/// The request is not usable as it stands.
pub const POINTSMAN_ERROR_BAD_REQUEST: i32 = 3;
/// The upstream broke off, or could not be reached.
pub const POINTSMAN_ERROR_UPSTREAM: i32 = 4;
/// The router has been stopped.
pub const POINTSMAN_ERROR_CLOSED: i32 = 5;
/// The address to listen on is not usable.
pub const POINTSMAN_ERROR_LISTEN: i32 = 6;
/// The request was cancelled by `pointsman_cancel`.
pub const POINTSMAN_ERROR_CANCELLED: i32 = 7;
/// A handle or a text was null or no UTF-8, or a call came out of its order.
pub const POINTSMAN_ERROR_ARGUMENT: i32 = 8;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: i32,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(code: i32, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(super) fn argument(text: impl Into<String>) -> Self {
        Self::new(POINTSMAN_ERROR_ARGUMENT, text)
    }

    pub(super) fn closed() -> Self {
        Self::new(POINTSMAN_ERROR_CLOSED, InstanceError::Closed.to_string())
    }

    pub(super) fn cancelled() -> Self {
        Self::new(POINTSMAN_ERROR_CANCELLED, "the request was cancelled")
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Config(_) | StartError::Defaults(_) | StartError::Order(_) => POINTSMAN_ERROR_CONFIG,
            StartError::Threads(_) | StartError::Store(_) => POINTSMAN_ERROR_INTERNAL,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        let code = match &error {
            ListenError::Closed => POINTSMAN_ERROR_CLOSED,
            ListenError::Malformed(_)
            | ListenError::Remote(_)
            | ListenError::Taken { .. }
            | ListenError::NoUnixSockets => POINTSMAN_ERROR_LISTEN,
        };
        Self::new(code, error.to_string())
    }
}

impl From<InstanceError> for Failure {
    fn from(error: InstanceError) -> Self {
        let code = match &error {
            InstanceError::Closed => POINTSMAN_ERROR_CLOSED,
            InstanceError::Fetch(FetchError::Url(_)) => POINTSMAN_ERROR_BAD_REQUEST,
            InstanceError::Fetch(FetchError::Send(_)) => POINTSMAN_ERROR_UPSTREAM,
        };
        Self::new(code, error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<(i32, CString)> = RefCell::new((POINTSMAN_OK, CString::default()));
}

/// Runs a call. Its error, or that there was none, is kept for the thread; a panic is an error.
pub(super) fn fenced<T>(call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let done = catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(Failure::new(POINTSMAN_ERROR_INTERNAL, panics::text(&*panic))));
    keep(done.as_ref().err());
    done
}

/// Returns the code of a failed call as functions give it back: below zero.
pub(super) fn negative(failed: Failure) -> i32 {
    -failed.code
}

fn keep(failure: Option<&Failure>) {
    let kept =
        failure.map_or((POINTSMAN_OK, CString::default()), |failure| (failure.code, c_string(&failure.text)));
    // A thread that is ending has nobody left who could ask.
    let _ = LAST.try_with(|last| last.replace(kept));
}

/// Returns the code of the thread's last call: `POINTSMAN_OK`, or why it failed.
///
/// Functions that only free, and the two that ask for the error, leave it as it is.
#[expect(unsafe_code, reason = "it is called from C")]
#[unsafe(no_mangle)]
pub extern "C" fn pointsman_last_error_code() -> i32 {
    LAST.try_with(|last| last.borrow().0).unwrap_or(POINTSMAN_OK)
}

/// Returns the text for it in UTF-8, or an empty one. It is valid until the thread's next call, and is
/// not to be freed.
#[expect(unsafe_code, reason = "it is called from C")]
#[unsafe(no_mangle)]
pub extern "C" fn pointsman_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().1.as_ptr()).unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_this_thread_until_its_next_call() {
        let failed = fenced::<()>(|| panic!("out of {}", "track")).expect_err("fenced");
        assert_eq!(negative(failed), -POINTSMAN_ERROR_INTERNAL);
        assert_eq!(pointsman_last_error_code(), POINTSMAN_ERROR_INTERNAL);
        let elsewhere = std::thread::spawn(|| pointsman_last_error_code()).join();
        assert_eq!(elsewhere.unwrap(), POINTSMAN_OK);
        assert!(fenced(|| Ok(())).is_ok());
        assert_eq!(pointsman_last_error_code(), POINTSMAN_OK);
    }
}
