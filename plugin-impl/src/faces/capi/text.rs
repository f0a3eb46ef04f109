//! Texts in and out: UTF-8, zero-terminated.

#![expect(unsafe_code, reason = "texts come from C as pointers")]

use std::ffi::{CStr, CString, c_char};

use super::errors::Failure;

/// Borrows an optional text.
///
/// # Safety
/// `text` is null, or zero-terminated and unchanged during the use of the result.
pub(super) unsafe fn optional<'a>(text: *const c_char, what: &str) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not null; the rest is the caller's duty.
    let text = unsafe { CStr::from_ptr(text) }.to_str();
    text.map(Some).map_err(|_| Failure::argument(format!("the {what} is not UTF-8")))
}

/// Borrows a required text.
///
/// # Safety
/// As [`optional`].
pub(super) unsafe fn required<'a>(text: *const c_char, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: the caller's duty is the same.
    unsafe { optional(text, what) }?.ok_or_else(|| Failure::argument(format!("the {what} is null")))
}

/// Gives a text to the host. The host frees the text by [`pointsman_text_free`].
pub(super) fn give(text: &str) -> *mut c_char {
    c_string(text).into_raw()
}

/// Makes a C string. A zero inside would end the text early; no text of ours has a zero.
pub(super) fn c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Frees a text that a function gave. Null is left alone.
///
/// # Safety
/// `text` is null, or was given by this library and has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_text_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it is from `give`, and the caller frees it once.
        drop(unsafe { CString::from_raw(text) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_and_go_as_they_are() {
        let text = give("grüße");
        // SAFETY: it was given just now.
        assert_eq!(unsafe { required(text, "text") }, Ok("grüße"));
        // SAFETY: it is freed once.
        unsafe { pointsman_text_free(text) };
        // SAFETY: null is allowed.
        unsafe { pointsman_text_free(std::ptr::null_mut()) };
    }

    #[test]
    fn what_is_null_or_no_text_is_named() {
        // SAFETY: null is allowed, and the literal ends in a zero.
        let found = unsafe { (optional(std::ptr::null(), "path"), required(std::ptr::null(), "URL")) };
        assert_eq!(found, (Ok(None), Err(Failure::argument("the URL is null"))));
        // SAFETY: as above.
        let found = unsafe { required(c"\xff".as_ptr(), "URL") };
        assert_eq!(found, Err(Failure::argument("the URL is not UTF-8")));
    }
}
