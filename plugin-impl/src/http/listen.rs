//! Listening: TCP or a unix socket, one task per connection.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::edges::config::ListenAddress;
use crate::runtime::router::Router;

use super::dashboard::Pages;
use super::gateway::Face;
use super::listener_mode::{self, ListenerMode};
use super::ongoing::{Counted, CountedBody, Ongoing};
#[cfg(unix)]
use super::private;
use super::socket::{Connected, Io, Socket};
use super::upload::Uploads;

/// The longest silence of a connection. The limit is long because agents keep connections open while
/// thinking, and a close at the moment of a request fails the request.
const SILENCE: Duration = Duration::from_secs(600);
/// The pause after the system has run out of sockets.
const BREATH: Duration = Duration::from_millis(50);

/// The error of listening on an address.
#[derive(Debug, Error)]
pub enum ListenError {
    #[error("`{0}` is neither HOST:PORT nor unix:PATH")]
    Malformed(String),
    #[error(
        "`{0}` can be reached from other machines; listen on 127.0.0.1, or set `listen` and `allow_remote: true` in the configuration"
    )]
    Remote(String),
    #[error("cannot listen on {address}: {error}")]
    Taken { address: String, error: io::Error },
    #[error("unix sockets are not to be had on this system; listen on 127.0.0.1:PORT")]
    NoUnixSockets,
    #[error("the plugin has been shut down")]
    Closed,
}

/// The dependencies of every connection.
#[derive(Clone)]
pub struct Serving {
    pub listener_mode: Arc<ListenerMode>,
    pub router: Arc<Router>,
    pub uploads: Uploads,
    pub pages: Pages,
    /// The tracker of connections.
    pub tasks: TaskTracker,
    /// Cancelled at the shutdown's start: no more requests are taken.
    pub closing: CancellationToken,
    /// Cancelled at the end of the grace: requests in flight end at once.
    pub cut: CancellationToken,
}

/// Reads an address from outside the configuration. Only the configuration can open the gateway to other
/// machines.
///
/// # Errors
/// [`ListenError::Malformed`] and [`ListenError::Remote`].
pub fn parse_local(text: &str, configured: &ListenAddress) -> Result<ListenAddress, ListenError> {
    let address = parse(text).ok_or_else(|| ListenError::Malformed(text.to_owned()))?;
    if address.is_local() || address == *configured {
        return Ok(address);
    }
    Err(ListenError::Remote(text.to_owned()))
}

fn parse(text: &str) -> Option<ListenAddress> {
    if let Some(path) = text.strip_prefix("unix:") {
        return (!path.is_empty()).then(|| ListenAddress::Unix(PathBuf::from(path)));
    }
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then_some(())?;
    Some(ListenAddress::Tcp { host: host.to_owned(), port: port.parse().ok()? })
}

/// Binds the address and serves until the instance closes. Returns the bound address.
///
/// # Errors
/// [`ListenError::Taken`], [`ListenError::NoUnixSockets`].
pub async fn listen(address: &ListenAddress, serving: Serving) -> Result<String, ListenError> {
    let taken = |error| ListenError::Taken { address: address.to_string(), error };
    match address {
        ListenAddress::Tcp { host, port } => {
            let listener = TcpListener::bind((host.as_str(), *port)).await.map_err(taken)?;
            let bound = listener.local_addr().map_err(taken)?;
            tokio::spawn(accept_tcp(listener, serving));
            Ok(bound.to_string())
        }
        ListenAddress::Unix(path) => listen_unix(path, serving).map_err(taken)?,
    }
}

async fn accept_tcp(listener: TcpListener, serving: Serving) {
    let closing = serving.closing.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                // Without it the second write of a stream waits for the client's delayed acknowledgement.
                let _ = stream.set_nodelay(true);
                serving.tasks.spawn(connection(stream, serving.clone()));
            }
            Err(error) => pause(&error).await,
        }
    }
}

/// Binds a socket only for this program's user.
#[cfg(unix)]
fn listen_unix(path: &Path, serving: Serving) -> io::Result<Result<String, ListenError>> {
    let (listener, socket) = private::bind(path)?;
    listener.set_nonblocking(true)?;
    tokio::spawn(accept_unix(UnixListener::from_std(listener)?, socket, serving));
    Ok(Ok(format!("unix:{}", path.display())))
}

#[cfg(not(unix))]
fn listen_unix(_: &Path, _: Serving) -> io::Result<Result<String, ListenError>> {
    Ok(Err(ListenError::NoUnixSockets))
}

#[cfg(unix)]
async fn accept_unix(listener: UnixListener, _socket: private::PrivateSocket, serving: Serving) {
    let closing = serving.closing.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => drop(serving.tasks.spawn(connection(stream, serving.clone()))),
            Err(error) => pause(&error).await,
        }
    }
}

async fn pause(error: &io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    tokio::time::sleep(BREATH).await;
}

async fn connection<S: Connected + Send + 'static>(stream: S, serving: Serving) {
    let (socket, ongoing) = (Arc::new(Socket::new(stream)), Ongoing::default());
    let served = tokio::select! {
        served = serve(socket.clone(), &ongoing, &serving) => served,
        () = ongoing.abandoned(&socket) => return tracing::debug!("a client left while it was answered"),
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Serves a connection until it ends. Once no more requests are taken it ends with those that are whole.
async fn serve<S: Connected + Send + 'static>(
    socket: Arc<Socket<S>>,
    ongoing: &Ongoing,
    serving: &Serving,
) -> hyper::Result<()> {
    let service = service_fn(|request| answered(ongoing.begin(), serving, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .serve_connection(TokioIo::new(Io(socket.clone())), service);
    let mut connection = std::pin::pin!(connection);
    if let Some(served) = serving.closing.run_until_cancelled(connection.as_mut()).await {
        return served;
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        served = connection => served,
        () = ongoing.over(&socket) => Ok(()),
        () = serving.cut.cancelled() => Ok(()),
    }
}

async fn answered(
    counted: Counted,
    serving: &Serving,
    request: Request<Incoming>,
) -> Result<Response<CountedBody>, Infallible> {
    let Serving { router, uploads, pages, listener_mode, .. } = serving;
    let face = Face { router, uploads, pages, is_local: listener_mode.is_local() };
    let response = listener_mode::answer(&serving.listener_mode, face, request).await?;
    Ok(response.map(|body| CountedBody { body, _counted: counted }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> ListenAddress {
        ListenAddress::Tcp { host: "127.0.0.1".into(), port: 8787 }
    }

    #[test]
    fn an_address_of_a_host_has_to_be_local() {
        assert!(parse_local("127.0.0.1:0", &here()).is_ok());
        assert!(parse_local("[::1]:80", &here()).is_ok());
        assert!(parse_local("unix:/run/p.sock", &here()).is_ok());
        assert!(matches!(parse_local("0.0.0.0:80", &here()), Err(ListenError::Remote(_))));
        for text in ["", "unix:", "127.0.0.1", ":80", "127.0.0.1:99999", "host:port"] {
            assert!(matches!(parse_local(text, &here()), Err(ListenError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn what_the_configuration_opens_stays_open() {
        let open = ListenAddress::Tcp { host: "0.0.0.0".into(), port: 80 };
        assert!(parse_local("0.0.0.0:80", &open).is_ok());
    }
}
