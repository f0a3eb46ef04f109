//! The direct way out: HTTP/1.1 connections kept between requests.
//!
//! A connection is polled by the task waiting for the answer, first for the head, then inside of the body.
//! So a piece of a stream never changes tasks, nothing is read ahead of the caller, and the drop of a body
//! closes the connection at once.

mod connection;
mod heard;
mod idle_pool;

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
use tokio::time::Instant;
use tower_service::Service;

use super::body::Source;
use super::{Outgoing, Replay, Response, SendError, fault};

use self::connection::{Connection, Lost};
use self::idle_pool::IdlePool;

pub(super) use self::connection::ConnectedBody;

/// The life of an idle connection: an agent thinks between two turns.
pub(super) const IDLE_CONNECTION: Duration = Duration::from_secs(90);

/// A close within this time was on the way before the request arrived: a round trip to a far upstream.
const AT_ONCE: Duration = Duration::from_millis(250);

/// The client of the direct way out.
#[derive(Debug)]
pub(super) struct Direct {
    idle_pool: Arc<IdlePool>,
    plain: HttpConnector,
    /// The TLS connector, made for the first upstream in need, because making reads the machine's
    /// certificates.
    secured: OnceCell<HttpsConnector<HttpConnector>>,
}

/// The origin of a connection.
#[derive(Clone, Debug)]
struct Origin {
    is_secured: bool,
    authority: Authority,
}

/// Compares the authority as written: the authority's own comparison ignores case, letter by letter, at a
/// cost. A host written in two ways gets two sets of connections.
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
        Self { idle_pool: Arc::default(), plain, secured: OnceCell::new() }
    }
}

impl Direct {
    /// Sends a request and waits for the answer's head.
    ///
    /// The upstream may have closed an idle connection just before the request. Such a close comes at once
    /// and proves that nothing was read, so the request is sent again over a new connection. A later close
    /// is an ordinary failed attempt: the upstream may have done the work.
    pub(super) async fn send(
        &self,
        outgoing: Outgoing,
        again: impl Fn() -> Outgoing,
        uri: &Uri,
        connect: Duration,
    ) -> Result<Response, SendError> {
        let origin = Origin::of(uri).ok_or_else(fault::no_url)?;
        let replay = outgoing.replay;
        let mut request = made(outgoing, uri, &origin);
        // A request with harmful copies gets a fresh connection, since an idle connection may already be
        // closed.
        let kept = (replay == Replay::IfUnread).then(|| self.idle_pool.take(&origin)).flatten();
        if let Some(kept) = kept {
            let asked = Instant::now();
            match kept.ask(request, &self.idle_pool).await {
                Ok(response) => return Ok(response.map(Source::Direct)),
                // Closed at once: nothing was read, so the request is safe to send again.
                Err(Lost::Closed(error)) if error.is_canceled() || asked.elapsed() <= AT_ONCE => {
                    tracing::debug!(%error, "a kept connection was closed");
                }
                Err(lost) => return Err(fault::of_direct(lost.error())),
            }
            request = made(again(), uri, &origin);
        }
        let connected = tokio::time::timeout(connect, self.connect(origin, uri)).await;
        let connection = connected.map_err(|_| fault::not_connected_in(connect))??;
        let answered = connection.ask(request, &self.idle_pool).await;
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

    /// Returns the host, without user and password.
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

/// Installs the TLS provider. Each shared library has statics of its own, so the host's choice does not
/// apply here.
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
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{self, Receiver, Sender};

    use futures_util::StreamExt as _;
    use http::HeaderMap;
    use pointsman_core::response::outcome::NetworkFault;
    use tokio::sync::oneshot;

    use crate::edges::config::Timeouts;
    use crate::edges::upstream::Upstream;
    use crate::runtime::answer::Relay;

    use super::*;

    const EVENTS: usize = 52;
    const EVENT: &str = "data: {\"type\":\"content_block_delta\"}\n\n";

    /// Answers a request with a burst, and reports the end of writing.
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

    fn get(url: String, replay: Replay) -> Outgoing {
        Outgoing { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), replay }
    }

    /// Answers the first request of each connection. Closes the connection at the second request, on
    /// command or at once. Counts requests.
    fn closing() -> (String, Sender<()>, Arc<AtomicUsize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let (tell, told) = mpsc::channel();
        let count = Arc::new(AtomicUsize::new(0));
        let (asked, told) = (count.clone(), Arc::new(Mutex::new(told)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, told) = (asked.clone(), told.clone());
                std::thread::spawn(move || answer_once(stream, &asked, &told));
            }
        });
        (url, tell, count)
    }

    fn answer_once(mut stream: TcpStream, asked: &AtomicUsize, told: &Mutex<Receiver<()>>) {
        let mut request = [0; 1_024];
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            asked.fetch_add(1, Ordering::SeqCst);
            let answered = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            answered.expect("the client reads");
        }
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            asked.fetch_add(1, Ordering::SeqCst);
            let _told = told.lock().expect("no panic").recv();
        }
    }

    async fn fetch(direct: &Direct, outgoing: &Outgoing) -> Result<(), SendError> {
        let uri: Uri = outgoing.url.parse().expect("a URL");
        let sent = direct.send(outgoing.clone(), || outgoing.clone(), &uri, Duration::from_secs(30)).await;
        sent.map(drop)
    }

    #[tokio::test]
    async fn a_request_that_the_upstream_worked_on_is_not_sent_again() {
        let (url, close, count) = closing();
        let (direct, outgoing) = (Direct::default(), get(url, Replay::IfUnread));
        fetch(&direct, &outgoing).await.expect("the first answer");
        let second = fetch(&direct, &outgoing);
        let lost = async {
            while count.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            tokio::time::pause();
            tokio::time::advance(AT_ONCE * 2).await;
            drop(close);
        };
        let (answer, ()) = tokio::join!(second, lost);
        assert_eq!(answer.expect_err("the connection is lost").fault, NetworkFault::Reset);
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    /// Whatever has come of an answer shows that the request was read, however soon the close comes.
    #[tokio::test]
    async fn a_request_whose_answer_had_begun_is_not_sent_again() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 1_024];
                for answer in ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 O"] {
                    let _length = stream.read(&mut request).expect("a request");
                    stream.write_all(answer.as_bytes()).expect("the client reads");
                }
            }
        });
        let (direct, outgoing) = (Direct::default(), get(url, Replay::IfUnread));
        fetch(&direct, &outgoing).await.expect("the first answer");
        let error = fetch(&direct, &outgoing).await.expect_err("half a head");
        assert_eq!((error.fault, connections.load(Ordering::SeqCst)), (NetworkFault::Reset, 1));
    }

    #[tokio::test]
    async fn a_request_that_is_sent_once_gets_a_connection_of_its_own() {
        let (url, close, count) = closing();
        drop(close);
        let (direct, outgoing) = (Direct::default(), get(url, Replay::Never));
        for number in 1..=3 {
            fetch(&direct, &outgoing).await.expect("an answer");
            assert_eq!(count.load(Ordering::SeqCst), number);
        }
    }

    /// A peer project waits 25 ms on the first piece of every stream. On a paused clock any timer shows,
    /// because the clock jumps to the next timer as soon as the runtime is idle.
    #[tokio::test]
    async fn a_burst_waits_for_no_timer() {
        let (url, written) = burst();
        let outgoing = get(url, Replay::IfUnread);
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
