//! The upstream client: sends one request, yields the head of its answer and the stream of its body.
//!
//! Nothing is decided here. What went wrong is told in the core's words; texts are without URLs, because
//! a key can be part of one.
//!
//! There are two ways out. The direct one keeps its own connections, whose bytes never change tasks. Where
//! a proxy stands between, reqwest knows how to speak to it.

pub mod body;
mod certificate;
mod direct;
mod fault;
pub mod news;
mod proxied;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use pointsman_core::response::outcome::NetworkFault;
use thiserror::Error;

use crate::edges::config::{ProxyUrl, Timeouts};

use self::body::Source;
use self::direct::Direct;
use self::proxied::Proxied;

pub use self::body::{IncomingBody, StreamFault, whole};

/// Sends requests over connections that are kept.
#[derive(Debug)]
pub struct Upstream {
    direct: Direct,
    proxied: Proxied,
    /// Says for which requests the machine itself wants a proxy (`HTTPS_PROXY` and its kin).
    of_the_machine: Matcher,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            direct: Direct::default(),
            proxied: Proxied::default(),
            of_the_machine: Matcher::from_system(),
        }
    }
}

/// A request as it goes out.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub replay: Replay,
}

/// What may be done with a request whose connection is lost before an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replay {
    /// A kept connection that closes at once has read nothing: the request is sent again.
    #[default]
    IfUnread,
    /// The request is sent once, over a connection of its own: a second copy would do harm.
    Never,
}

/// The head of an answer, and its body.
#[derive(Debug)]
pub struct Incoming {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: IncomingBody,
}

/// No head arrived.
#[derive(Debug, Error)]
#[error("{text}")]
pub struct SendError {
    pub fault: NetworkFault,
    /// Without the URL.
    pub text: String,
}

impl Upstream {
    /// Sends a request and waits for the head of its answer. The request is made again in the rare case that
    /// it is sent again, so that no copy is kept of each.
    ///
    /// # Errors
    /// [`SendError`] where no head arrives within the timeouts.
    pub async fn send(
        &self,
        make: impl Fn() -> Outgoing,
        proxy: Option<&ProxyUrl>,
        timeouts: Timeouts,
    ) -> Result<Incoming, SendError> {
        let outgoing = make();
        let uri: Uri = outgoing.url.parse().map_err(|_| fault::no_url())?;
        let is_direct = proxy.is_none() && self.of_the_machine.intercept(&uri).is_none();
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
        // The coding decides where a body ends; a length beside it is not to be believed (RFC 9112 section 6.3).
        if parts.headers.contains_key(TRANSFER_ENCODING) {
            parts.headers.remove(CONTENT_LENGTH);
        }
        let body = IncomingBody::new(body, timeouts.idle);
        Ok(Incoming { status: parts.status, headers: parts.headers, body })
    }
}

/// An answer of either way out.
type Response = http::Response<Source>;
