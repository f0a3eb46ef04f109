//! Routers of C hosts: started, asked, stopped.

#![expect(unsafe_code, reason = "handles come from C as pointers")]

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Uri};

use crate::faces::panics;
use crate::instance::{ConfigFrom, Instance};

use super::errors::{Failure, POINTSMAN_ERROR_BAD_REQUEST, fenced, negative};
use super::event_json::EventJson;
use super::event_queue::EventQueue;
use super::extra::Extra;
use super::text::{give, optional, required};

/// The version of this interface: `major << 16 | minor`. Another major breaks; a minor adds.
pub const POINTSMAN_C_VERSION: u32 = 1 << 16;

/// How long stopping waits for threads of ours that the system keeps, such as in a lookup of a name.
const JOIN: Duration = Duration::from_secs(2);

/// A running router.
///
/// Any thread may use it, and several at once, until `pointsman_stop` begins.
#[derive(Debug)]
pub struct Router {
    pub(super) instance: Arc<Instance>,
    event_json: Arc<EventJson>,
}

/// Borrows a handle.
///
/// # Safety
/// `router` is null, or a handle that has not been stopped and is not while the result is used.
pub(super) unsafe fn router<'a>(router: *const Router) -> Result<&'a Router, Failure> {
    // SAFETY: the caller's duty.
    unsafe { router.as_ref() }.ok_or_else(|| Failure::argument("the router is null"))
}

/// Reads a method and an absolute URL. A key can be part of a query, so no error repeats one.
///
/// # Safety
/// As [`required`].
pub(super) unsafe fn method_and_uri(
    method: *const c_char,
    url: *const c_char,
) -> Result<(Method, Uri), Failure> {
    // SAFETY: the caller's duty.
    let (method, url) = unsafe { (required(method, "method")?, required(url, "URL")?) };
    let bad = |what: &str, text: &str| {
        Failure::new(POINTSMAN_ERROR_BAD_REQUEST, format!("the {what} `{text}` is not HTTP"))
    };
    let uri = url.parse().map_err(|_| bad("URL", url.split('?').next().unwrap_or_default()))?;
    Ok((method.parse().map_err(|_| bad("method", method))?, uri))
}

/// Returns the version of this interface: `major << 16 | minor`, as `POINTSMAN_C_VERSION` in the header
/// that a program was compiled with. The majors have to be equal, and the library's minor must not be
/// the smaller one. To be called before anything else.
#[unsafe(no_mangle)]
pub extern "C" fn pointsman_c_version() -> u32 {
    POINTSMAN_C_VERSION
}

/// Returns the version of the library as a text. It is always valid.
#[unsafe(no_mangle)]
pub extern "C" fn pointsman_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Starts a router, and returns null where it cannot be started. To be stopped by `pointsman_stop`.
///
/// `config_text` is a configuration; without one `config_path` is a file with one, which is watched for
/// changes; without either the usual places are looked at. `environment` are lines `NAME=VALUE` that hold
/// before the process's own variables; those named `POINTSMAN_…` are settings. Each may be null.
///
/// # Safety
/// Each text is null or ends in a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_start(
    config_path: *const c_char,
    config_text: *const c_char,
    environment: *const c_char,
) -> *mut Router {
    fenced(|| {
        // SAFETY: the caller's duty.
        let (path, text, environment) = unsafe {
            (
                optional(config_path, "path of the configuration")?,
                optional(config_text, "configuration")?,
                optional(environment, "environment")?,
            )
        };
        let environment = Extra::read(environment.unwrap_or_default())?;
        let from = match text {
            Some(text) => ConfigFrom::Text(text.to_owned()),
            None => ConfigFrom::Places(path.map(Into::into)),
        };
        let event_json = Arc::new(EventJson::default());
        panics::log(event_json.clone());
        let instance = Instance::start(from, event_json.clone(), Arc::new(environment))?;
        Ok(Box::into_raw(Box::new(Router { instance, event_json })))
    })
    .unwrap_or(std::ptr::null_mut())
}

/// Stops a router and frees it: it takes no more requests, lets those under way finish for `grace_ms`,
/// cuts the rest and waits until its threads have ended. Returns 0, or a negative code. Null is refused
/// and left alone.
///
/// Requests that have not been freed stay valid, and yield `POINTSMAN_ERROR_CLOSED`.
///
/// # Safety
/// `router` is null, or has not been stopped, and no other call with it is under way but
/// `pointsman_next_notice` and `pointsman_next_log`, which return at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_stop(router: *mut Router, grace_ms: u64) -> i32 {
    fenced(|| {
        if router.is_null() {
            return Err(Failure::argument("the router is null"));
        }
        // SAFETY: it is from `pointsman_start`, and the caller stops it once.
        let Router { instance, event_json } = *unsafe { Box::from_raw(router) };
        if let Some(runtime) = instance.handle() {
            runtime.block_on(instance.shut_down(Duration::from_millis(grace_ms)));
            // What was cut holds the instance for a moment more.
            let over = async { tokio::time::timeout(JOIN, instance.tasks().wait()).await };
            let _ = runtime.block_on(over);
        }
        event_json.close();
        if let Some(instance) = Arc::into_inner(instance) {
            instance.join(JOIN);
        }
        Ok(())
    })
    .map_or_else(negative, |()| 0)
}

/// Returns the state of all accounts as JSON, or null. To be freed by `pointsman_text_free`.
///
/// # Safety
/// `router` is a router that is not being stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_status(router: *const Router) -> *mut c_char {
    // SAFETY: the caller's duty.
    fenced(|| Ok(give(&unsafe { self::router(router) }?.instance.status().to_json().to_string())))
        .unwrap_or(std::ptr::null_mut())
}

/// Returns the oldest notice that has not been taken as JSON, after waiting for one for `wait_ms` at the
/// most. Null means none, or an error. To be freed by `pointsman_text_free`.
///
/// # Safety
/// `router` is a router that is not being stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_next_notice(router: *const Router, wait_ms: u32) -> *mut c_char {
    // SAFETY: the caller's duty.
    unsafe { next(router, wait_ms, |event_json| &event_json.notices) }
}

/// Returns the oldest line of the log that has not been taken as JSON, as `pointsman_next_notice` does.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_next_log(router: *const Router, wait_ms: u32) -> *mut c_char {
    // SAFETY: the caller's duty.
    unsafe { next(router, wait_ms, |event_json| &event_json.log) }
}

/// # Safety
/// `router` is null or a router.
unsafe fn next(
    router: *const Router,
    wait_ms: u32,
    event_queue: impl FnOnce(&EventJson) -> &EventQueue<serde_json::Value>,
) -> *mut c_char {
    fenced(|| {
        // The letters are held, so that whoever waits may be outlived by the router's end.
        // SAFETY: the caller's duty.
        let event_json = unsafe { self::router(router) }?.event_json.clone();
        let taken = event_queue(&event_json).take(Duration::from_millis(wait_ms.into()));
        Ok(taken.map_or(std::ptr::null_mut(), |taken| give(&taken.into_text())))
    })
    .unwrap_or(std::ptr::null_mut())
}

/// Serves plain HTTP to this program and to nobody else, and returns the address or null. To be freed by
/// `pointsman_text_free`.
///
/// Without an address it is a unix socket of mode 0600 in a folder of mode 0700 that is made for it:
/// `unix:PATH`. Where there are no unix sockets, or where `address` is `HOST:PORT` of the loopback, each
/// request needs `pointsman_token` as the header `x-pointsman-token`, as a bearer token or as an API key.
/// The header `x-pointsman-target` says where a request would have gone; without it the path decides, as
/// at the gateway.
///
/// # Safety
/// `router` is a router that is not being stopped; `address` is null or ends in a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_listen(router: *const Router, address: *const c_char) -> *mut c_char {
    fenced(|| {
        // SAFETY: the caller's duty.
        let (router, address) = unsafe { (self::router(router)?, optional(address, "address")?) };
        Ok(give(&router.instance.listen_for_host(address.unwrap_or_default())?))
    })
    .unwrap_or(std::ptr::null_mut())
}

/// Returns the token that `pointsman_listen` asks for on a TCP port, or null. To be freed by
/// `pointsman_text_free`.
///
/// # Safety
/// `router` is a router that is not being stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_token(router: *const Router) -> *mut c_char {
    // SAFETY: the caller's duty.
    fenced(|| Ok(give(unsafe { self::router(router) }?.instance.token().expose())))
        .unwrap_or(std::ptr::null_mut())
}

/// Returns 1 where a request to `url` would be routed, 0 where it would pass through untouched, or a
/// negative code.
///
/// # Safety
/// `router` is a router that is not being stopped; the texts end in a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pointsman_claims(
    router: *const Router,
    method: *const c_char,
    url: *const c_char,
) -> i32 {
    fenced(|| {
        // SAFETY: the caller's duty.
        let (router, (method, uri)) = unsafe { (self::router(router)?, method_and_uri(method, url)?) };
        Ok(router.instance.claims(&method, &uri))
    })
    .map_or_else(negative, i32::from)
}
