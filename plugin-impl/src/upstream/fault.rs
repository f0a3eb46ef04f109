//! From a client's errors to the core's words.

use std::error::Error;
use std::time::Duration;

use pointsman_core::outcome::NetworkFault;

use super::SendError;

/// Sorts an error of the client.
pub(super) fn of(error: &reqwest::Error) -> SendError {
    let fault = if error.is_connect() {
        NetworkFault::Connect
    } else if error.is_timeout() {
        NetworkFault::Timeout
    } else if sources(error).any(is_garbage) {
        NetworkFault::Garbage
    } else {
        NetworkFault::Reset
    };
    SendError { fault, text: format!("{}: {}", words(fault), innermost(error)) }
}

/// The head did not arrive in time.
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

/// The outer errors repeat the URL, in which there may be a key; the innermost never has it.
fn innermost(error: &reqwest::Error) -> String {
    sources(error).last().map_or_else(|| "unknown cause".to_owned(), ToString::to_string)
}

fn sources<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |error: &&'a (dyn Error + 'static)| (*error).source())
}
