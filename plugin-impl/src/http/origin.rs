//! Web pages: the rights of pages in a browser.
//!
//! Every page in a browser on this machine can reach a local gateway, and each access spends quota. A
//! page's request is therefore refused unless the configuration names the page's origin. Headers by which
//! upstreams open themselves to all pages end here.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::runtime::headers::remove_where;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The common prefix of headers that open a server to pages.
const OPENING: &str = "access-control-";
/// The browser's cache time for a preflight answer, in seconds: the largest of any browser.
const REMEMBERED: HeaderValue = HeaderValue::from_static("7200");

/// The sender of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WebAsker {
    /// A program.
    Program,
    /// A page of an allowed origin.
    Page(HeaderValue),
    /// A page of another origin.
    Stranger,
}

impl WebAsker {
    /// Identifies the sender by a header set by browsers, out of a page's reach.
    pub(super) fn of(headers: &HeaderMap, allowed: &[String]) -> Self {
        let Some(origin) = headers.get(ORIGIN) else {
            return if is_of_another_site(headers) { Self::Stranger } else { Self::Program };
        };
        let is_allowed = |known: &String| known.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
        if allowed.iter().any(is_allowed) { Self::Page(origin.clone()) } else { Self::Stranger }
    }

    /// Opens an answer to an allowed page.
    pub(super) fn open(&self, headers: &mut HeaderMap) {
        if let Self::Page(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
    }
}

/// Returns whether a browser sends the request for a page of another site. Requests for images, scripts and
/// links lack an `Origin`; `Sec-Fetch-Site` identifies them (W3C Fetch Metadata, section 2.3).
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    site.is_some_and(|site| {
        site.eq_ignore_ascii_case(b"cross-site") || site.eq_ignore_ascii_case(b"same-site")
    })
}

/// Removes an upstream's headers for pages.
pub(super) fn close(headers: &mut HeaderMap) {
    remove_where(headers, |name| name.as_str().starts_with(OPENING));
}

/// Returns whether the request is a browser's preflight.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight.
pub(super) fn allow(asked: &HeaderMap, answer: &mut HeaderMap) {
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    answer.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: Option<&'static str>) -> WebAsker {
        let headers = origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))).into_iter().collect();
        WebAsker::of(&headers, &["https://app.example".to_owned()])
    }

    #[test]
    fn a_page_has_to_be_from_where_the_configuration_says() {
        assert_eq!(of(None), WebAsker::Program);
        assert_eq!(
            of(Some("https://app.example")),
            WebAsker::Page("https://app.example".parse().expect("text"))
        );
        for stranger in
            ["https://app.example.evil", "http://app.example", "null", "", "https://app.example:8"]
        {
            assert_eq!(of(Some(stranger)), WebAsker::Stranger, "{stranger}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_known_without_an_origin() {
        let asker = |site: &'static str| {
            WebAsker::of(&HeaderMap::from_iter([(SEC_FETCH_SITE, HeaderValue::from_static(site))]), &[])
        };
        for (site, expected) in [
            ("cross-site", WebAsker::Stranger),
            ("Same-Site", WebAsker::Stranger),
            ("same-origin", WebAsker::Program),
            ("none", WebAsker::Program),
        ] {
            assert_eq!(asker(site), expected, "{site}");
        }
    }

    #[test]
    fn an_upstream_does_not_open_the_gateway() {
        let mut headers = HeaderMap::from_iter([
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (VARY, HeaderValue::from_static("accept")),
        ]);
        close(&mut headers);
        WebAsker::Program.open(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), [VARY]);
        of(Some("https://app.example")).open(&mut headers);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
    }
}
