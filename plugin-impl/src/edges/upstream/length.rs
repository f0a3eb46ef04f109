//! The length of an answer: told by the framing that was read, never by a header that the framing overrides.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{SendError, fault};

/// Sets the length of an answer to what its framing told (RFC 9112 section 6.3).
///
/// `length` is known where the body is as long as the head said. Beside a `Transfer-Encoding` a
/// `Content-Length` means nothing; passed on it would have a caller wait for bytes that never come, or stop
/// before the end. An answer to `HEAD` has no body, and the header is about what `GET` would get. The length in a
/// 304 is that of another answer, which a server cannot write beside an empty body.
///
/// # Errors
/// The body is in a coding that nobody asked for, so its bytes are not the answer's.
pub(super) fn settle(
    headers: &mut HeaderMap,
    method: &Method,
    status: StatusCode,
    length: Option<u64>,
) -> Result<(), SendError> {
    if let Some(coding) = unasked_coding(headers) {
        return Err(fault::coded(&coding));
    }
    let told = if headers.contains_key(TRANSFER_ENCODING) { None } else { headers.get(CONTENT_LENGTH) };
    let is_empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = if is_empty || told.is_none() {
        None
    } else if *method == Method::HEAD {
        told.and_then(number)
    } else {
        length
    };
    match length {
        Some(length) => drop(headers.insert(CONTENT_LENGTH, length.into())),
        None => drop(headers.remove(CONTENT_LENGTH)),
    }
    Ok(())
}

/// Returns a transfer coding besides `chunked`. Who sends none of `TE` gets none (RFC 9112 section 7.4).
fn unasked_coding(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(TRANSFER_ENCODING).iter();
    let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase());
    let codings =
        lines.flat_map(|line| line.split(',').map(|coding| coding.trim().to_owned()).collect::<Vec<_>>());
    let mut unasked = codings.filter(|coding| !matches!(coding.as_str(), "" | "chunked" | "identity"));
    unasked.next()
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(
        lines: &[(&'static str, &'static str)],
        method: &Method,
        length: Option<u64>,
    ) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        settle(&mut headers, method, StatusCode::OK, length).ok()?;
        let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        Some(told.unwrap_or("none").to_owned())
    }

    #[test]
    fn a_length_is_what_the_framing_told() {
        let check = |lines: &[(&'static str, &'static str)], method, length, expected: Option<&str>| {
            assert_eq!(settled(lines, method, length).as_deref(), expected, "{lines:?} {length:?}");
        };
        let (length, chunked) = (("content-length", "5"), ("transfer-encoding", "chunked"));
        check(&[length], &Method::GET, Some(5), Some("5"));
        check(&[length, length], &Method::GET, Some(5), Some("5"));
        check(&[chunked], &Method::GET, None, Some("none"));
        check(&[chunked, length], &Method::GET, None, Some("none"));
        check(&[("transfer-encoding", "identity"), length], &Method::GET, None, Some("none"));
        check(&[("transfer-encoding", "gzip, chunked")], &Method::GET, None, None);
        check(&[("transfer-encoding", "gzip"), length], &Method::GET, None, None);
        check(&[], &Method::GET, Some(0), Some("none"));
        check(&[length], &Method::HEAD, Some(0), Some("5"));
        check(&[chunked, length], &Method::HEAD, Some(0), Some("none"));
        check(&[("content-length", "5, 6")], &Method::HEAD, Some(0), Some("none"));
    }

    #[test]
    fn an_answer_without_a_body_has_no_length() {
        for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
            let mut headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("7"))]);
            let settled = settle(&mut headers, &Method::DELETE, status, Some(0));
            assert!(settled.is_ok() && headers.is_empty(), "{status}");
        }
    }
}
