//! Requests of C hosts: put together, fetched, read, cancelled, freed.

#![expect(unsafe_code, reason = "handles and bytes come from C as pointers")]

use std::ffi::c_char;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tokio_util::sync::CancellationToken;

use crate::instance::Instance;
use crate::runtime::router::call;
use crate::sync::unpoisoned;

use super::errors::{Failure, POINTSMAN_ERROR_BAD_REQUEST, fenced, negative};
use super::exchange::{self, Head, Reading};
use super::router::{Router, method_and_uri, router};
use super::text::required;

/// One request and its answer.
///
/// One thread at a time may use it, but any thread may call `pointsman_cancel` at any time until it is
/// freed.
#[derive(Debug)]
pub struct Request {
    instance: Arc<Instance>,
    /// Beside the stage, so that it needs no lock that a waiting call holds.
    cancel: CancellationToken,
    stage: Mutex<Stage>,
    head: OnceLock<Head>,
}

#[derive(Debug)]
enum Stage {
    Draft(Draft),
    Reading(Reading),
    Over(Result<(), Failure>),
}

#[derive(Debug)]
struct Draft {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    fn new(instance: Arc<Instance>, method: Method, uri: Uri) -> Self {
        let draft = Draft { method, uri, headers: HeaderMap::new(), body: Bytes::new() };
        let stage = Mutex::new(Stage::Draft(draft));
        Self { instance, cancel: CancellationToken::new(), stage, head: OnceLock::new() }
    }

    fn change(&self, change: impl FnOnce(&mut Draft) -> Result<(), Failure>) -> Result<(), Failure> {
        match &mut *unpoisoned(self.stage.lock()) {
            Stage::Draft(draft) => change(draft),
            Stage::Reading(_) | Stage::Over(_) => Err(Failure::argument("the request has been fetched")),
        }
    }

    fn fetch(&self) -> Result<u16, Failure> {
        let mut stage = unpoisoned(self.stage.lock());
        if !matches!(*stage, Stage::Draft(_)) {
            return Err(Failure::argument("the request has been fetched"));
        }
        let failed = Stage::Over(Err(Failure::argument("the fetch failed")));
        let Stage::Draft(draft) = std::mem::replace(&mut *stage, failed) else {
            return Err(Failure::argument("the request has been fetched"));
        };
        let Draft { method, uri, headers, body } = draft;
        let call = call(method, uri.query(), headers, body);
        match exchange::begin(&self.instance, uri, call, &self.cancel) {
            Ok((head, reading)) => {
                *stage = Stage::Reading(reading);
                Ok(self.head.get_or_init(|| head).status)
            }
            Err(failure) => {
                *stage = Stage::Over(Err(failure.clone()));
                Err(failure)
            }
        }
    }

    fn read(&self, into: &mut [u8]) -> Result<usize, Failure> {
        let mut stage = unpoisoned(self.stage.lock());
        let reading = match &mut *stage {
            Stage::Reading(reading) => reading,
            Stage::Over(over) => return over.clone().map(|()| 0),
            Stage::Draft(_) => return Err(Failure::argument("the request has not been fetched")),
        };
        if into.is_empty() {
            return Err(Failure::argument("there is no room to read into"));
        }
        let read = reading.read(into, &self.cancel);
        match &read {
            Ok(0) => *stage = Stage::Over(Ok(())),
            Ok(_) => {}
            Err(failure) => *stage = Stage::Over(Err(failure.clone())),
        }
        read
    }

    fn head(&self) -> Result<&Head, Failure> {
        self.head.get().ok_or_else(|| Failure::argument("there is no answer"))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Borrows a handle.
///
/// # Safety
/// `request` is null, or a handle that has not been freed and is not while the result is used.
unsafe fn request<'a>(request: *const Request) -> Result<&'a Request, Failure> {
    // SAFETY: the caller's duty.
    unsafe { request.as_ref() }.ok_or_else(|| Failure::argument("the request is null"))
}

/// Begins to put a request together, which the program would have sent to `url` itself. Returns null
/// where the method or the URL is not one. To be freed by `pointsman_request_free`.
///
/// # Safety
/// `router` is a router that is not being stopped; the texts end in a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_request_new(
    router: *const Router,
    method: *const c_char,
    url: *const c_char,
) -> *mut Request {
    fenced(|| {
        // SAFETY: the caller's duty.
        let (instance, (method, uri)) =
            unsafe { (self::router(router)?.instance.clone(), method_and_uri(method, url)?) };
        Ok(Box::into_raw(Box::new(Request::new(instance, method, uri))))
    })
    .unwrap_or(std::ptr::null_mut())
}

/// Adds a header. Returns 0, or a negative code.
///
/// # Safety
/// `request` has not been freed; the texts end in a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_request_header(
    request: *mut Request,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    fenced(|| {
        // SAFETY: the caller's duty.
        let (request, name, value) = unsafe {
            (self::request(request)?, required(name, "header name")?, required(value, "header value")?)
        };
        let bad = |what: &str| Failure::new(POINTSMAN_ERROR_BAD_REQUEST, format!("the {what} is not HTTP"));
        let parsed: HeaderName = name.parse().map_err(|_| bad(&format!("header name `{name}`")))?;
        let value = HeaderValue::from_str(value).map_err(|_| bad(&format!("value of header `{name}`")))?;
        request.change(|draft| {
            draft.headers.append(parsed, value);
            Ok(())
        })
    })
    .map_or_else(negative, |()| 0)
}

/// Sets the body; the bytes are copied. Returns 0, or a negative code.
///
/// # Safety
/// `request` has not been freed; `bytes` has `length` bytes, or is null and `length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_request_body(
    request: *mut Request,
    bytes: *const u8,
    length: usize,
) -> i32 {
    fenced(|| {
        // SAFETY: the caller's duty.
        let request = unsafe { self::request(request) }?;
        let body = match (bytes.is_null(), length) {
            (_, 0) => Bytes::new(),
            (true, _) => return Err(Failure::argument("the body is null")),
            // SAFETY: it is not null, and has as many bytes by the caller's duty.
            (false, _) => Bytes::copy_from_slice(unsafe { std::slice::from_raw_parts(bytes, length) }),
        };
        request.change(|draft| {
            draft.body = body;
            Ok(())
        })
    })
    .map_or_else(negative, |()| 0)
}

/// Sends the request and waits for the head of its answer. Returns the status of HTTP, or a negative code.
///
/// An answer of the upstream is no error whatever its status, and neither is a refusal of the router.
///
/// # Safety
/// `request` has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_fetch(request: *mut Request) -> i32 {
    // SAFETY: the caller's duty.
    fenced(|| unsafe { self::request(request) }?.fetch()).map_or_else(negative, i32::from)
}

/// Waits for the next bytes of the answer's body and copies as many as there are and have room. Returns
/// their number, 0 at the end, or a negative code where the body broke off; from then on always the same.
///
/// # Safety
/// `request` has not been freed; `into` has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_read(request: *mut Request, into: *mut u8, size: usize) -> i64 {
    fenced(|| {
        // SAFETY: the caller's duty.
        let request = unsafe { self::request(request) }?;
        if into.is_null() {
            return Err(Failure::argument("there is no room to read into"));
        }
        // Nobody reads more at once, and so the number fits whatever the size.
        let size = size.min(1 << 30);
        // SAFETY: it is not null, and has as much room by the caller's duty. It is only written to.
        let read = request.read(unsafe { std::slice::from_raw_parts_mut(into, size) })?;
        Ok(i64::try_from(read).unwrap_or(i64::MAX))
    })
    .unwrap_or_else(|failure| negative(failure).into())
}

/// Returns the status of the answer, or a negative code where there is none.
///
/// # Safety
/// `request` has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_answer_status(request: *const Request) -> i32 {
    // SAFETY: the caller's duty.
    fenced(|| Ok(unsafe { self::request(request) }?.head()?.status)).map_or_else(negative, i32::from)
}

/// Returns the first value of a header of the answer, whatever the case of its name, or null where there
/// is none. It is valid until the request is freed.
///
/// # Safety
/// `request` has not been freed; `name` ends in a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_answer_header(
    request: *const Request,
    name: *const c_char,
) -> *const c_char {
    fenced(|| {
        // SAFETY: the caller's duty.
        let (head, name) = unsafe { (self::request(request)?.head()?, required(name, "header name")?) };
        let mut named =
            head.headers.iter().filter(|(known, _)| known.to_bytes().eq_ignore_ascii_case(name.as_bytes()));
        Ok(named.next().map_or(std::ptr::null(), |(_, value)| value.as_ptr()))
    })
    .unwrap_or(std::ptr::null())
}

/// Returns how many headers the answer has; none before there is one.
///
/// # Safety
/// `request` has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_answer_header_count(request: *const Request) -> usize {
    // SAFETY: the caller's duty.
    fenced(|| Ok(unsafe { self::request(request) }?.head()?.headers.len())).unwrap_or(0)
}

/// Returns the name of a header by its place, in lower case, or null where there is none. It is valid
/// until the request is freed.
///
/// # Safety
/// `request` has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_answer_header_name(
    request: *const Request,
    place: usize,
) -> *const c_char {
    // SAFETY: the caller's duty.
    let found = fenced(|| Ok(unsafe { self::request(request) }?.head()?.headers.get(place)));
    found.ok().flatten().map_or(std::ptr::null(), |(name, _)| name.as_ptr())
}

/// Returns the value of a header by its place, or null where there is none. It need not be UTF-8, and is
/// valid until the request is freed.
///
/// # Safety
/// `request` has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_answer_header_value(
    request: *const Request,
    place: usize,
) -> *const c_char {
    // SAFETY: the caller's duty.
    let found = fenced(|| Ok(unsafe { self::request(request) }?.head()?.headers.get(place)));
    found.ok().flatten().map_or(std::ptr::null(), |(_, value)| value.as_ptr())
}

/// Cancels the request, from any thread: it is closed upstream, and whoever waits in `pointsman_fetch` or
/// `pointsman_read` gets `POINTSMAN_ERROR_CANCELLED`. Null, and what is over, is left alone.
///
/// # Safety
/// `request` is null, or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_cancel(request: *const Request) {
    // SAFETY: the caller's duty.
    let _ = fenced(|| {
        unsafe { self::request(request) }?.cancel.cancel();
        Ok(())
    });
}

/// Frees a request; one that is under way is cancelled. Null is left alone.
///
/// # Safety
/// `request` is null, or has not been freed, and no other call with it is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_request_free(request: *mut Request) {
    if !request.is_null() {
        // SAFETY: it is from `pointsman_request_new`, and the caller frees it once.
        let request = unsafe { Box::from_raw(request) };
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(request)));
    }
}
