//! Headers: which of them go on with a message, and which end here.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

/// Headers that belong to one connection (RFC 9110 section 7.6.1), or that the client sets itself.
const OF_THE_CONNECTION: [HeaderName; 10] = [
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
];

/// The prefix of the router's own headers.
const OWN: &str = "x-pointsman-";

/// Returns headers without those that end here.
pub fn callers(headers: HeaderMap) -> HeaderMap {
    let mut kept = end_to_end(headers);
    remove_where(&mut kept, |name| name.as_str().starts_with(OWN));
    kept
}

/// Returns headers without those of the connection they came by.
pub fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let lists: SmallVec<[HeaderValue; 1]> = headers.get_all(header::CONNECTION).iter().cloned().collect();
    for name in lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')) {
        headers.remove(name.trim());
    }
    remove_where(&mut headers, |name| OF_THE_CONNECTION.contains(name));
    headers
}

/// Takes those headers out whose names are such. Most messages have few of them, or none.
pub fn remove_where(headers: &mut HeaderMap, is_such: impl Fn(&HeaderName) -> bool) {
    let names: SmallVec<[HeaderName; 4]> = headers.keys().filter(|name| is_such(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}
