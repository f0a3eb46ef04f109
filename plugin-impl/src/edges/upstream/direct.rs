//! The direct way out: connections of HTTP/1.1 that are kept from one request to the next.
//!
//! A connection is polled by whoever waits for its answer, first for the head, then inside of the body.
//! So a piece of a stream never goes from one task to another, nobody reads ahead of the caller, and a
//! body that is dropped closes its connection at once.

mod connection;
mod shelf;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use once_cell::sync::OnceCell;
use rustls::crypto::ring;
use tower_service::Service;

use super::body::Source;
use super::{Outgoing, Response, SendError, fault};

use self::connection::{Connection, Lost};
use self::shelf::Shelf;

pub(super) use self::connection::ConnectedBody;

/// Connections that nobody uses are kept this long: an agent thinks between two turns.
pub(super) const IDLE_CONNECTION: Duration = Duration::from_secs(90);

/// Sends requests over its own connections.
#[derive(Debug)]
pub(super) struct Direct {
    shelf: Arc<Shelf>,
    plain: HttpConnector,
    /// Made for the first upstream that needs it: it reads the machine's certificates.
    secured: OnceCell<HttpsConnector<HttpConnector>>,
}

/// Where a connection goes.
#[derive(Clone, Debug)]
struct Origin {
    is_secured: bool,
    authority: Authority,
}

/// As it is written: an authority by itself is compared letter by letter, of which small and capital ones
/// are the same. Who writes a host in two ways has connections of two kinds.
impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        (self.is_secured, self.authority.as_str()) == (other.is_secured, other.authority.as_str())
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.is_secured, self.authority.as_str()).hash(state);
    }
}

impl Default for Direct {
    fn default() -> Self {
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        // Without it the second write of a request waits for the upstream's delayed acknowledgement.
        plain.set_nodelay(true);
        Self { shelf: Arc::default(), plain, secured: OnceCell::new() }
    }
}

impl Direct {
    /// Sends a request and waits for the head of its answer.
    ///
    /// A connection that was kept may have been closed by the upstream just now. That says nothing of the
    /// request, so it is sent once more, over a connection of its own.
    pub(super) async fn send(
        &self,
        outgoing: Outgoing,
        again: impl Fn() -> Outgoing,
        uri: &Uri,
        connect: Duration,
    ) -> Result<Response, SendError> {
        let origin = Origin::of(uri).ok_or_else(fault::no_url)?;
        let mut request = made(outgoing, uri, &origin);
        if let Some(kept) = self.shelf.take(&origin) {
            match kept.ask(request, &self.shelf).await {
                Ok(response) => return Ok(response.map(Source::Direct)),
                Err(Lost::Closed(error)) => tracing::debug!(%error, "a kept connection was closed"),
                Err(Lost::Broken(error)) => return Err(fault::of_direct(&error)),
            }
            request = made(again(), uri, &origin);
        }
        let connected = tokio::time::timeout(connect, self.connect(origin, uri)).await;
        let connection = connected.map_err(|_| fault::not_connected_in(connect))??;
        let answered = connection.ask(request, &self.shelf).await;
        answered.map(|response| response.map(Source::Direct)).map_err(|lost| fault::of_direct(lost.error()))
    }

    async fn connect(&self, origin: Origin, uri: &Uri) -> Result<Connection, SendError> {
        let host = uri.host().unwrap_or_default();
        let stream = if origin.is_secured {
            let stream = self.secured(host)?.clone().call(uri.clone()).await;
            stream.map_err(|error| fault::not_connected(&*error, host))?
        } else {
            let stream = self.plain.clone().call(uri.clone()).await;
            MaybeHttpsStream::Http(stream.map_err(|error| fault::not_connected(&error, host))?)
        };
        Connection::new(stream, origin).await.map_err(|error| fault::of_direct(&error))
    }

    fn secured(&self, host: &str) -> Result<&HttpsConnector<HttpConnector>, SendError> {
        self.secured.get_or_try_init(|| {
            let provider = Arc::new(ring::default_provider());
            let builder = HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider);
            let builder = builder.map_err(|error| fault::not_connected(&error, host))?;
            Ok(builder.https_or_http().enable_http1().wrap_connector(self.plain.clone()))
        })
    }
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let is_secured = uri.scheme()? == &Scheme::HTTPS;
        Some(Self { is_secured, authority: uri.authority()?.clone() })
    }

    /// Without user and password, which are nobody's name.
    fn host(&self) -> Option<HeaderValue> {
        let authority = self.authority.as_str();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        HeaderValue::from_str(host).ok()
    }
}

fn made(outgoing: Outgoing, uri: &Uri, origin: &Origin) -> Request<Full<Bytes>> {
    let Outgoing { method, mut headers, body, .. } = outgoing;
    headers.extend(origin.host().map(|host| (HOST, host)));
    // Some services refuse what does not say that it has no body (RFC 9110 section 8.6).
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri.path_and_query().cloned().map(Uri::from).unwrap_or_default();
    *request.headers_mut() = headers;
    request
}

/// Each shared library has statics of its own, so the host's choice does not reach in here.
pub(super) fn install_tls_provider() {
    static INSTALLED: OnceCell<()> = OnceCell::new();
    INSTALLED.get_or_init(|| {
        // Another client of this image may have been quicker, with the same provider.
        let _ = ring::default_provider().install_default();
    });
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};

    use futures_util::StreamExt as _;
    use http::HeaderMap;
    use tokio::sync::oneshot;
    use tokio::time::Instant;

    use crate::edges::config::Timeouts;
    use crate::edges::upstream::Upstream;
    use crate::runtime::answer::Relay;

    use super::*;

    const EVENTS: usize = 52;
    const EVENT: &str = "data: {\"type\":\"content_block_delta\"}\n\n";

    /// Answers one request with a burst, and tells when all of it is written.
    fn burst() -> (String, oneshot::Receiver<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let (tell, written) = oneshot::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client comes");
            let mut asked = [0; 1_024];
            let _ = stream.read(&mut asked).expect("a request");
            let chunk = format!("{:x}\r\n{EVENT}\r\n", EVENT.len());
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream
                .write_all((head.to_owned() + &chunk.repeat(EVENTS) + "0\r\n\r\n").as_bytes())
                .expect("it reads");
            // The test may have failed already.
            let _ = tell.send(());
        });
        (url, written)
    }

    /// A peer waits 25 ms on the first piece of every stream. While the clock stands, any timer would move
    /// it: it jumps to the next as soon as there is nothing else to do.
    #[tokio::test]
    async fn a_burst_waits_for_no_timer() {
        let (url, written) = burst();
        let outgoing = Outgoing { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() };
        let patience = Duration::from_secs(30);
        let timeouts = Timeouts { connect: patience, head: patience, idle: patience };
        let answer = Upstream::default().send(|| outgoing.clone(), None, timeouts).await.expect("an answer");
        written.await.expect("all of it lies in the socket");
        tokio::time::pause();
        let begun = Instant::now();
        let mut relay = Relay::new([].into(), Some(answer.body), Arc::default());
        let (mut pieces, mut length) = (0, 0);
        while let Some(piece) = relay.next().await {
            pieces += 1;
            length += piece.expect("no break").len();
        }
        assert_eq!((begun.elapsed(), length), (Duration::ZERO, EVENTS * EVENT.len()));
        assert!(pieces <= 3, "{pieces} pieces");
    }
}
