//! Listener modes: the clients allowed at a listener, and their rights.
//!
//! A gateway is open to every program of this machine. A host's listener is for the program with the plugin
//! loaded: the host may send any request to any address, so no other program may use the listener. A unix
//! socket of mode 0600 keeps other users out; a TCP port requires a token.

use std::convert::Infallible;
use std::fmt::{self, Write};
use std::iter;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;

use crate::edges::auth::CALLERS_PROOFS;
use crate::edges::config::ListenAddress;
use crate::secret::Secret;

use super::body::FaceBody;
use super::gateway::{self, Face};
use super::host_name;

/// The header for the original target of a request, known only to a host's listener.
pub const TARGET: HeaderName = HeaderName::from_static("x-pointsman-target");
/// The header for the token.
pub const TOKEN: HeaderName = HeaderName::from_static("x-pointsman-token");

/// The length of a token in bytes, before hexadecimal coding.
const TOKEN_LENGTH: usize = 32;

/// The mode of a listener.
#[derive(Debug)]
pub enum ListenerMode {
    /// A gateway for every program: requests are routed by the path, and `Host` must name this listener.
    Gateway(ListenAddress),
    /// A listener for the host: with the token if required, and with an optional target.
    Host(Option<Token>),
}

/// A token of a host.
#[derive(Clone, Debug)]
pub struct Token(Secret);

/// The reason for turning a request away.
#[derive(Debug, PartialEq, Eq)]
enum Turned {
    NoToken,
    TargetAtGateway,
    BadTarget,
    UnknownHost(String),
}

impl Token {
    /// Draws an unguessable token.
    ///
    /// # Panics
    /// If the system has no randomness; then there is no TLS either.
    pub fn random() -> Self {
        let mut bytes = [0; TOKEN_LENGTH];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut bytes).expect("the system has randomness");
        let mut text = String::with_capacity(2 * TOKEN_LENGTH);
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(Secret::new(text))
    }

    /// Returns the text, for the host.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Compares in constant time.
    fn is(&self, given: &[u8]) -> bool {
        let own = self.expose().as_bytes();
        own.len() == given.len() && own.iter().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }

    /// Removes the token from the headers, out of any upstream's sight, and returns whether the token was
    /// there. An agent with only an API key setting can send the token as the API key.
    fn take(&self, headers: &mut HeaderMap) -> bool {
        let holds = |value: &HeaderValue| {
            let value = value.as_bytes();
            self.is(value.strip_prefix(b"Bearer ").unwrap_or(value))
        };
        let mut found = false;
        for place in iter::once(&TOKEN).chain(&CALLERS_PROOFS) {
            if headers.get(place).is_some_and(holds) {
                headers.remove(place);
                found = true;
            }
        }
        found
    }
}

impl ListenerMode {
    /// Returns whether only programs of this machine reach the listener.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::Gateway(address) => address.is_local(),
            Self::Host(_) => true,
        }
    }

    /// Checks the gateway's name in a request. A unix socket is out of a browser's reach, and a host's port
    /// has a token.
    fn knows_host<B>(&self, request: &Request<B>, allowed: &[String]) -> Result<(), Turned> {
        match self {
            Self::Gateway(ListenAddress::Tcp { host, .. }) => {
                host_name::check(request, host, allowed).map_err(Turned::UnknownHost)
            }
            Self::Gateway(ListenAddress::Unix(_)) | Self::Host(_) => Ok(()),
        }
    }

    /// Lets a request in, and returns the target if present.
    fn let_in(&self, headers: &mut HeaderMap) -> Result<Option<Uri>, Turned> {
        if let Self::Host(Some(token)) = self
            && !token.take(headers)
        {
            return Err(Turned::NoToken);
        }
        let Some(target) = headers.remove(TARGET) else { return Ok(None) };
        match self {
            Self::Gateway(_) => Err(Turned::TargetAtGateway),
            Self::Host(_) => Uri::try_from(target.as_bytes()).map(Some).map_err(|_| Turned::BadTarget),
        }
    }
}

impl Turned {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::TargetAtGateway | Self::UnknownHost(_) => StatusCode::FORBIDDEN,
            Self::BadTarget => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Turned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => write!(
                f,
                "this port is for the program that opened it: send its token as `{TOKEN}`, or as a bearer token or an API key"
            ),
            Self::TargetAtGateway => {
                write!(
                    f,
                    "`{TARGET}` is for the program that has loaded Pointsman; the gateway goes by the path"
                )
            }
            Self::BadTarget => write!(f, "`{TARGET}` is not a URL"),
            Self::UnknownHost(name) => write!(
                f,
                "`{name}` is no name of this gateway; if the name is yours, add it to `allow_hosts` in pointsman.yaml"
            ),
        }
    }
}

/// Answers any request.
pub(super) async fn answer(
    listener_mode: &ListenerMode,
    face: Face<'_>,
    mut request: Request<Incoming>,
) -> Result<Response<FaceBody>, Infallible> {
    if let Err(turned) = listener_mode.knows_host(&request, &face.router.generation().config.allow_hosts) {
        return Ok(gateway::fault(&request, turned.status(), &turned.to_string()));
    }
    match listener_mode.let_in(request.headers_mut()) {
        Ok(None) => gateway::answer(face, request).await,
        Ok(Some(target)) => Ok(gateway::on_its_way(face, &target, request).await),
        Err(turned) => Ok(gateway::fault(&request, turned.status(), &turned.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_is_long_and_never_the_same() {
        let (one, other) = (Token::random(), Token::random());
        assert_eq!(one.expose().len(), 64);
        assert_ne!(one.expose(), other.expose());
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn a_token_is_taken_from_each_place_and_goes_no_further() {
        let token = Token::random();
        let bearer = format!("Bearer {}", token.expose());
        let listener_mode = ListenerMode::Host(Some(token.clone()));
        for (name, value) in [
            (TOKEN.as_str(), token.expose()),
            ("authorization", bearer.as_str()),
            ("x-api-key", token.expose()),
            ("x-goog-api-key", token.expose()),
        ] {
            let mut headers = headers(&[(name, value), ("x-other", "kept")]);
            assert_eq!(listener_mode.let_in(&mut headers), Ok(None), "{name}");
            assert_eq!(headers.len(), 1, "{name}");
        }
    }

    #[test]
    fn nobody_comes_in_without_the_token() {
        let token = Token::random();
        let almost = &token.expose()[1..];
        let listener_mode = ListenerMode::Host(Some(token.clone()));
        for pairs in
            [&[][..], &[(TOKEN.as_str(), "")], &[(TOKEN.as_str(), almost)], &[("authorization", "Bearer x")]]
        {
            assert_eq!(listener_mode.let_in(&mut headers(pairs)), Err(Turned::NoToken), "{pairs:?}");
        }
    }

    #[test]
    fn only_the_hosts_door_knows_a_target() {
        let to = |url| headers(&[(TARGET.as_str(), url)]);
        let url = "https://api.anthropic.com/v1/messages?beta=true";
        assert_eq!(ListenerMode::Host(None).let_in(&mut to(url)), Ok(Some(url.parse().unwrap())));
        assert_eq!(ListenerMode::Host(None).let_in(&mut to("no url")), Err(Turned::BadTarget));
        let gateway = ListenerMode::Gateway(ListenAddress::Tcp { host: "127.0.0.1".into(), port: 1 });
        assert_eq!(gateway.let_in(&mut to(url)), Err(Turned::TargetAtGateway));
        assert_eq!(gateway.let_in(&mut headers(&[])), Ok(None));
    }
}
