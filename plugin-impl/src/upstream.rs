//! The upstream client: sends one request, yields the head of its answer and the stream of its body.
//!
//! Nothing is decided here. What went wrong is told in the core's words; texts are without URLs, because
//! a key can be part of one.

pub mod body;
mod fault;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use pointsman_core::outcome::NetworkFault;
use reqwest::Client;
use thiserror::Error;

use crate::config::{ProxyUrl, Timeouts};
use crate::sync::DashMap;

pub use self::body::{IncomingBody, StreamFault};

/// Connections that nobody uses are kept this long: an agent thinks between two turns.
const IDLE_CONNECTION: Duration = Duration::from_secs(90);

/// Sends requests over pooled connections.
#[derive(Debug, Default)]
pub struct Upstream {
    /// One pool of connections for each way out.
    clients: DashMap<WayOut, Client>,
}

/// What makes connections different that go to the same host.
#[derive(Clone, PartialEq, Eq, Hash)]
struct WayOut {
    proxy: Option<String>,
    connect: Duration,
}

impl std::fmt::Debug for WayOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WayOut").field("proxied", &self.proxy.is_some()).finish_non_exhaustive()
    }
}

/// A request as it goes out.
#[derive(Debug)]
pub struct Outgoing {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
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
    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// [`SendError`] where none arrives within the timeouts.
    pub async fn send(
        &self,
        outgoing: Outgoing,
        proxy: Option<&ProxyUrl>,
        timeouts: Timeouts,
    ) -> Result<Incoming, SendError> {
        let client = self.client(proxy, timeouts.connect)?;
        let request = client
            .request(outgoing.method, &outgoing.url)
            .headers(outgoing.headers)
            .body(outgoing.body)
            .build()
            .map_err(|error| fault::of(&error))?;
        let response = tokio::time::timeout(timeouts.head, client.execute(request))
            .await
            .map_err(|_| fault::no_head(timeouts.head))?
            .map_err(|error| fault::of(&error))?;
        let (parts, body) = http::Response::from(response).into_parts();
        let body = IncomingBody::new(body, timeouts.idle);
        Ok(Incoming { status: parts.status, headers: parts.headers, body })
    }

    fn client(&self, proxy: Option<&ProxyUrl>, connect: Duration) -> Result<Client, SendError> {
        let way_out = WayOut { proxy: proxy.map(|proxy| proxy.expose().to_owned()), connect };
        if let Some(client) = self.clients.get(&way_out) {
            return Ok(client.clone());
        }
        let client = make(&way_out).map_err(|error| fault::of(&error))?;
        Ok(self.clients.entry(way_out).or_insert(client).clone())
    }
}

fn make(way_out: &WayOut) -> reqwest::Result<Client> {
    install_tls_provider();
    let builder = Client::builder()
        .connect_timeout(way_out.connect)
        .pool_idle_timeout(IDLE_CONNECTION)
        .tcp_nodelay(true)
        // A redirect is the caller's business: it has to see what it would have seen.
        .redirect(reqwest::redirect::Policy::none());
    let builder = match &way_out.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy)?),
        None => builder,
    };
    builder.build()
}

/// Each shared library has statics of its own, so the host's choice does not reach in here.
fn install_tls_provider() {
    static INSTALLED: once_cell::sync::OnceCell<()> = once_cell::sync::OnceCell::new();
    INSTALLED.get_or_init(|| {
        // Another client of this image may have been quicker, with the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
