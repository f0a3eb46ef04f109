//! URLs in the configuration: base URLs of endpoints, hosts, and proxies.

use std::fmt;

use http::Uri;
use http::uri::Authority;

use crate::edges::config::values::{Form, Refused, Shape};
use crate::secret::{Secret, redact_userinfo};

/// An `http://` or `https://` URL ready for a path, without a trailing slash.
pub(crate) struct BaseUrl;

impl Shape for BaseUrl {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a URL with http:// or https://, without a query or a password".to_owned()
    }
}

impl Form for BaseUrl {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        let refused = || Refused(with_scheme(text));
        let uri = web_uri(text).ok_or_else(refused)?;
        let plain = uri.query().is_none() && !text.contains(['#', '@']);
        if plain { Ok(text.trim_end_matches('/').to_owned()) } else { Err(Refused::PLAIN) }
    }
}

/// A base URL of an endpoint. A query, such as the `api-version` of Azure, goes to each request.
pub(crate) struct EndpointUrl;

/// Query parameters for credentials. A credential belongs to an account rather than a URL.
const CREDENTIALS: [&str; 9] =
    ["key", "api_key", "api-key", "apikey", "token", "access_token", "sig", "signature", "subscription-key"];

impl Shape for EndpointUrl {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a URL with http:// or https://, without a password or a key".to_owned()
    }
}

impl Form for EndpointUrl {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        let uri = web_uri(text).ok_or_else(|| Refused(with_scheme(text)))?;
        let names =
            uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
        let is_secret = |name: &str| CREDENTIALS.iter().any(|known| known.eq_ignore_ascii_case(name));
        if text.contains(['#', '@']) || names.into_iter().any(is_secret) {
            return Err(Refused::PLAIN);
        }
        let (base, query) = text.split_once('?').map_or((text, None), |(base, query)| (base, Some(query)));
        let base = base.trim_end_matches('/');
        Ok(query.filter(|query| !query.is_empty()).map_or(base.to_owned(), |query| format!("{base}?{query}")))
    }
}

fn with_scheme(text: &str) -> Option<String> {
    let url = format!("https://{text}");
    let is_host = text.contains('.') && !text.contains(['@', ':']) && web_uri(&url).is_some();
    is_host.then_some(url)
}

fn web_uri(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    (is_web && has_host && uri.authority().is_some_and(has_usable_port)).then_some(uri)
}

/// Says whether an authority has no port, or one that can be connected to. `http` keeps any text for one.
fn has_usable_port(authority: &Authority) -> bool {
    let host_and_port = authority.as_str().rsplit('@').next().unwrap_or_default();
    let is_bare = host_and_port.len() == authority.host().len();
    is_bare || authority.port_u16().is_some_and(|port| port != 0)
}

/// Returns the host of a base URL in lower case, with the port unless the scheme's default.
pub(crate) fn host_of(base_url: &str) -> Option<String> {
    let uri = web_uri(base_url)?;
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let host = uri.host()?.to_ascii_lowercase();
    Some(match uri.port_u16() {
        Some(port) if port != usual => format!("{host}:{port}"),
        Some(_) | None => host,
    })
}

/// A quota URL, or a path.
pub(crate) struct QuotaUrl;

impl Shape for QuotaUrl {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a URL with http:// or https://, or a path such as /v1internal:retrieveUserQuota".to_owned()
    }
}

impl Form for QuotaUrl {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        let is_path = text.len() > 1 && text.starts_with('/') && text.parse::<Uri>().is_ok();
        let is_url = web_uri(text).is_some() && !text.contains(['#', '@']);
        if is_path || is_url { Ok(text.to_owned()) } else { Err(Refused(with_scheme(text))) }
    }
}

/// A host, with or without a port, in lower case.
pub(crate) struct HostForm;

impl Shape for HostForm {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a host such as api.example.com, or HOST:PORT".to_owned()
    }
}

impl Form for HostForm {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        let authority: Authority = text.parse().map_err(|_| Refused(host_of(text)))?;
        if authority.host().is_empty() || text.contains('@') || !has_usable_port(&authority) {
            return Err(Refused::PLAIN);
        }
        Ok(authority.as_str().to_ascii_lowercase())
    }
}

/// The origin of a web page, as written by browsers (RFC 6454 section 6.2).
pub(crate) struct OriginForm;

impl Shape for OriginForm {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "an origin such as https://app.example or http://localhost:3000".to_owned()
    }
}

impl Form for OriginForm {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Refused> {
        let Some((scheme, rest)) = text.split_once("://") else { return Err(Refused::PLAIN) };
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        if path.is_some() {
            return Err(Refused(Some(format!("{scheme}://{host}"))));
        }
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme {
            return Err(Refused::PLAIN);
        }
        HostForm
            .parse(host)
            .map(|host| format!("{}://{host}", scheme.to_ascii_lowercase()))
            .map_err(|_| Refused::PLAIN)
    }
}

/// The URL of a proxy. A user and password in the URL are never printed.
#[derive(Clone)]
pub struct ProxyUrl(Secret);

impl ProxyUrl {
    /// Returns the URL with user and password, for the HTTP client.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_userinfo(self.0.expose()))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) struct Proxy;

impl Shape for Proxy {
    const IS_TEXT: bool = true;

    fn allowed(&self) -> String {
        "a URL such as http://PROXY:PORT or https://USER:PASSWORD@PROXY:PORT".to_owned()
    }
}

impl Form for Proxy {
    type Value = ProxyUrl;

    fn parse(&self, text: &str) -> Result<ProxyUrl, Refused> {
        web_uri(text).map(|_| ProxyUrl(Secret::new(text.to_owned()))).ok_or(Refused::PLAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_have_a_query_and_no_key() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(EndpointUrl.parse(text).ok().as_deref(), expected, "{text}");
        };
        let azure = "https://me.openai.azure.com/openai/v1";
        check(&format!("{azure}/?api-version=preview"), Some(&format!("{azure}?api-version=preview")));
        check(&format!("{azure}/?"), Some(azure));
        for secret in ["?key=hush", "?a=b&API_KEY=hush", "?sig=hush", "#part"] {
            check(&format!("{azure}{secret}"), None);
        }
        check("https://me:hush@a.example/?x=1", None);
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        let check = |text: &str, result: Result<&str, Option<&str>>| {
            let parsed = OriginForm.parse(text).map_err(|refused| refused.0);
            assert_eq!(parsed.as_deref().map_err(Option::as_deref), result, "{text}");
        };
        check("https://App.example", Ok("https://app.example"));
        check("http://localhost:3000", Ok("http://localhost:3000"));
        check("app://obsidian.md", Ok("app://obsidian.md"));
        check("https://app.example/", Err(Some("https://app.example")));
        for text in ["*", "null", "app.example", "https://", "://host", "https://me@host"] {
            check(text, Err(None));
        }
    }

    #[test]
    fn a_base_url_is_http_or_https_and_nothing_that_breaks_when_a_path_is_appended() {
        let check = |text: &str, result: Result<&str, Option<&str>>| {
            let parsed = BaseUrl.parse(text).map_err(|refused| refused.0);
            let parsed = parsed.as_deref().map_err(Option::as_deref);
            assert_eq!(parsed, result, "{text}");
        };
        check("https://api.acme.example/v1/", Ok("https://api.acme.example/v1"));
        check("http://127.0.0.1:18200", Ok("http://127.0.0.1:18200"));
        check("http://[::1]:80/x", Ok("http://[::1]:80/x"));
        check("api.acme.example/v1", Err(Some("https://api.acme.example/v1")));
        check("ftp://acme.example", Err(None));
        check("https://", Err(None));
        check("https://acme.example:99999/v1", Err(None));
        check("https://acme.example:0/v1", Err(None));
        check("https://acme.example/v1?key=1", Err(None));
        check("https://acme.example/v1#part", Err(None));
        check("https://me:pw@acme.example", Err(None));
        check("not a url", Err(None));
        check("", Err(None));
    }

    #[test]
    fn a_quota_url_is_a_url_or_a_path() {
        let check = |text: &str, is_one: bool| assert_eq!(QuotaUrl.parse(text).is_ok(), is_one, "{text}");
        check("https://acme.example/usage?of=me", true);
        check("/v1internal:retrieveUserQuota", true);
        check("/", false);
        check("usage", false);
        check("/a b", false);
        check("https://me:pw@acme.example/usage", false);
    }

    #[test]
    fn the_host_of_a_url_has_its_port_only_where_it_is_unusual() {
        let check = |url: &str, host: &str| assert_eq!(host_of(url).as_deref(), Some(host));
        check("https://API.Acme.example/v1", "api.acme.example");
        check("https://acme.example:443", "acme.example");
        check("http://127.0.0.1:18200/x", "127.0.0.1:18200");
        check("http://[::1]:18200", "[::1]:18200");
    }

    #[test]
    fn a_proxy_has_a_port_that_can_be_connected_to() {
        for url in ["http://p:3128", "http://p", "https://me:pw@p:1", "http://[::1]:65535", "http://[::1]"] {
            assert!(Proxy.parse(url).is_ok(), "{url}");
        }
        for url in ["http://p:99999", "http://p:65536", "http://p:0", "http://p:", "http://me:pw@p:x"] {
            assert!(Proxy.parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_proxy_keeps_its_password_to_itself() {
        let proxy = Proxy.parse("http://me:pw@proxy:3128").ok().unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "http://<redacted>@proxy:3128 http://<redacted>@proxy:3128");
        assert_eq!(proxy.expose(), "http://me:pw@proxy:3128");
    }
}
