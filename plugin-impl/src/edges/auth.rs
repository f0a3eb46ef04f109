//! Credentials: what an account proves itself with, and how it is put on a request.

mod refresh;
mod token;

use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, HeaderName as Name};
use pointsman_core::response::outcome::Outcome;

use crate::edges::config::AuthScheme;
use crate::secret::Secret;

pub use self::refresh::{Refresher, Tokens};

/// The credential of one account.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Sent as the provider's scheme says.
    ApiKey(Secret),
    /// A bearer token that somebody else keeps fresh.
    AccessToken(Secret),
    /// Bearer tokens made from a refresh token.
    Refreshing(Arc<Refresher>),
}

/// What one attempt proves itself with.
#[derive(Clone, Debug)]
pub struct Proof {
    scheme: AuthScheme,
    secret: Secret,
    /// Another one may be had when this one is rejected.
    pub renewable: bool,
}

/// The headers that carry callers' credentials. They stay here: the caller's are for the router.
pub(crate) const CALLERS_PROOFS: [HeaderName; 3] =
    [AUTHORIZATION, Name::from_static("x-api-key"), Name::from_static("x-goog-api-key")];

impl Credential {
    /// Returns what to prove a request with, refreshing it where need be.
    ///
    /// `rejected` is a proof that the upstream did not take.
    ///
    /// # Errors
    /// An [`Outcome`] that says whether the account or the token service is at fault.
    pub async fn proof(
        &self,
        scheme: AuthScheme,
        rejected: Option<&Proof>,
        tokens: impl FnOnce() -> Tokens,
    ) -> Result<Proof, Outcome> {
        match self {
            Self::ApiKey(secret) => Proof::new(scheme, secret.clone(), false),
            Self::AccessToken(secret) => Proof::new(AuthScheme::Bearer, secret.clone(), false),
            Self::Refreshing(refresher) => {
                let rejected = rejected.map(|proof| &proof.secret);
                let secret = refresher.token(rejected, &tokens()).await?;
                Proof::new(AuthScheme::Bearer, secret, true)
            }
        }
    }
}

impl Proof {
    /// Makes a proof of a secret that can be a header value. Without one no request goes out.
    fn new(scheme: AuthScheme, secret: Secret, renewable: bool) -> Result<Self, Outcome> {
        let is_sendable = secret.expose().bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_sendable { Ok(Self { scheme, secret, renewable }) } else { Err(Outcome::Unauthorized) }
    }

    /// Puts the proof on a request, in place of the caller's own.
    pub fn apply(&self, url: &mut String, headers: &mut HeaderMap) {
        remove_callers_proof(url, headers);
        let secret = self.secret.expose();
        let (name, value) = match self.scheme {
            AuthScheme::XApiKey => (CALLERS_PROOFS[1].clone(), HeaderValue::from_str(secret)),
            AuthScheme::Bearer => (AUTHORIZATION, HeaderValue::from_str(&["Bearer ", secret].concat())),
            AuthScheme::XGoogApiKey => (CALLERS_PROOFS[2].clone(), HeaderValue::from_str(secret)),
            AuthScheme::QueryKey => return append_key(url, secret),
        };
        if let Ok(mut value) = value {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

fn remove_callers_proof(url: &mut String, headers: &mut HeaderMap) {
    for name in &CALLERS_PROOFS {
        headers.remove(name);
    }
    let Some((path, query)) = url.split_once('?') else { return };
    if !query.split('&').any(|pair| pair.starts_with("key=")) {
        return;
    }
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("key=")).collect();
    *url = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
}

fn append_key(url: &mut String, key: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str("key=");
    url.extend(form_urlencoded::byte_serialize(key.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(scheme: AuthScheme, url: &str) -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static("the caller's"));
        let mut url = url.to_owned();
        let proof = Proof { scheme, secret: Secret::new("s+1".into()), renewable: false };
        proof.apply(&mut url, &mut headers);
        (url, headers)
    }

    #[test]
    fn the_callers_proof_is_replaced() {
        let (url, headers) = applied(AuthScheme::Bearer, "http://u/v1?key=theirs&alt=sse");
        assert_eq!(url, "http://u/v1?alt=sse");
        assert_eq!(headers.get("x-api-key"), None);
        assert_eq!(headers.get("authorization").map(HeaderValue::as_bytes), Some(&b"Bearer s+1"[..]));
    }

    #[test]
    fn a_key_in_the_query_is_escaped() {
        assert_eq!(applied(AuthScheme::QueryKey, "http://u/v1?key=theirs").0, "http://u/v1?key=s%2B1");
        assert_eq!(applied(AuthScheme::QueryKey, "http://u/v1?alt=sse").0, "http://u/v1?alt=sse&key=s%2B1");
    }

    #[test]
    fn what_no_header_can_hold_is_no_proof() {
        for text in ["a\nb", "a\rb", "é", "a\0b"] {
            let proof = Proof::new(AuthScheme::XApiKey, Secret::new(text.into()), false);
            assert_eq!(proof.map(drop), Err(Outcome::Unauthorized), "{text:?}");
        }
    }

    #[test]
    fn a_proof_does_not_print_its_secret() {
        let proof = Proof::new(AuthScheme::Bearer, Secret::new("tell-nobody".into()), true);
        assert!(!format!("{proof:?}").contains("tell-nobody"));
    }
}
