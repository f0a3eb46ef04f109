//! The contract: what functions do with what they are given, right or wrong.

#![expect(unsafe_code, reason = "the functions are called as C calls them")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use libloading::{Library, Symbol};
use pointsman_loader::api::AbiVersion;
use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Setup, plugin};
use pointsman_upstream::{Ending, Fault, Harm, Moment, Upstream};
use serde_json::Value;

type Handle = *mut c_void;

/// Calls a function of the library by its name.
macro_rules! call {
    ($name:literal ($($argument:expr => $kind:ty),*) -> $result:ty) => {{
        // SAFETY: the types are those of the header, which the compiler of C checks in other tests.
        unsafe {
            let function: Symbol<'_, unsafe extern "C" fn($($kind),*) -> $result> =
                library().get($name).expect("it is exported");
            function($($argument),*)
        }
    }};
}

fn library() -> &'static Library {
    static LOADED: OnceLock<Library> = OnceLock::new();
    // SAFETY: the library has no constructors that do anything.
    LOADED.get_or_init(|| unsafe { Library::new(plugin::path()) }.expect("the library can be loaded"))
}

fn c(text: &str) -> CString {
    CString::new(text).expect("no zero")
}

fn error() -> (i32, String) {
    let code = call!(b"pointsman_last_error_code"() -> i32);
    let text = call!(b"pointsman_last_error"() -> *const c_char);
    // SAFETY: it is valid until the next call.
    (code, unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned())
}

fn taken(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it was given by the library.
    let copy = unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned();
    call!(b"pointsman_text_free"(text => *mut c_char) -> ());
    Some(copy)
}

fn start(config: &str, environment: Option<&str>) -> Handle {
    let (config, environment) = (c(config), environment.map(c));
    let environment = environment.as_ref().map_or(null(), |lines| lines.as_ptr());
    call!(b"pointsman_start"(null() => *const c_char, config.as_ptr() => *const c_char,
        environment => *const c_char) -> Handle)
}

fn stop(router: Handle, grace: u64) -> i32 {
    call!(b"pointsman_stop"(router => Handle, grace => u64) -> i32)
}

fn status(router: Handle) -> Value {
    let text = taken(call!(b"pointsman_status"(router => Handle) -> *mut c_char)).expect("a status");
    serde_json::from_str(&text).expect("JSON")
}

/// A request of an agent, ready to be fetched.
fn request(router: Handle, stream: bool) -> Handle {
    let body = format!(
        r#"{{"model":"claude-sonnet-4-6","max_tokens":64,"stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
    );
    let (method, url) = (c("POST"), c("https://api.anthropic.com/v1/messages"));
    let request = call!(b"pointsman_request_new"(router => Handle, method.as_ptr() => *const c_char,
        url.as_ptr() => *const c_char) -> Handle);
    assert!(!request.is_null(), "{:?}", error());
    let (name, value) = (c("content-type"), c("application/json"));
    let added = call!(b"pointsman_request_header"(request => Handle, name.as_ptr() => *const c_char,
        value.as_ptr() => *const c_char) -> i32);
    assert_eq!(added, 0, "{:?}", error());
    let set = call!(b"pointsman_request_body"(request => Handle, body.as_ptr() => *const u8,
        body.len() => usize) -> i32);
    assert_eq!(set, 0, "{:?}", error());
    request
}

fn fetch(request: Handle) -> i32 {
    call!(b"pointsman_fetch"(request => Handle) -> i32)
}

fn read(request: Handle, into: &mut [u8]) -> i64 {
    call!(b"pointsman_read"(request => Handle, into.as_mut_ptr() => *mut u8, into.len() => usize) -> i64)
}

fn cancel(request: Handle) {
    call!(b"pointsman_cancel"(request => Handle) -> ());
}

fn discard(request: Handle) {
    call!(b"pointsman_request_free"(request => Handle) -> ());
}

fn header(request: Handle, name: &str) -> Option<String> {
    let name = c(name);
    let value =
        call!(b"pointsman_answer_header"(request => Handle, name.as_ptr() => *const c_char) -> *const c_char);
    // SAFETY: it is valid until the request is freed.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_str().expect("UTF-8").to_owned())
}

fn upstream(fault: Option<Harm>) -> (Upstream, Handle) {
    let setup = Setup::new().anthropic("a", free());
    let setup = fault.into_iter().fold(setup, |setup, harm| setup.fault(Fault::new(harm)));
    let upstream = setup.upstream();
    let router = start(&setup.config(&upstream.base_url()), None);
    assert!(!router.is_null(), "{:?}", error());
    (upstream, router)
}

/// Waits for something that other threads are about to do.
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < pointsman_tests::PATIENCE, "it comes in time");
        std::thread::yield_now();
    }
}

#[test]
fn versions_can_be_asked_before_anything_else() {
    assert_eq!(call!(b"pointsman_c_version"() -> u32), 1 << 16);
    assert_eq!(call!(b"pointsman_abi_version"() -> u32), AbiVersion::CURRENT.to_bits());
    let version = call!(b"pointsman_version"() -> *const c_char);
    // SAFETY: it is always valid.
    assert_eq!(unsafe { CStr::from_ptr(version) }.to_str(), Ok(env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_answer_is_read_piece_by_piece_to_its_end() {
    let (_upstream, router) = upstream(None);
    let request = request(router, true);
    assert_eq!(fetch(request), 200, "{:?}", error());
    assert_eq!(header(request, "X-Pointsman-Account").as_deref(), Some("anthropic:a"));
    let mut body = Vec::new();
    // Less room than there is: what is left comes with the next call.
    let mut piece = [0; 7];
    loop {
        match read(request, &mut piece) {
            0 => break,
            n => body.extend_from_slice(&piece[..usize::try_from(n).expect("no error")]),
        }
    }
    let body = String::from_utf8(body).expect("UTF-8");
    assert!(body.starts_with("event: message_start") && body.contains("message_stop"), "{body}");
    assert_eq!(read(request, &mut piece), 0, "the end stays the end");
    discard(request);
    assert_eq!(stop(router, 0), 0);
}

#[test]
fn headers_can_be_walked_through() {
    let (_upstream, router) = upstream(None);
    let request = request(router, false);
    assert_eq!(call!(b"pointsman_answer_header_count"(request => Handle) -> usize), 0);
    assert_eq!(fetch(request), 200);
    let count = call!(b"pointsman_answer_header_count"(request => Handle) -> usize);
    let names: Vec<_> = (0..=count)
        .map(|place| {
            let name =
                call!(b"pointsman_answer_header_name"(request => Handle, place => usize) -> *const c_char);
            let value =
                call!(b"pointsman_answer_header_value"(request => Handle, place => usize) -> *const c_char);
            assert_eq!(name.is_null(), value.is_null());
            // SAFETY: it is valid until the request is freed.
            (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_str().expect("ASCII").to_owned())
        })
        .collect();
    assert!(names[..count].iter().all(Option::is_some) && names[count].is_none(), "{names:?}");
    assert!(names.contains(&Some("x-pointsman-request-id".to_owned())), "{names:?}");
    assert_eq!(call!(b"pointsman_answer_status"(request => Handle) -> i32), 200);
    discard(request);
    stop(router, 0);
}

#[test]
fn a_broken_stream_is_an_error_and_no_end() {
    let (_upstream, router) = upstream(Some(Harm::Cut { at: Moment::Content(1) }));
    let request = request(router, true);
    assert_eq!(fetch(request), 200);
    let mut piece = [0; 4096];
    let ended = loop {
        match read(request, &mut piece) {
            n if n > 0 => {}
            ended => break ended,
        }
    };
    assert_eq!(ended, -4, "{:?}", error());
    assert_eq!(read(request, &mut piece), -4, "it stays so");
    assert_eq!(error().0, 4);
    discard(request);
    stop(router, 0);
}

/// The handle is a number for threads here: the contract lets any of them cancel.
#[test]
fn any_thread_can_cancel_whoever_waits() {
    for stream in [false, true] {
        let harm = if stream { Harm::Stall { at: Moment::Content(1) } } else { Harm::Hang };
        let (upstream, router) = upstream(Some(harm));
        let request = request(router, stream) as usize;
        let waiting = std::thread::spawn(move || {
            let request = request as Handle;
            let mut piece = [0; 4096];
            let head = fetch(request);
            let ended = loop {
                match if head < 0 { head.into() } else { read(request, &mut piece) } {
                    n if n > 0 => {}
                    ended => break ended,
                }
            };
            (ended, error())
        });
        until(|| upstream.ledger().count(|_| true) == 1);
        cancel(request as Handle);
        let (ended, error) = waiting.join().expect("no panic");
        assert_eq!((ended, error.0), (-7, 7), "{error:?}");
        until(|| upstream.ledger().count(|entry| entry.ending == Ending::Aborted) == 1);
        discard(request as Handle);
        assert_eq!(stop(router, 0), 0);
    }
}

#[test]
fn a_request_that_is_freed_is_closed_upstream() {
    let (upstream, router) = upstream(Some(Harm::Stall { at: Moment::Content(1) }));
    let request = request(router, true);
    assert_eq!(fetch(request), 200);
    discard(request);
    until(|| upstream.ledger().count(|entry| entry.ending == Ending::Aborted) == 1);
    stop(router, 0);
}

#[test]
fn stopping_ends_who_waits_and_leaves_requests_valid() {
    let (upstream, router) = upstream(Some(Harm::Hang));
    let request = request(router, false) as usize;
    let waiting = std::thread::spawn(move || fetch(request as Handle));
    until(|| upstream.ledger().count(|_| true) == 1);
    assert_eq!(stop(router, 1), 0);
    assert_eq!(waiting.join().expect("no panic"), -5);
    assert_eq!(read(request as Handle, &mut [0; 8]), -5);
    discard(request as Handle);
}

#[test]
fn notices_and_the_log_are_taken_one_by_one() {
    let setup = Setup::new().anthropic("a", spent(60)).anthropic("b", free()).set("strategy", "no such one");
    let upstream = setup.upstream();
    assert!(start(&setup.config(&upstream.base_url()), None).is_null());
    assert_eq!(error().0, 2);
    assert!(error().1.contains("strategy"), "{:?}", error());

    let setup = setup.set("strategy", "round-robin");
    let router = start(&setup.config(&upstream.base_url()), Some("POINTSMAN_NO_SUCH_THING=1\n"));
    let next = |name: &[u8], wait: u32| {
        // SAFETY: the types are those of the header.
        let text = unsafe {
            let function: Symbol<'_, unsafe extern "C" fn(Handle, u32) -> *mut c_char> =
                library().get(name).expect("it is exported");
            function(router, wait)
        };
        taken(text).map(|text| serde_json::from_str::<Value>(&text).expect("JSON"))
    };
    assert_eq!(next(b"pointsman_next_notice", 0), None);
    assert_eq!(error(), (0, String::new()), "none is no error");
    let line = next(b"pointsman_next_log", 5_000).expect("a line");
    assert!(line["text"].as_str().is_some_and(|text| text.contains("POINTSMAN_NO_SUCH_THING")), "{line}");

    for _ in 0..2 {
        let request = request(router, false);
        assert_eq!(fetch(request), 200);
        discard(request);
    }
    let notice = next(b"pointsman_next_notice", 5_000).expect("a notice");
    assert_eq!((&notice["account"], &notice["missed"]), (&"anthropic:a".into(), &0.into()), "{notice}");
    assert_eq!(status(router)["counters"]["answered"], 2);
    stop(router, 0);
}

#[test]
fn given_variables_are_settings_and_secrets() {
    let setup = Setup::new().anthropic("a", free());
    let upstream = setup.upstream();
    let key = pointsman_tests::setup::secret("key", "a");
    let config =
        setup.config(&upstream.base_url()).replace(&format!("\"{key}\""), "{\"env\": \"GIVEN_KEY\"}");
    // An unset variable disables its account, and the status names the variable.
    let router = start(&config, None);
    let told = status(router).to_string();
    assert!(told.contains("GIVEN_KEY") && told.contains("disabled"), "{told}");
    stop(router, 0);
    let router = start(&config, Some(&format!("GIVEN_KEY={key}\nPOINTSMAN_QUIET_MODE=true\n")));
    let request = request(router, false);
    assert_eq!(fetch(request), 200, "the secret is known");
    assert_eq!(status(router)["quiet_mode"], true, "the setting holds");
    discard(request);
    stop(router, 0);
    assert!(start(&config, Some("no name")).is_null());
    assert_eq!(error().0, 8);
}

#[test]
fn null_is_an_error_everywhere_and_never_a_crash() {
    let (nothing, text) = (null_mut::<c_void>(), c("x"));
    let text = text.as_ptr();
    let refused = |result: i64| {
        assert_eq!(result, -8);
        assert_eq!(error().0, 8, "{:?}", error());
    };
    refused(stop(nothing, 0).into());
    refused(fetch(nothing).into());
    refused(read(nothing, &mut [0; 8]));
    refused(call!(b"pointsman_request_header"(nothing => Handle, text => *const c_char, text => *const c_char) -> i32).into());
    refused(
        call!(b"pointsman_request_body"(nothing => Handle, null() => *const u8, 0 => usize) -> i32).into(),
    );
    refused(call!(b"pointsman_answer_status"(nothing => Handle) -> i32).into());
    refused(
        call!(b"pointsman_claims"(nothing => Handle, text => *const c_char, text => *const c_char) -> i32)
            .into(),
    );
    assert!(call!(b"pointsman_status"(nothing => Handle) -> *mut c_char).is_null());
    assert!(call!(b"pointsman_next_notice"(nothing => Handle, 0 => u32) -> *mut c_char).is_null());
    assert!(call!(b"pointsman_next_log"(nothing => Handle, 0 => u32) -> *mut c_char).is_null());
    assert!(call!(b"pointsman_listen"(nothing => Handle, null() => *const c_char) -> *mut c_char).is_null());
    assert!(call!(b"pointsman_token"(nothing => Handle) -> *mut c_char).is_null());
    assert!(
        call!(b"pointsman_answer_header"(nothing => Handle, text => *const c_char) -> *const c_char)
            .is_null()
    );
    assert!(call!(b"pointsman_request_new"(nothing => Handle, text => *const c_char, text => *const c_char) -> Handle).is_null());
    assert_eq!(call!(b"pointsman_answer_header_count"(nothing => Handle) -> usize), 0);
    cancel(nothing);
    discard(nothing);
    call!(b"pointsman_text_free"(null_mut() => *mut c_char) -> ());
}

#[test]
fn calls_out_of_their_order_are_errors() {
    let (_upstream, router) = upstream(None);
    let request = request(router, false);
    assert_eq!(read(request, &mut [0; 8]), -8, "not fetched yet");
    assert_eq!(fetch(request), 200);
    assert_eq!(fetch(request), -8, "fetched already");
    assert_eq!(read(request, &mut []), -8, "no room");
    assert!(read(request, &mut [0; 8]) > 0, "and yet it goes on");
    discard(request);
    let (method, bad) = (c("POST"), c("http://no url?key=secret"));
    let made = call!(b"pointsman_request_new"(router => Handle, method.as_ptr() => *const c_char,
        bad.as_ptr() => *const c_char) -> Handle);
    assert!(made.is_null());
    assert_eq!(error().0, 3);
    assert!(!error().1.contains("secret"), "{:?}", error());
    stop(router, 0);
}

#[test]
fn what_would_be_routed_can_be_asked() {
    let (_upstream, router) = upstream(None);
    let claims = |method: &str, url: &str| {
        let (method, url) = (c(method), c(url));
        call!(b"pointsman_claims"(router => Handle, method.as_ptr() => *const c_char,
            url.as_ptr() => *const c_char) -> i32)
    };
    assert_eq!(claims("POST", "https://api.anthropic.com/v1/messages"), 1);
    assert_eq!(claims("POST", "https://api.openai.com/v1/responses"), 0, "there is no account");
    assert_eq!(claims("POST", "https://elsewhere.example/v1/messages"), 0);
    assert_eq!(claims("POST", "no url at all"), -3);
    stop(router, 0);
}
