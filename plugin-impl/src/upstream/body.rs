//! The body of an answer, with a watch on its silence.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use super::direct::ConnectedBody;

/// The stream of a body. Dropping it closes the request upstream.
#[derive(Debug)]
pub struct IncomingBody {
    source: Source,
    idle: Duration,
    heard: Instant,
    /// Made at the first silence: most bodies end without one that matters.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Where the pieces come from.
#[derive(Debug)]
pub(super) enum Source {
    Direct(ConnectedBody),
    Proxied(reqwest::Body),
}

impl Source {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        match self {
            Self::Direct(body) => Pin::new(body).poll_frame(context).map_err(|_| StreamFault::Broken),
            Self::Proxied(body) => Pin::new(body).poll_frame(context).map_err(|_| StreamFault::Broken),
        }
    }
}

/// A body that broke before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StreamFault {
    #[error("the upstream broke the stream off")]
    Broken,
    #[error("the upstream was silent for too long")]
    Silent,
}

impl IncomingBody {
    pub(super) fn new(source: Source, idle: Duration) -> Self {
        Self { source, idle, heard: Instant::now(), alarm: None }
    }

    /// Returns the next piece, or none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Reads a short body to its end. Returns none where it breaks off or is longer than `most` bytes.
    pub async fn whole(mut self, most: usize) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await {
            whole.extend_from_slice(&piece.ok()?);
            if whole.len() > most {
                return None;
            }
        }
        Some(whole)
    }

    /// Says whether it is known that nothing more comes.
    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Direct(body) => body.is_end_stream(),
            Source::Proxied(body) => body.is_end_stream(),
        }
    }

    /// Says whether another task hands the pieces over, so that more may be on their way than lie ready.
    pub fn is_handed_over(&self) -> bool {
        matches!(self.source, Source::Proxied(_))
    }

    /// Is ready once nothing has been heard for too long.
    ///
    /// The alarm is not set anew for each piece; when it goes off early it is set to what is left.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let due = self.heard + self.idle;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(alarm.as_mut().poll(context));
            if alarm.deadline() >= due {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(due);
        }
    }
}

impl Stream for IncomingBody {
    type Item = Result<Bytes, StreamFault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.source.poll_frame(context) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(fault))) => return Poll::Ready(Some(Err(fault))),
                Poll::Ready(Some(Ok(frame))) => {
                    self.heard = Instant::now();
                    // Trailers say nothing to agents, and HTTP/1.1 callers cannot take them unasked.
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Poll::Pending => {
                    ready!(self.poll_silence(context));
                    return Poll::Ready(Some(Err(StreamFault::Silent)));
                }
            }
        }
    }
}
