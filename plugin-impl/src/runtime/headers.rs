//! Headers: end-to-end headers go on with a message, and hop-by-hop headers end here.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

/// Headers of a single connection (RFC 9110 section 7.6.1), and headers set by the client itself.
const OF_THE_CONNECTION: [HeaderName; 11] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The prefix of the router's own headers.
const OWN: &str = "x-pointsman-";

/// Returns the caller's headers for the upstream: without hop-by-hop headers, the client's headers and the
/// router's own.
pub fn callers(headers: HeaderMap) -> HeaderMap {
    without_own(headers)
}

/// Returns the headers of an answer without those that end here: only the router signs as the router.
pub fn upstreams(headers: HeaderMap) -> HeaderMap {
    without_own(headers)
}

fn without_own(headers: HeaderMap) -> HeaderMap {
    let mut kept = end_to_end(headers);
    remove_where(&mut kept, |name| name.as_str().starts_with(OWN));
    kept
}

/// Returns the end-to-end headers.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let lists: SmallVec<[HeaderValue; 1]> = headers.get_all(header::CONNECTION).iter().cloned().collect();
    for name in lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')) {
        headers.remove(name.trim());
    }
    remove_where(&mut headers, |name| OF_THE_CONNECTION.contains(name));
    headers
}

/// Removes headers by name. Most messages have few such headers, or none.
pub fn remove_where(headers: &mut HeaderMap, is_such: impl Fn(&HeaderName) -> bool) {
    let names: SmallVec<[HeaderName; 4]> = headers.keys().filter(|name| is_such(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}
