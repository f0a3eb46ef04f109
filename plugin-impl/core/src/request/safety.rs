//! Safety: the requests that never go out with a credential.
//!
//! Upstreams resolve dot segments, also encoded ones, so such a path would reach another endpoint with the
//! account's credential. Methods outside of a format's API either do nothing or, as `TRACE`, return the
//! credential to the caller.

use std::borrow::Cow;

use http::Method;

use crate::formats::format::WireFormat;
use crate::request::intent::{Intent, ModelPlace};

/// A request refused before it is routed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    #[error("the path has a dot segment; send the path of the endpoint itself")]
    DotSegment,
    #[error("the path has a control character; send the path of the endpoint itself")]
    Control,
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

/// The methods of the three formats' public APIs. A generating endpoint takes posts; other endpoints read,
/// make and delete; only Gemini changes resources in place (`PATCH`).
fn is_known(method: &Method, intent: &Intent) -> bool {
    match *method {
        Method::POST => true,
        Method::GET | Method::HEAD | Method::DELETE => !generates(intent),
        Method::PATCH => intent.format == WireFormat::Gemini && !generates(intent),
        _ => false,
    }
}

fn generates(intent: &Intent) -> bool {
    let (resource, id) = intent.resource();
    match resource {
        "messages" => id != Some("batches"),
        "complete" | "completions" | "embeddings" => true,
        _ => matches!(intent.model, ModelPlace::Path { .. }),
    }
}

/// Each pass undoes one level of percent-encoding; an upstream behind a proxy may undo two. No path needs more,
/// so what is still encoded after that hides something.
const DECODINGS: usize = 4;

fn check_path(path: &str) -> Result<(), Unsafe> {
    let mut path = Cow::Borrowed(path.as_bytes());
    for _ in 0..DECODINGS {
        if path.split(|byte| b"/\\".contains(byte)).any(is_dots) {
            return Err(Unsafe::DotSegment);
        }
        if path.iter().any(u8::is_ascii_control) {
            return Err(Unsafe::Control);
        }
        if !path.contains(&b'%') {
            return Ok(());
        }
        let decoded = decoded(&path);
        if decoded == *path {
            return Ok(());
        }
        path = Cow::Owned(decoded);
    }
    Err(Unsafe::DotSegment)
}

/// Some servers cut parameters (`..;a=b`) off a segment before resolving the segment.
fn is_dots(segment: &[u8]) -> bool {
    let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
    matches!(name, b"." | b"..")
}

/// Undoes one level of percent-encoding.
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
            "/v1beta/models/../x:generateContent",
        ] {
            assert_eq!(checked("POST", path), Err(Unsafe::DotSegment), "{path}");
        }
        for path in
            ["/v1/messages", "/v1/files/..a", "/v1/files/a%2fb", "/v1beta/models/g-1.5%20x:generateContent"]
        {
            assert_eq!(checked("POST", path), Ok(()), "{path}");
        }
    }

    #[test]
    fn no_path_has_a_control_character() {
        for path in ["/v1/messages/%00", "/v1/files/a%0d%0ahost:b", "/v1/files/%2500", "/v1/files/%7f"] {
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
