//! Safety: the requests that never go out with a credential.
//!
//! Upstreams resolve dot segments, also encoded ones, so such a path would reach another endpoint with the
//! account's credential. Some servers decode overlong UTF-8, take look-alikes of `.` and `/` for the real
//! characters, or decode `%3F` before they split off the query. No path of the three APIs needs any of these. Methods outside of a format's API either do nothing or, as `TRACE`, return the
//! credential to the caller.

use std::borrow::Cow;

use http::Method;

use crate::request::intent::Intent;

/// A request refused before it is routed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    #[error("the path has a dot segment; send the path of the endpoint itself")]
    DotSegment,
    #[error("the path has a control character; send the path of the endpoint itself")]
    Control,
    #[error("the percent-encoding of the path is no valid UTF-8; send the path of the endpoint itself")]
    Encoding,
    #[error("the path has {0}, which servers read in different ways; send the path of the endpoint itself")]
    Character(String),
    #[error("the method `{0}` is not part of this API at {1} (methods are case-sensitive)")]
    Method(String, String),
}

/// Checks path and method of a request.
///
/// # Errors
/// [`Unsafe`]
pub fn check(method: &Method, intent: &Intent) -> Result<(), Unsafe> {
    check_path(&intent.path)?;
    if is_known(method, intent) {
        return Ok(());
    }
    Err(Unsafe::Method(method.as_str().chars().take(20).collect(), intent.path.clone()))
}

/// The methods of the formats' public APIs. A generating endpoint takes posts; other endpoints read,
/// make and delete; only Gemini changes resources in place (`PATCH`).
fn is_known(method: &Method, intent: &Intent) -> bool {
    match *method {
        Method::POST => true,
        Method::GET | Method::HEAD | Method::DELETE => !intent.takes_posts_only(),
        Method::PATCH => intent.format.main().paths.patches && !intent.takes_posts_only(),
        _ => false,
    }
}

/// Each pass undoes one level of percent-encoding; an upstream behind a proxy may undo two. No path needs more,
/// so what is still encoded after that hides something.
const DECODINGS: usize = 4;

fn check_path(path: &str) -> Result<(), Unsafe> {
    if has_broken_escape(path.as_bytes()) {
        return Err(Unsafe::Encoding);
    }
    let mut path = Cow::Borrowed(path);
    for level in 0..DECODINGS {
        check_decoded(&path, level > 0)?;
        let decoded = decoded(path.as_bytes());
        if decoded == path.as_bytes() {
            return Ok(());
        }
        path = Cow::Owned(String::from_utf8(decoded).map_err(|_| Unsafe::Encoding)?);
    }
    Err(Unsafe::DotSegment)
}

/// Checks one level of a path. `was_encoded` tells that `?` and `#` in the level were written as escapes.
fn check_decoded(path: &str, was_encoded: bool) -> Result<(), Unsafe> {
    if path.split(['/', '\\']).any(is_dots) {
        return Err(Unsafe::DotSegment);
    }
    if path.chars().any(char::is_control) {
        return Err(Unsafe::Control);
    }
    let is_ambiguous = |c: &char| match c {
        '?' | '#' => was_encoded,
        '\\' => true,
        // Beyond ASCII only letters and digits: other characters may be folded to `.`, `/` or nothing.
        _ => !c.is_ascii() && !c.is_alphanumeric(),
    };
    match path.chars().find(is_ambiguous) {
        Some(c) => Err(Unsafe::Character(format!("`{}`", c.escape_default()))),
        None => Ok(()),
    }
}

/// Some servers cut parameters (`..;a=b`) off a segment before resolving the segment, and Windows cuts spaces
/// and further dots.
fn is_dots(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    name.contains('.') && name.bytes().all(|byte| matches!(byte, b'.' | b' '))
}

/// Says whether a `%` has no two hexadecimal digits behind it, as in `%u002e`.
fn has_broken_escape(path: &[u8]) -> bool {
    let is_escape = |rest: &[u8]| matches!(rest, [high, low, ..] if value(*high, *low).is_some());
    path.iter().enumerate().any(|(at, byte)| *byte == b'%' && !is_escape(&path[at + 1..]))
}

/// Undoes one level of percent-encoding. A `%` without two digits stands for itself.
fn decoded(path: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(path.len()), path);
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if let Some(value) = value(*high, *low) => {
                out.push(value);
                rest = after;
            }
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

fn value(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::WireFormat;

    fn read(method: &Method, path: &str) -> Intent {
        let intent = Intent::read(method, path, Some(WireFormat::OpenAi), None)
            .filter(|_| !path.contains("v1beta") && !path.contains("messages"));
        intent.or_else(|| Intent::read(method, path, None, None)).expect("a known path")
    }

    fn checked(method: &str, path: &str) -> Result<(), Unsafe> {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        check(&method, &read(&method, path))
    }

    #[test]
    fn no_path_leads_elsewhere() {
        for path in [
            "/v1/messages/../../../admin/keys",
            "/v1/messages/./x",
            "/v1/messages/%2e%2e/admin",
            "/v1/messages/.%2E/admin",
            "/v1/messages/%252e%252e/admin",
            "/v1/messages/..%2fadmin",
            "/v1/messages/..%5cadmin",
            "/v1/messages/..;/admin",
            "/v1/messages/%25252e%25252e/admin",
            "/v1/messages/%2525252525252e%2525252525252e/admin",
            "/v1/messages/..",
            "/v1/messages/%2e%2e%20/admin",
            "/v1/messages/.../admin",
            "/v1/messages/..%3bx=y/admin",
            "/v1beta/models/../x:generateContent",
        ] {
            assert_eq!(checked("POST", path), Err(Unsafe::DotSegment), "{path}");
        }
        for path in [
            "/v1/messages",
            "/v1/files/..a",
            "/v1/files/a%2fb",
            "/v1/files/100%25",
            "/v1/files/%C3%A4;v=1",
            "/v1beta/models/g-1.5%20x:generateContent",
        ] {
            assert_eq!(checked("POST", path), Ok(()), "{path}");
        }
    }

    #[test]
    fn each_path_is_encoded_utf_8() {
        for path in [
            "/v1/messages/%c0%ae%c0%ae/admin",
            "/v1/messages/%C0%AF..%C0%AF/admin",
            "/v1/messages/%e0%80%ae%e0%80%ae/admin",
            "/v1/messages/%25c0%25ae%25c0%25ae/admin",
            "/v1/messages/%fe",
            "/v1/messages/%ed%a0%80",
            "/v1/messages/%u002e%u002e/admin",
            "/v1/messages/%2",
            "/v1/messages/%zz",
            "/v1/messages/%",
        ] {
            assert_eq!(checked("POST", path), Err(Unsafe::Encoding), "{path}");
        }
    }

    #[test]
    fn no_path_has_a_character_that_servers_read_in_different_ways() {
        for path in [
            "/v1/messages/%3fx=y",
            "/v1/messages/%23",
            "/v1/messages/%253f",
            "/v1/messages/a\\b",
            "/v1/messages/a%5cb",
            // Look-alikes of `.`, `..`, `/` and `\\`, and a character that is dropped by some.
            "/v1/messages/%EF%BC%8E%EF%BC%8E/admin",
            "/v1/messages/%E2%80%A5/admin",
            "/v1/messages/%EF%BC%8F",
            "/v1/messages/%EF%BC%BC",
            "/v1/messages/.%E2%80%8B./admin",
        ] {
            assert!(matches!(checked("POST", path), Err(Unsafe::Character(_))), "{path}");
        }
        let told = checked("POST", "/v1/messages/%EF%BC%8E").map_err(|error| error.to_string());
        assert!(told.is_err_and(|told| told.contains("`\\u{ff0e}`")));
    }

    #[test]
    fn no_path_has_a_control_character() {
        for path in [
            "/v1/messages/%00",
            "/v1/files/a%0d%0ahost:b",
            "/v1/files/%2500",
            "/v1/files/%7f",
            "/v1/files/%c2%85",
        ] {
            assert_eq!(checked("POST", path), Err(Unsafe::Control), "{path}");
        }
    }

    #[test]
    fn only_methods_of_the_api_go_out() {
        for (method, path) in [
            ("TRACE", "/v1/messages"),
            ("PUT", "/v1/messages"),
            ("post", "/v1/messages"),
            ("PATCH", "/v1/files/f"),
            ("GET", "/v1/messages"),
            ("DELETE", "/v1/embeddings"),
            ("CONNECT", "/v1/files"),
            ("PROPFIND", "/v1/files"),
            ("GET", "/v1beta/models/g:generateContent"),
        ] {
            assert!(matches!(checked(method, path), Err(Unsafe::Method(..))), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/v1/messages"),
            ("GET", "/v1/files/f/content"),
            ("HEAD", "/v1/files"),
            ("DELETE", "/v1/responses/r"),
            ("GET", "/v1/messages/batches/b"),
            ("PATCH", "/v1beta/cachedContents/c"),
            ("GET", "/v1beta/models/g"),
        ] {
            assert_eq!(checked(method, path), Ok(()), "{method} {path}");
        }
    }
}
