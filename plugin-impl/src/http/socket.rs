//! The socket of a connection, shared by the HTTP server and by the watch over the connection.
//!
//! The server reads no further while it holds bytes of a next request. So the server does not see a client leave that
//! has sent more than one request, and the socket has to be asked.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A stream whose other end can be asked for.
pub(super) trait Connected: AsyncRead + AsyncWrite + Unpin {
    /// Says whether the client has closed its side, whatever bytes it sent before.
    fn has_left(&self) -> bool;
}

impl Connected for TcpStream {
    fn has_left(&self) -> bool {
        is_closed(self.ready(Interest::READABLE))
    }
}

#[cfg(unix)]
impl Connected for UnixStream {
    fn has_left(&self) -> bool {
        is_closed(self.ready(Interest::READABLE))
    }
}

/// The system tells of a close even while bytes before the close are unread.
fn is_closed(readiness: impl Future<Output = io::Result<Ready>>) -> bool {
    let readiness = readiness.now_or_never();
    readiness.is_some_and(|ready| ready.map_or(true, Ready::is_read_closed))
}

/// A socket, and whether the client takes what is written.
///
/// Server and watch run in one task, so the lock is always free.
#[derive(Debug)]
pub(super) struct Socket<S> {
    stream: Mutex<S>,
    is_full: AtomicBool,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: Mutex::new(stream), is_full: AtomicBool::new(false) }
    }

    /// Says whether bytes wait to be taken by the client.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    fn stream(&self) -> MutexGuard<'_, S> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.is_full.store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl<S: Connected> Socket<S> {
    pub(super) fn has_left(&self) -> bool {
        self.stream().has_left()
    }
}

/// The server's end of a socket.
#[derive(Debug)]
pub(super) struct Io<S>(pub(super) Arc<Socket<S>>);

impl<S: Connected> AsyncRead for Io<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream()).poll_read(context, into)
    }
}

impl<S: Connected> AsyncWrite for Io<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.noted(Pin::new(&mut *self.0.stream()).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.noted(Pin::new(&mut *self.0.stream()).poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream()).poll_shutdown(context)
    }
}
