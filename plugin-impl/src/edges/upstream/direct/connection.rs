//! A connection, polled by the task waiting for the answer.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Origin;
use super::heard::{Ear, Heard};
use super::idle_pool::IdlePool;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
/// The reader and writer of a connection, active only when polled.
type Driver = http1::Connection<TokioIo<Heard<TokioIo<Stream>>>, Full<Bytes>>;

/// An idle connection.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Box<Driver>,
    origin: Origin,
    ear: Ear,
}

/// A connection lost before the answer's head was complete.
pub(super) enum Lost {
    /// The connection closed, and not a byte of an answer had come.
    Closed(hyper::Error),
    Broken(hyper::Error),
}

impl Lost {
    fn of(error: hyper::Error, ear: &Ear) -> Self {
        let was_closed = error.is_canceled() || error.is_incomplete_message() || is_closing(&error);
        if was_closed && !ear.has_heard() { Self::Closed(error) } else { Self::Broken(error) }
    }

    pub(super) const fn error(&self) -> &hyper::Error {
        match self {
            Self::Closed(error) | Self::Broken(error) => error,
        }
    }
}

/// Returns whether an error is the system's report of a close by the peer.
fn is_closing(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        matches!(cause.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
    })
}

impl Connection {
    pub(super) async fn new(stream: Stream, origin: Origin) -> hyper::Result<Self> {
        let ear = Ear::default();
        let stream = TokioIo::new(Heard::new(TokioIo::new(stream), ear.clone()));
        let (sender, driver) = http1::handshake(stream).await?;
        Ok(Self { sender, driver: Box::new(driver), origin, ear })
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a request and waits for the answer's head. The connection then moves into the body, and from
    /// the body to the idle pool.
    pub(super) async fn ask(
        mut self,
        request: Request<Full<Bytes>>,
        idle_pool: &Arc<IdlePool>,
    ) -> Result<Response<ConnectedBody>, Lost> {
        self.ear.forget();
        let mut head = pin!(self.sender.send_request(request));
        let mut driver = Some(&mut self.driver);
        // The task that waits also drives the connection: no second task, no handover.
        let head = poll_fn(|context| {
            // What it has to say about an end it says in place of the head.
            if driver.as_mut().is_some_and(|driver| Pin::new(&mut ***driver).poll(context).is_ready()) {
                driver = None;
            }
            head.as_mut().poll(context)
        });
        let response = head.await.map_err(|error| Lost::of(error, &self.ear))?;
        let idle_pool = idle_pool.clone();
        Ok(response.map(|incoming| ConnectedBody {
            incoming,
            has_begun: false,
            connection: Some(self),
            idle_pool,
        }))
    }

    /// Returns whether another request can be sent. No request may be in flight.
    pub(super) fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut *self.driver).poll(&mut context).is_pending() && self.sender.is_ready()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The body of an answer, with the connection.
///
/// At the end of the body the connection goes back to the idle pool. An early drop closes the connection.
#[derive(Debug)]
pub(in crate::edges::upstream) struct ConnectedBody {
    incoming: Incoming,
    /// Whether the body was polled before. The first poll may find bytes read together with the head.
    has_begun: bool,
    /// The connection; `None` after the end or after the return to the pool.
    connection: Option<Connection>,
    idle_pool: Arc<IdlePool>,
}

impl ConnectedBody {
    /// Lets the connection read on, and takes the bytes read.
    ///
    /// The body is polled right after the connection, so the body needs no waker of its own.
    fn poll_incoming(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut of_nobody = Context::from_waker(Waker::noop());
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        // Bytes that came with the head wait in the body already.
        if is_first && let ready @ Poll::Ready(_) = Pin::new(&mut self.incoming).poll_frame(&mut of_nobody) {
            return ready;
        }
        if let Some(connection) = &mut self.connection
            && Pin::new(&mut *connection.driver).poll(context).is_ready()
        {
            // Whatever it was, it is told by what comes next.
            self.connection = None;
        }
        Pin::new(&mut self.incoming).poll_frame(&mut of_nobody)
    }

    fn give_back(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.is_open()
        {
            self.idle_pool.put(connection);
        }
    }
}

impl Body for ConnectedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = self.poll_incoming(context);
        match frame {
            Poll::Ready(None) => self.give_back(),
            // What has broken is of no more use.
            Poll::Ready(Some(Err(_))) => self.connection = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ConnectedBody {
    /// Returns the connection of a finished body: a reader who knows the length does not poll for the end.
    fn drop(&mut self) {
        if self.incoming.is_end_stream() {
            self.give_back();
        }
    }
}
