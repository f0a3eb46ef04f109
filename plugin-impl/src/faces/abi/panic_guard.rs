//! The panic guard: no panic of ours reaches a host.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::std_types::RResult;
use pointsman_api::{Error, ErrorCode};

use crate::faces::panics;

/// Runs an entry, and turns a panic into an error.
///
/// State left half done by a panic is not visible: locked state is replaced whole, the rest is atomic.
pub fn panic_guard<T>(entry: impl FnOnce() -> Result<T, Error>) -> RResult<T, Error> {
    catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|panic| Err(caught(&*panic))).into()
}

/// Returns the error for a panic.
pub fn caught(panic: &(dyn Any + Send)) -> Error {
    Error::new(ErrorCode::INTERNAL, panics::text(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let fenced: RResult<(), Error> = panic_guard(|| panic!("out of {}", "track"));
        let error = fenced.into_result().expect_err("fenced");
        assert_eq!(error.code, ErrorCode::INTERNAL);
        assert_eq!(error.message, "a bug in the plugin was fenced in: out of track");
    }
}
