//! Accepting connections, until told to stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::exchange;
use crate::line::Line;
use crate::shared::Shared;

/// After a failed accept: a lack of file descriptors does not end at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves until the sender of `stop` is used or dropped; all connections end with it.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stop: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => take(accepted, &shared, &mut connections).await,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = &mut stop => return,
        }
    }
}

async fn take(
    accepted: io::Result<(TcpStream, std::net::SocketAddr)>,
    shared: &Arc<Shared>,
    connections: &mut JoinSet<()>,
) {
    match accepted {
        Ok((stream, _)) => {
            connections.spawn(converse(stream, shared.clone()));
        }
        Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
    }
}

/// Serves one connection, HTTP/1 or HTTP/2 with prior knowledge.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    // Without it, small events wait for acknowledgements.
    if stream.set_nodelay(true).is_err() {
        return; // the client is gone already
    }
    let line = Line::new(stream);
    let fate = line.fate();
    let service = service_fn(move |request| exchange::answer(shared.clone(), fate.clone(), request));
    let server = auto::Builder::new(TokioExecutor::new());
    // An error is a client that went away or a fault of the script; both are in the ledger.
    let _ = server.serve_connection(TokioIo::new(line), service).await;
}
