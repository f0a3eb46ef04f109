//! Callers' credentials: the headers and the query parameter with a credential.

use std::hash::{Hash, Hasher};

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use http::{HeaderMap, HeaderValue};

/// The headers for callers' credentials.
pub(crate) const PROOFS: [HeaderName; 4] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

/// Further headers that say who a caller is, to this gateway or to what stands before it. None of these is
/// asked for by an API that is spoken here, so an upstream has nothing to do with them.
const SECRETS: [HeaderName; 7] = [
    COOKIE,
    HeaderName::from_static("ocp-apim-subscription-key"),
    HeaderName::from_static("x-access-token"),
    HeaderName::from_static("x-auth-token"),
    HeaderName::from_static("x-amz-security-token"),
    HeaderName::from_static("x-forwarded-access-token"),
    HeaderName::from_static("x-csrf-token"),
];

/// The query parameters that carry a credential, decoded and in lower case.
const PARAMETERS: [&str; 7] =
    ["key", "access_token", "oauth_token", "api_key", "api-key", "apikey", "subscription-key"];

/// Codex names the account of the ChatGPT sign-in in this header. The header goes with the credential, in
/// or out.
const ACCOUNT: HeaderName = HeaderName::from_static("chatgpt-account-id");

/// Placeholder keys of `pointsman run` and the opencode plugin, for agents of users without a key.
const PLACEHOLDERS: [&str; 2] = ["routed-by-pointsman", "pointsman"];

/// A borrowed credential of a request: hashable, never printed or kept.
#[derive(Clone, Copy)]
pub struct Brought<'a> {
    headers: &'a HeaderMap,
    query: &'a str,
}

impl<'a> Brought<'a> {
    /// Finds the credential of a request. A placeholder counts as no credential.
    pub fn find(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<Self> {
        let brought = Self { headers, query: query.unwrap_or_default() };
        let has_header = PROOFS.iter().filter_map(|name| headers.get(name)).any(is_credential);
        (has_header || keys(brought.query).any(|key| !PLACEHOLDERS.contains(&&*key))).then_some(brought)
    }
}

impl Hash for Brought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for name in PROOFS.iter().chain([&ACCOUNT]) {
            let values = self.headers.get_all(name).iter().map(HeaderValue::as_bytes);
            values.collect::<Vec<_>>().hash(state);
        }
        keys(self.query).collect::<Vec<_>>().hash(state);
    }
}

/// Removes the caller's credential from a request.
pub(super) fn remove(url: &mut String, headers: &mut HeaderMap) {
    for name in PROOFS.iter().chain(&SECRETS).chain([&ACCOUNT]) {
        headers.remove(name);
    }
    let Some((path, query)) = url.split_once('?') else { return };
    if keys(query).next().is_none() {
        return;
    }
    let rest: Vec<&str> = query.split('&').filter(|pair| key(pair).is_none()).collect();
    *url = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
}

fn keys(query: &str) -> impl Iterator<Item = Cow<'_, str>> {
    query.split('&').filter_map(key)
}

/// Returns the value of a pair that carries a credential, however its name is encoded.
fn key(pair: &str) -> Option<Cow<'_, str>> {
    let (name, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
    PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(&name)).then_some(value)
}

fn is_credential(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    let value = value.strip_prefix(b"Bearer ").unwrap_or(value);
    !value.is_empty() && PLACEHOLDERS.iter().all(|placeholder| placeholder.as_bytes() != value)
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn a_credential_is_found_wherever_a_format_has_it_and_a_placeholder_is_none() {
        let found = |pairs: &[(&'static str, &'static str)], query: &str| {
            Brought::find(&headers(pairs), Some(query)).is_some()
        };
        assert!(found(&[("authorization", "Bearer sk-1")], ""));
        assert!(found(&[("x-api-key", "sk-1")], ""));
        assert!(found(&[("x-goog-api-key", "sk-1")], ""));
        assert!(found(&[], "alt=sse&key=sk-1"));
        assert!(found(&[("authorization", "Bearer sk-1"), ("x-api-key", "pointsman")], ""));
        assert!(!found(&[], "alt=sse"));
        assert!(!found(&[("authorization", "Bearer ")], ""));
        assert!(!found(&[("authorization", "Bearer routed-by-pointsman")], ""));
        assert!(!found(&[("x-api-key", "pointsman")], "key=routed-by-pointsman"));
        assert!(!found(&[("chatgpt-account-id", "an-account")], ""), "it proves nothing by itself");
    }

    #[test]
    fn callers_are_told_apart_by_all_that_they_prove_themselves_with() {
        let hasher = RandomState::new();
        let hash = |pairs: &[(&'static str, &'static str)], query: &str| {
            hasher.hash_one(Brought::find(&headers(pairs), Some(query)).expect("a credential"))
        };
        let one = hash(&[("authorization", "Bearer sk-1")], "");
        assert_eq!(one, hash(&[("authorization", "Bearer sk-1"), ("x-other", "2")], "alt=sse"));
        assert_ne!(one, hash(&[("authorization", "Bearer sk-2")], ""));
        assert_ne!(one, hash(&[("x-api-key", "Bearer sk-1")], ""));
        assert_ne!(one, hash(&[("authorization", "Bearer sk-1"), ("chatgpt-account-id", "b")], ""));
        assert_ne!(hash(&[], "key=1"), hash(&[], "key=2"));
    }

    #[test]
    fn nothing_of_the_caller_is_left() {
        let mut headers = headers(&[("x-api-key", "sk-1"), ("chatgpt-account-id", "b"), ("x-other", "2")]);
        let mut url = "http://u/v1?key=sk-1&alt=sse".to_owned();
        remove(&mut url, &mut headers);
        assert_eq!((url.as_str(), headers.len()), ("http://u/v1?alt=sse", 1));
        for pair in ["key=a", "k%65y=a", "%6Bey=a", "KEY=a", "access_token=a", "api%2Dkey=a", "%61pi_key=a"] {
            let mut url = format!("http://u/v1?{pair}&alt=sse&monkey=1");
            remove(&mut url, &mut HeaderMap::new());
            assert_eq!(url, "http://u/v1?alt=sse&monkey=1", "{pair}");
        }
    }

    #[test]
    fn what_says_who_a_caller_is_stays_here() {
        let mut headers =
            headers(&[("cookie", "a=b"), ("api-key", "sk-1"), ("x-auth-token", "t"), ("x-other", "2")]);
        remove(&mut "http://u/v1".to_owned(), &mut headers);
        assert_eq!(headers.len(), 1);
    }
}
