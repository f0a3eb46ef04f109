//! The upstream client: sends a request, and returns the answer's head and the stream of the body.
//!
//! The client decides nothing. Errors are in the core's terms; error texts have no URLs, because a key can
//! be part of a URL.
//!
//! There are two ways out. The direct way keeps connections of its own, and a connection's bytes never
//! change tasks. For a proxy, reqwest is used.

mod blank;
pub mod body;
mod certificate;
mod coding;
mod direct;
mod fault;
mod length;
pub mod news;
mod no_proxy;
mod proxied;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use pointsman_core::response::outcome::NetworkFault;
use thiserror::Error;

use crate::edges::config::{ProxyUrl, Timeouts};

use self::body::Source;
use self::direct::Direct;
use self::no_proxy::NoProxy;
use self::proxied::Proxied;

pub use self::blank::Blanker;
pub use self::body::{IncomingBody, StreamFault, whole};
pub use self::coding::ask_for;

/// The upstream client, with idle connections.
#[derive(Debug)]
pub struct Upstream {
    direct: Direct,
    proxied: Proxied,
    /// The machine's proxy settings (`HTTPS_PROXY` and the like), by request.
    of_the_machine: Matcher,
    no_proxy: NoProxy,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            direct: Direct::default(),
            proxied: Proxied::default(),
            of_the_machine: Matcher::from_system(),
            no_proxy: NoProxy::of_the_machine(),
        }
    }
}

/// An outgoing request.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub replay: Replay,
}

/// The policy for a connection lost before the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Replay {
    /// Send the request again if an idle connection closes at once: the upstream has read nothing.
    #[default]
    IfUnread,
    /// Send the request once, over a fresh connection: a second copy would do harm.
    Never,
}

/// The head and the body of an answer.
#[derive(Debug)]
pub struct Incoming {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: IncomingBody,
}

impl Incoming {
    /// Takes a credential out of the answer, wherever the upstream repeats it.
    #[must_use]
    pub fn blanked(mut self, blanker: Option<Blanker>) -> Self {
        if let Some(blanker) = blanker {
            blanker.blank_headers(&mut self.headers);
            self.body.blank(blanker);
        }
        self
    }
}

/// The error of a request without an answer's head.
#[derive(Debug, Error)]
#[error("{text}")]
pub struct SendError {
    pub fault: NetworkFault,
    /// The text, without the URL.
    pub text: String,
}

impl Incoming {
    /// Takes the answer out of its codings, where they are known: what is read and handed on is plain.
    #[must_use]
    pub fn decoded(self) -> Self {
        let Self { status, mut headers, body } = self;
        let decoder = coding::Decoder::of(&mut headers);
        Self { status, headers, body: body.decoded_by(decoder) }
    }
}

impl Upstream {
    /// Sends a request and waits for the answer's head. `make` builds the request, and builds the request
    /// again in the rare case of a second send, so that no copy is kept.
    ///
    /// # Errors
    /// [`SendError`] if no head arrives within the timeouts.
    pub async fn send(
        &self,
        make: impl Fn() -> Outgoing,
        proxy: Option<&ProxyUrl>,
        timeouts: Timeouts,
    ) -> Result<Incoming, SendError> {
        let outgoing = make();
        let method = outgoing.method.clone();
        let uri: Uri = outgoing.url.parse().map_err(|_| fault::no_url())?;
        // A configured proxy beats the machine's settings.
        let is_direct =
            proxy.is_none() && (self.no_proxy.spares(&uri) || self.of_the_machine.intercept(&uri).is_none());
        let sent = async {
            if is_direct {
                self.direct.send(outgoing, make, &uri, timeouts.connect).await
            } else {
                self.proxied.send(outgoing, proxy, timeouts.connect).await
            }
        };
        let sent = tokio::time::timeout(timeouts.head, sent).await;
        let response = sent.map_err(|_| fault::no_head(timeouts.head))??;
        let (mut parts, body) = response.into_parts();
        if parts.status.is_informational() {
            return Err(fault::switched());
        }
        length::settle(&mut parts.headers, &method, parts.status, body.length())?;
        let body = IncomingBody::new(body, timeouts.idle);
        Ok(Incoming { status: parts.status, headers: parts.headers, body })
    }
}

/// An answer of either way out.
type Response = http::Response<Source>;
