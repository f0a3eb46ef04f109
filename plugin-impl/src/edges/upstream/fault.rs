//! Conversions from clients' errors to the core's terms.

use std::error::Error;
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
    failed(NetworkFault::Connect, why)
}

/// Returns the error of a connection not standing in time.
pub(super) fn not_connected_in(waited: Duration) -> SendError {
    failed(NetworkFault::Connect, format!("no connection within {} s", waited.as_secs_f32()))
}

/// Returns the error of a malformed URL. The URL is not printed: a key may be part of a URL.
pub(super) fn no_url() -> SendError {
    failed(NetworkFault::Connect, "its URL is not one".to_owned())
}

/// Classifies an error of reqwest.
pub(super) fn of_proxied(error: &reqwest::Error) -> SendError {
    // The host alone: a key may be part of the rest.
    let host = error.url().and_then(reqwest::Url::host_str).unwrap_or("the upstream");
    if let Some(why) = certificate::trouble(error, host) {
        return failed(NetworkFault::Connect, why);
    }
    let fault = if error.is_connect() {
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
