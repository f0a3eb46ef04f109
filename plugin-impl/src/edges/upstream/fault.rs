//! Conversions from clients' errors to the core's terms.

use std::error::Error;
use std::io;
use std::time::Duration;

use pointsman_core::response::outcome::NetworkFault;

use super::{SendError, certificate};

/// Classifies an error of a direct connection.
pub(super) fn of_direct(error: &hyper::Error) -> SendError {
    let fault = if error.is_parse() { NetworkFault::Garbage } else { NetworkFault::Reset };
    failed(fault, innermost(error))
}

/// Returns the error of a failed connection to `host`.
pub(super) fn not_connected(error: &(dyn Error + 'static), host: &str) -> SendError {
    let why = certificate::trouble(error, host).unwrap_or_else(|| innermost(error));
    failed(if is_local(error) { NetworkFault::Local } else { NetworkFault::Connect }, why)
}

/// Returns the error of a connection not standing in time.
pub(super) fn not_connected_in(waited: Duration) -> SendError {
    failed(NetworkFault::Connect, format!("no connection within {} s", waited.as_secs_f32()))
}

/// Returns the error of a malformed URL. The URL is not printed: a key may be part of a URL.
pub(super) fn no_url() -> SendError {
    failed(NetworkFault::Connect, "its URL is not one".to_owned())
}

/// The upstream wants to speak another protocol (101), which nobody asked for.
pub(super) fn switched() -> SendError {
    failed(NetworkFault::Garbage, "it switches to another protocol, which it was not asked for".to_owned())
}

/// The body is in a transfer coding that nobody asked for.
pub(super) fn coded(coding: &str) -> SendError {
    failed(
        NetworkFault::Garbage,
        format!("its body has the transfer coding {coding:?}, which it was not asked for"),
    )
}

/// Says whether this process or machine has run out of what a connection needs. That says nothing of an
/// upstream.
fn is_local(error: &(dyn Error + 'static)) -> bool {
    certificate::with_causes(error).filter_map(|error| error.downcast_ref::<io::Error>()).any(|error| {
        error.kind() == io::ErrorKind::OutOfMemory || error.raw_os_error().is_some_and(is_exhausted)
    })
}

#[cfg(unix)]
const fn is_exhausted(code: i32) -> bool {
    matches!(code, libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
}

#[cfg(not(unix))]
const fn is_exhausted(code: i32) -> bool {
    // WSAEMFILE and WSAENOBUFS.
    matches!(code, 10024 | 10055)
}

/// Classifies an error of reqwest.
pub(super) fn of_proxied(error: &reqwest::Error) -> SendError {
    // The host alone: a key may be part of the rest.
    let host = error.url().and_then(reqwest::Url::host_str).unwrap_or("the upstream");
    if let Some(why) = certificate::trouble(error, host) {
        return failed(NetworkFault::Connect, why);
    }
    let fault = if is_local(error) {
        NetworkFault::Local
    } else if error.is_connect() {
        NetworkFault::Connect
    } else if error.is_timeout() {
        NetworkFault::Timeout
    } else if causes(error).any(is_garbage) {
        NetworkFault::Garbage
    } else {
        NetworkFault::Reset
    };
    failed(fault, innermost(error))
}

fn failed(fault: NetworkFault, why: String) -> SendError {
    SendError { fault, text: format!("{}: {why}", words(fault)) }
}

/// Returns the error of a head not arrived in time.
pub(super) fn no_head(waited: Duration) -> SendError {
    let text = format!("{}: no answer within {} s", words(NetworkFault::Timeout), waited.as_secs());
    SendError { fault: NetworkFault::Timeout, text }
}

const fn words(fault: NetworkFault) -> &'static str {
    match fault {
        NetworkFault::Connect => "the upstream cannot be reached",
        NetworkFault::Timeout => "the upstream does not answer",
        NetworkFault::Reset => "the upstream broke the connection off",
        NetworkFault::Garbage => "what the upstream answered is not HTTP",
        NetworkFault::Local => {
            "this process can open no connection, which is not the upstream's fault; raise the limit of open \
             files (`ulimit -n`) or free memory"
        }
    }
}

fn is_garbage(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
}

/// Returns the innermost error's text. Outer errors repeat the URL, possibly with a key; the innermost
/// error never does.
fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error: &&'a (dyn Error + 'static)| (*error).source())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_has_run_out_of_is_not_blamed_on_the_upstream() {
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            let wrapped = io::Error::other(io::Error::from_raw_os_error(code));
            for error in [io::Error::from_raw_os_error(code), wrapped] {
                let error = not_connected(&error, "api.example");
                assert_eq!(error.fault, NetworkFault::Local, "{code}");
                assert!(error.text.contains("ulimit -n"), "{}", error.text);
            }
        }
        let refused = io::Error::from_raw_os_error(libc::ECONNREFUSED);
        assert_eq!(not_connected(&refused, "api.example").fault, NetworkFault::Connect);
    }
}
