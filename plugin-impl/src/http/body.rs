//! The body of an answer, in hyper's terms.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};

use crate::edges::upstream::StreamFault;
use crate::runtime::answer::{AnswerBody, Relay};

use super::dashboard::EventStream;

/// A body to a client. Its error makes hyper break the connection, so the client sees a break instead of an
/// end.
pub(super) enum FaceBody {
    Full(Option<Bytes>),
    Relay(Box<Relay>),
    /// Events for the dashboard, until the page is closed or the gateway stops.
    Events(Box<EventStream>),
}

impl From<AnswerBody> for FaceBody {
    fn from(body: AnswerBody) -> Self {
        match body {
            AnswerBody::Full(bytes) => Self::Full(Some(bytes)),
            AnswerBody::Relay(relay) => Self::Relay(relay),
        }
    }
}

impl From<&'static [u8]> for FaceBody {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Full(Some(Bytes::from_static(bytes)))
    }
}

impl From<String> for FaceBody {
    fn from(text: String) -> Self {
        Self::Full(Some(text.into()))
    }
}

impl Body for FaceBody {
    type Data = Bytes;
    type Error = StreamFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        match self.get_mut() {
            Self::Full(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Self::Relay(relay) => {
                let piece = ready!(Pin::new(&mut **relay).poll_next(context));
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
            Self::Events(events) => events.poll_next(context).map(|piece| piece.map(|b| Ok(Frame::data(b)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Relay(_) | Self::Events(_) => SizeHint::default(),
        }
    }
}
