//! The requests of one connection that are under way, each from its head to the end of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use crate::edges::upstream::StreamFault;

use super::body::FaceBody;
use super::socket::{Connected, Socket};

/// An answer that lies ready reaches a client that closes its side right after asking.
const PARTING: Duration = Duration::from_millis(500);

/// How often the client of a request under way is asked for.
const AGAIN: Duration = Duration::from_secs(1);

/// Counts them.
#[derive(Clone, Debug, Default)]
pub(super) struct Ongoing {
    count: Arc<AtomicUsize>,
    /// Hears that the first one begins.
    begun: Arc<Notify>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Ongoing {
    pub(super) fn begin(&self) -> Counted {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_one();
        Counted(self.count.clone())
    }

    fn is_none(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Waits until the client has left while a request of it is under way. A connection without a request costs
    /// nothing.
    pub(super) async fn abandoned<S: Connected>(&self, socket: &Socket<S>) {
        loop {
            self.begun.notified().await;
            while !self.is_none() {
                tokio::time::sleep(AGAIN).await;
                if socket.has_left() && self.outlives(PARTING).await {
                    return;
                }
            }
        }
    }

    async fn outlives(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        !self.is_none()
    }

    /// Waits until nothing is under way at two looks in a row, and nothing is left to be written. What then stands in
    /// the way of closing the connection is a request whose head is not whole.
    pub(super) async fn over<S>(&self, socket: &Socket<S>) {
        let mut looks = 0;
        while looks < 2 {
            tokio::time::sleep(PARTING / 2).await;
            looks = if self.is_none() && !socket.is_full() { looks + 1 } else { 0 };
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, whose request is under way until it ends.
pub(super) struct CountedBody {
    pub(super) body: FaceBody,
    pub(super) _counted: Counted,
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = StreamFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
