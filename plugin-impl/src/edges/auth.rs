//! Credentials: what an account proves itself with, and how it is put on a request.

mod callers;
mod refresh;
mod reread;
mod token;

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use pointsman_core::response::outcome::Outcome;

use crate::edges::config::{AuthScheme, CredentialSource, OAuthClient};
use crate::secret::Secret;

pub use self::callers::Brought;
pub(crate) use self::callers::PROOFS as CALLERS_PROOFS;
pub use self::refresh::{Refresher, Tokens};
pub use self::reread::{Kept, Rereader};

/// The credential of one account.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Sent as the provider's scheme says.
    ApiKey(Kept),
    /// A bearer token that somebody else keeps fresh.
    AccessToken(Kept),
    /// Bearer tokens made from a refresh token.
    Refreshing(Arc<Refresher>),
    /// What the caller sent, which is nowhere but in its request.
    Callers,
    /// There is none, and this says why.
    Missing(Arc<str>),
}

/// What one attempt proves itself with.
#[derive(Clone, Debug)]
pub struct Proof {
    kind: Kind,
    /// Another one may be had when this one is rejected.
    pub renewable: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A secret of the account.
    Secret { scheme: AuthScheme, secret: Secret },
    /// What the request brought.
    Callers,
}

impl Credential {
    /// Says whether each request brings its own.
    pub const fn is_callers(&self) -> bool {
        matches!(self, Self::Callers)
    }

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

    /// Returns why there is none.
    pub fn missing(&self) -> Option<&Arc<str>> {
        match self {
            Self::Missing(why) => Some(why),
            Self::ApiKey(_) | Self::AccessToken(_) | Self::Refreshing(_) | Self::Callers => None,
        }
    }

    /// Takes over what was read anew from the same sources. Returns whether it is another credential. Where nothing
    /// could be read, what there is stays: a file may be in the middle of being written.
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
    /// Makes a proof of a secret that can be a header value. Without one no request goes out.
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

    /// Takes out what the caller proves itself with, unless that is the proof.
    pub fn replace_callers(&self, url: &mut String, headers: &mut HeaderMap) {
        if self.secret().is_some() {
            callers::remove(url, headers);
        }
    }

    /// Puts the proof on a request, which has nothing of the caller's; see [`Proof::replace_callers`].
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
