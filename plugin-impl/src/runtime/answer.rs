//! Answers: a head, and a full or relayed body.

mod held;
mod merge;
mod recorder;
mod watch;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode};
use pointsman_core::formats::envelope::Unwrapper;
use pointsman_core::reporting::keep_alive::KeepAlive;

use crate::counters::Counters;
use crate::edges::upstream::{IncomingBody, StreamFault};

use self::held::{Held, Next};
use self::merge::{Merge, Piece};

pub use self::held::Serving;
pub use self::recorder::Recorder;
pub use self::watch::Watch;

/// An answer to a caller.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: AnswerBody,
}

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody {
    /// The complete body.
    Full(Bytes),
    /// A body from an upstream, piece by piece.
    Relay(Box<Relay>),
}

/// A body on its way from an upstream to a caller.
///
/// The body holds the request's lease, so a stream counts until its end. Dropping the body closes the
/// request upstream. A broken upstream ends the body in an error, never in a clean end.
#[derive(Debug)]
pub struct Relay {
    source: BodySource,
    merge: Merge,
    recorder: Option<Recorder>,
    unwrapper: Option<Unwrapper>,
    /// The request is still being served.
    waits: Option<Box<Held>>,
}

/// The source of pieces, with everything kept until their end.
#[derive(Debug)]
struct BodySource {
    /// Pieces read before the head was delivered.
    held: VecDeque<Bytes>,
    body: Option<IncomingBody>,
    watch: Option<Watch>,
    counters: Arc<Counters>,
}

impl Relay {
    /// Relays `held`, then the rest of `body`.
    pub fn new(held: VecDeque<Bytes>, body: Option<IncomingBody>, counters: Arc<Counters>) -> Self {
        let source = BodySource { held, body, watch: None, counters };
        Self { source, merge: Merge::default(), recorder: None, unwrapper: None, waits: None }
    }

    /// Answers a waiting request with a keep-alive each `rhythm`.
    pub fn held(keep_alive: KeepAlive, rhythm: Duration, serving: Serving, counters: Arc<Counters>) -> Self {
        let waits = Some(Box::new(Held::new(keep_alive, rhythm, serving)));
        Self { waits, ..Self::new(VecDeque::new(), None, counters) }
    }

    /// Removes the envelope from each event.
    #[must_use]
    pub fn unwrapping(mut self) -> Self {
        self.unwrapper = Some(Unwrapper::default());
        self
    }

    /// Shows each piece to a recorder first.
    #[must_use]
    pub fn recording(mut self, recorder: Option<Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Keeps a lease until the end, and watches how that comes.
    #[must_use]
    pub fn holding(mut self, watch: Option<Watch>) -> Self {
        self.source.watch = watch;
        self
    }

    fn poll_merged(&mut self, context: &mut Context<'_>) -> Poll<Piece> {
        let source = &mut self.source;
        let is_handed_over = source.body.as_ref().is_some_and(IncomingBody::is_handed_over);
        let piece = ready!(self.merge.poll(context, is_handed_over, |context| source.poll(context)));
        if let (Some(recorder), Some(Ok(bytes))) = (&mut self.recorder, &piece) {
            recorder.note(bytes);
        }
        Poll::Ready(piece)
    }
}

impl BodySource {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Piece> {
        if let Some(bytes) = self.held.pop_front() {
            self.note(&bytes);
            return Poll::Ready(Some(Ok(bytes)));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let piece = ready!(Pin::new(body).poll_next(context));
        match &piece {
            Some(Ok(bytes)) => self.note(bytes),
            Some(Err(fault)) => {
                self.counters.streams_broken.count();
                self.end(Some(*fault));
            }
            None => self.end(None),
        }
        Poll::Ready(piece)
    }

    fn note(&mut self, piece: &Bytes) {
        self.watch.iter_mut().for_each(|watch| watch.note(piece));
    }

    /// The place is free as soon as the stream is over, not when the caller has read it.
    fn end(&mut self, fault: Option<StreamFault>) {
        self.body = None;
        self.watch.take().into_iter().for_each(|watch| watch.end(fault));
    }
}

/// A caller that has read an error may leave before the end.
impl Drop for BodySource {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Stream for Relay {
    type Item = Result<Bytes, StreamFault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // A held request: beats come until there is a stream or a last error event.
        if let Some(waits) = &mut self.waits {
            match ready!(waits.poll(context)) {
                Next::Beat(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Next::Stream(relay) => *self = *relay,
                Next::Last(bytes) => {
                    self.waits = None;
                    return Poll::Ready(Some(Ok(bytes)));
                }
            }
        }
        loop {
            // An envelope may hold back a whole piece, so go on until there is something to hand over.
            let piece = ready!(self.poll_merged(context));
            let Some(unwrapper) = &mut self.unwrapper else { return Poll::Ready(piece) };
            let mut out = Vec::new();
            match piece {
                Some(Ok(bytes)) => unwrapper.push(&bytes, &mut out),
                Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
                None => {
                    unwrapper.finish(&mut out);
                    self.unwrapper = None;
                }
            }
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(out.into())));
            }
        }
    }
}
