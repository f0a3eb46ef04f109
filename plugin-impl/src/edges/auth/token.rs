//! The token endpoint: OAuth 2.0, RFC 6749 section 6.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use pointsman_core::response::classify::{TokenFault, classify_token};
use pointsman_core::response::outcome::{Outcome, SignIn};
use serde_json::Value;

use crate::edges::config::{OAuthClient, ProxyUrl, Timeouts};
use crate::edges::upstream::{Outgoing, Upstream, whole};
use crate::secret::Secret;

/// What a token lasts when the endpoint does not say (RFC 6749 only recommends that it does).
const UNTOLD_LIFETIME: Duration = Duration::from_secs(300);
/// More than any answer of a token endpoint.
const MAX_ANSWER: usize = 64 * 1024;
/// A token endpoint that takes longer is down.
const PATIENCE: Duration = Duration::from_secs(20);

/// A fresh token.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: Secret,
    pub(super) lifetime: Duration,
    /// The refresh token to use from now on, where it was exchanged.
    pub(super) refresh: Option<Secret>,
}

/// Asks for a fresh token.
///
/// # Errors
/// `NeedsSignIn` for `invalid_grant`, and `TokenOutage` for everything else.
pub(super) async fn refresh(
    upstream: &Upstream,
    client: &OAuthClient,
    refresh_token: &Secret,
    proxy: Option<&ProxyUrl>,
    timeouts: Timeouts,
) -> Result<Issued, Outcome> {
    let timeouts = Timeouts { head: PATIENCE, idle: PATIENCE, ..timeouts };
    let sent = upstream.send(|| request(client, refresh_token), proxy, timeouts).await;
    let incoming = sent.map_err(|error| {
        tracing::warn!(%error, "the token endpoint failed");
        Outcome::TokenOutage
    })?;
    let status = incoming.status;
    let body = whole(incoming.body, MAX_ANSWER).await.ok_or(Outcome::TokenOutage)?;
    if status.is_success() {
        return issued(&body).ok_or(Outcome::TokenOutage);
    }
    tracing::warn!(%status, "the token endpoint refused");
    Err(match classify_token(status, &body) {
        TokenFault::Revoked => Outcome::NeedsSignIn(SignIn::Revoked),
        TokenFault::Transient => Outcome::TokenOutage,
    })
}

fn request(client: &OAuthClient, refresh_token: &Secret) -> Outgoing {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token");
    form.append_pair("refresh_token", refresh_token.expose());
    form.append_pair("client_id", &client.client_id);
    if let Some(secret) = &client.client_secret {
        form.append_pair("client_secret", secret.expose());
    }
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type)]);
    Outgoing {
        method: Method::POST,
        url: client.token_url.clone(),
        headers,
        body: Bytes::from(form.finish()),
    }
}

fn issued(body: &[u8]) -> Option<Issued> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let secret = |name: &str| answer.get(name)?.as_str().map(|text| Secret::new(text.to_owned()));
    let lifetime =
        answer.get("expires_in").and_then(Value::as_u64).map_or(UNTOLD_LIFETIME, Duration::from_secs);
    Some(Issued { access: secret("access_token")?, lifetime, refresh: secret("refresh_token") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_escaped() {
        let client = OAuthClient {
            client_id: "my client".into(),
            client_secret: Some(Secret::new("a&b".into())),
            token_url: "http://t/token".into(),
        };
        let body = request(&client, &Secret::new("1//x".into())).body;
        assert_eq!(
            body,
            "grant_type=refresh_token&refresh_token=1%2F%2Fx&client_id=my+client&client_secret=a%26b"
        );
    }

    #[test]
    fn an_answer_without_a_token_is_no_token() {
        assert!(issued(b"<html>").is_none());
        assert!(issued(b"{\"expires_in\":3600}").is_none());
        let issued = issued(b"{\"access_token\":\"t\"}").expect("a token");
        assert_eq!(issued.lifetime, UNTOLD_LIFETIME);
    }
}
