//! Credentials: the proof of an account, and the way onto a request.

mod callers;
mod grant;
mod refresh;
mod reread;
mod token;

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use pointsman_core::formats::format::AuthScheme;
use pointsman_core::response::outcome::Outcome;

use crate::edges::config::{CredentialSource, OAuthClient, credentials};
use crate::edges::upstream::Blanker;
use crate::secret::Secret;

pub use self::callers::Brought;
pub(crate) use self::callers::PROOFS as CALLERS_PROOFS;
pub use self::refresh::{Refresher, Tokens};
pub use self::reread::{Kept, Rereader};

/// The credential of an account.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An API key, sent by the provider's auth scheme.
    ApiKey(Kept),
    /// A bearer token refreshed by another program.
    AccessToken(Kept),
    /// Bearer tokens from a refresh token.
    Refreshing(Arc<Refresher>),
    /// The caller's own credential, present only in the request.
    Callers,
    /// No credential, with the reason.
    Missing(Arc<str>),
}

/// The proof of an attempt.
#[derive(Clone, Debug)]
pub struct Proof {
    kind: Kind,
    /// Whether a rejection may lead to a new proof.
    pub renewable: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A secret of the account.
    Secret { scheme: AuthScheme, secret: Secret },
    /// The credential in the request.
    Callers,
}

impl Credential {
    /// Returns whether each request brings a credential of its own.
    pub const fn is_callers(&self) -> bool {
        matches!(self, Self::Callers)
    }

    /// Returns the proof for a request, refreshed if need be.
    ///
    /// `rejected` is a proof rejected by the upstream.
    ///
    /// # Errors
    /// An [`Outcome`] with the blame: the account or the token service.
    pub async fn proof(
        &self,
        scheme: AuthScheme,
        rejected: Option<&Proof>,
        tokens: impl FnOnce() -> Tokens,
    ) -> Result<Proof, Outcome> {
        let rejected = rejected.and_then(Proof::secret);
        match self {
            Self::ApiKey(kept) => kept_proof(kept, scheme, rejected, tokens).await,
            Self::AccessToken(kept) => kept_proof(kept, AuthScheme::Bearer, rejected, tokens).await,
            Self::Refreshing(refresher) => {
                let secret = refresher.token(rejected, &tokens()).await?;
                Proof::new(AuthScheme::Bearer, secret, true)
            }
            Self::Callers => Ok(Proof { kind: Kind::Callers, renewable: false }),
            Self::Missing(_) => Err(Outcome::Unauthorized),
        }
    }

    /// Returns the reason for a missing credential.
    pub fn missing(&self) -> Option<&Arc<str>> {
        match self {
            Self::Missing(why) => Some(why),
            Self::ApiKey(_) | Self::AccessToken(_) | Self::Refreshing(_) | Self::Callers => None,
        }
    }

    /// Takes over a newly read configuration. Returns whether the credential changed. If nothing could be
    /// read, the current credential stays: a file may be half written.
    pub fn adopt(&self, configured: &CredentialSource, client: Option<&OAuthClient>) -> bool {
        let Some(secret) = configured.secret() else { return false };
        match self {
            Self::ApiKey(kept) | Self::AccessToken(kept) => kept.adopt(secret),
            Self::Refreshing(refresher) => refresher.adopt(secret, client),
            Self::Callers | Self::Missing(_) => false,
        }
    }
}

async fn kept_proof(
    kept: &Kept,
    scheme: AuthScheme,
    rejected: Option<&Secret>,
    tokens: impl FnOnce() -> Tokens,
) -> Result<Proof, Outcome> {
    let secret = kept.secret(rejected, tokens).await.ok_or(Outcome::Unauthorized)?;
    Proof::new(scheme, secret, kept.is_renewable())
}

impl Proof {
    /// Makes a proof of a secret. A secret unfit for a header value is an error, so no request goes out.
    fn new(scheme: AuthScheme, secret: Secret, renewable: bool) -> Result<Self, Outcome> {
        let is_sendable = secret.expose().bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let kind = Kind::Secret { scheme, secret };
        if is_sendable { Ok(Self { kind, renewable }) } else { Err(Outcome::Unauthorized) }
    }

    fn secret(&self) -> Option<&Secret> {
        match &self.kind {
            Kind::Secret { secret, .. } => Some(secret),
            Kind::Callers => None,
        }
    }

    /// Returns the blanker of an answer: for the account's secret, and for credentials in the configured
    /// `headers`. What a caller sent itself is no secret to the caller.
    pub fn blanker(&self, headers: &HeaderMap) -> Option<Blanker> {
        Blanker::new(self.secret().cloned().into_iter().chain(credentials(headers)))
    }

    /// Removes the caller's credential, unless the caller's credential is the proof.
    pub fn replace_callers(&self, url: &mut String, headers: &mut HeaderMap) {
        if self.secret().is_some() {
            callers::remove(url, headers);
        }
    }

    /// Adds the proof to a request already without the caller's credential; see [`Proof::replace_callers`].
    pub fn apply(&self, url: &mut String, headers: &mut HeaderMap) {
        let Kind::Secret { scheme, secret } = &self.kind else { return };
        let secret = secret.expose();
        let (name, value) = match scheme {
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
        let proof = Proof::new(scheme, Secret::new("s+1".into()), false).expect("it can be sent");
        proof.replace_callers(&mut url, &mut headers);
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
