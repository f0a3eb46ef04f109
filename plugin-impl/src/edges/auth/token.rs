//! The token endpoint: OAuth 2.0, RFC 6749 section 6.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use pointsman_core::response::classify::{TokenFault, classify_token};
use pointsman_core::response::outcome::{NetworkFault, Outcome, SignIn};
use pointsman_core::response::token::{MAX_LIFETIME, UNTOLD_LIFETIME};
use serde_json::Value;

use crate::edges::config::{OAuthClient, ProxyUrl, Timeouts};
use crate::edges::upstream::{Outgoing, Replay, Upstream, ask_for, whole};
use crate::secret::Secret;

/// The longest answer of a token endpoint to read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// The time limit of a token endpoint.
const PATIENCE: Duration = Duration::from_secs(20);

/// A fresh access token.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: Secret,
    pub(super) lifetime: Duration,
    /// The refresh token for the next exchange, if exchanged.
    pub(super) refresh: Option<Secret>,
}

/// The error of a refresh.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) outcome: Outcome,
    /// The endpoint refused the request: a different secret may help.
    pub(super) is_refusal: bool,
}

impl Fault {
    const OUTAGE: Self = Self { outcome: Outcome::TokenOutage, is_refusal: false };
    /// Nothing was sent, for want of what this process needs for a connection.
    const LOCAL: Self = Self { outcome: Outcome::Unreachable(NetworkFault::Local), is_refusal: false };
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
) -> Result<Issued, Fault> {
    let timeouts = Timeouts { head: PATIENCE, idle: PATIENCE, ..timeouts };
    let sent = upstream.send(|| request(client, refresh_token), proxy, timeouts).await;
    let incoming = sent.map_err(|error| {
        tracing::warn!(%error, "the token endpoint failed");
        match error.fault {
            NetworkFault::Local => Fault::LOCAL,
            NetworkFault::Connect | NetworkFault::Timeout | NetworkFault::Reset | NetworkFault::Garbage => {
                Fault::OUTAGE
            }
        }
    })?;
    let incoming = incoming.decoded();
    let status = incoming.status;
    let body = whole(incoming.body, MAX_ANSWER).await.ok_or(Fault::OUTAGE)?;
    // A token counts only with a success status.
    match issued(&body) {
        Ok(issued) if status.is_success() => return Ok(issued),
        Err(why) if status.is_success() => tracing::warn!(%status, "the token endpoint gave no token: {why}"),
        Ok(_) | Err(_) => tracing::warn!(%status, "the token endpoint refused"),
    }
    let outcome = match classify_token(status, &body) {
        TokenFault::Revoked => Outcome::NeedsSignIn(SignIn::Revoked),
        TokenFault::Transient => Outcome::TokenOutage,
    };
    let is_refusal = status.is_client_error() || outcome != Outcome::TokenOutage;
    Err(Fault { outcome, is_refusal })
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
    let mut headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type)]);
    ask_for(&mut headers);
    Outgoing {
        method: Method::POST,
        url: client.token_url.clone(),
        headers,
        body: Bytes::from(form.finish()),
        // A refresh token that is used twice is revoked by services that rotate them (RFC 9700 section 4.14).
        replay: Replay::Never,
    }
}

/// Reads a token answer (RFC 6749 section 5.1). Each field is checked: endpoints leave fields out, quote
/// numbers, and send empty texts for unchanged values.
fn issued(body: &[u8]) -> Result<Issued, &'static str> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| "the answer is no JSON")?;
    if !is_bearer(answer.get("token_type")) {
        return Err("its `token_type` is not Bearer");
    }
    let access = text(answer.get("access_token")).ok_or("it has no usable `access_token`")?;
    let lifetime = lifetime(answer.get("expires_in")).unwrap_or(UNTOLD_LIFETIME);
    Ok(Issued { access, lifetime, refresh: text(answer.get("refresh_token")) })
}

/// Returns a credential fit to be sent.
fn text(field: Option<&Value>) -> Option<Secret> {
    let text = field?.as_str()?.trim();
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
        .then(|| Secret::new(text.to_owned()))
}

/// Returns whether the type is Bearer; a missing type counts as Bearer. A token of a different type is
/// useless as a bearer token.
fn is_bearer(field: Option<&Value>) -> bool {
    match field {
        None | Some(Value::Null) => true,
        Some(Value::String(kind)) => kind.trim().is_empty() || kind.trim().eq_ignore_ascii_case("bearer"),
        Some(_) => false,
    }
}

/// Returns the lifetime in seconds: a positive number, or a positive number as text. Any different value is
/// no lifetime.
fn lifetime(field: Option<&Value>) -> Option<Duration> {
    let seconds = match field? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let seconds = seconds.filter(|seconds: &f64| *seconds >= 1.0)?;
    Some(Duration::from_secs_f64(seconds.min(MAX_LIFETIME.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::config::ConfiguredSecret;

    #[test]
    fn a_form_is_escaped() {
        let client = OAuthClient {
            client_id: "my client".into(),
            client_secret: Some(ConfiguredSecret::from(Secret::new("a&b".into()))),
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
        assert!(issued(b"<html>").is_err());
        assert!(issued(b"{\"expires_in\":3600}").is_err());
        let issued = issued(b"{\"access_token\":\"t\"}").expect("a token");
        assert_eq!(issued.lifetime, UNTOLD_LIFETIME);
    }

    fn with(field: &str) -> Result<Issued, &'static str> {
        issued(format!("{{\"access_token\":\"t\",{field}}}").as_bytes())
    }

    #[test]
    fn a_lifetime_is_a_number_however_it_is_written() {
        let check = |written: &str, seconds: f64| {
            let issued = with(&format!("\"expires_in\":{written}")).expect(written);
            assert_eq!(issued.lifetime, Duration::from_secs_f64(seconds), "{written}");
        };
        let untold = UNTOLD_LIFETIME.as_secs_f64();
        for (written, seconds) in
            [("3599", 3599.0), ("\"3599\"", 3599.0), ("\" 3599 \"", 3599.0), ("3599.5", 3599.5)]
        {
            check(written, seconds);
        }
        for written in ["0", "-1", "0.5", "null", "true", "\"\"", "\"soon\"", "\"NaN\"", "[3599]", "{}"] {
            check(written, untold);
        }
        for written in ["1e300", "18446744073709551615", "\"inf\""] {
            check(written, MAX_LIFETIME.as_secs_f64());
        }
    }

    #[test]
    fn only_a_usable_refresh_token_takes_the_place_of_the_one_there_is() {
        let refresh = |written: &str| with(&format!("\"refresh_token\":{written}")).expect(written).refresh;
        for written in ["\"\"", "\"  \"", "null", "7", "[]", "\"a\\nb\"", "\"a b\""] {
            assert!(refresh(written).is_none(), "{written}");
        }
        assert_eq!(refresh("\"1//next\\n\"").expect("a token").expose(), "1//next");
    }

    #[test]
    fn an_access_token_can_be_sent_or_is_none() {
        for written in ["\"\"", "\" \"", "null", "7", "{}", "\"a\\r\\nb\"", "\"é\""] {
            assert!(issued(format!("{{\"access_token\":{written}}}").as_bytes()).is_err(), "{written}");
        }
    }

    #[test]
    fn a_token_of_another_type_is_no_bearer_token() {
        for kind in ["\"Bearer\"", "\"bearer\"", "\"\"", "null"] {
            assert!(with(&format!("\"token_type\":{kind}")).is_ok(), "{kind}");
        }
        for kind in ["\"mac\"", "\"DPoP\"", "7"] {
            assert!(with(&format!("\"token_type\":{kind}")).is_err(), "{kind}");
        }
    }
}
