//! An answer's body on its way: paced, and harmed where a fault says so.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::fault::Moment;
use crate::ledger::Ending;
use crate::line::Fate;
use crate::pace::{Jitter, Pace};
use crate::refusal::Refusal;
use crate::source::Source;
use crate::story::Event;
use crate::visit::Visit;

#[derive(Debug)]
pub(crate) struct Delivery {
    source: Source,
    rhythm: Option<Rhythm>,
    pause: Option<Pin<Box<Sleep>>>,
    breaks: Option<Break>,
    /// The visit's ending once the source is over.
    ending: Ending,
    events: u64,
    contents: u64,
    visit: Visit,
}

/// Where and how a body breaks.
#[derive(Debug)]
pub(crate) struct Break {
    pub(crate) at: Moment,
    pub(crate) how: How,
}

#[derive(Debug)]
pub(crate) enum How {
    /// The connection is reset, where it carries nothing else (HTTP/1).
    Cut(Option<Arc<Fate>>),
    /// As [`How::Cut`], after what was sent so far has had its turn to go out.
    Cutting(Option<Arc<Fate>>),
    Eof,
    Stall,
    /// An error event, made for its place in the stream.
    Error(Refusal),
}

/// The waits between content events.
#[derive(Debug)]
pub(crate) struct Rhythm {
    gap: Duration,
    extra: Duration,
    jitter: Jitter,
}

impl Rhythm {
    /// None for a burst.
    pub(crate) fn new(pace: &Pace, jitter: Jitter) -> Option<Self> {
        let burst = pace.gap.is_zero() && pace.jitter.is_zero();
        (!burst).then_some(Self { gap: pace.gap, extra: pace.jitter, jitter })
    }

    fn wait(&mut self) -> Duration {
        self.jitter.wait(self.gap, self.extra)
    }
}

impl Delivery {
    /// A sound body.
    pub(crate) fn new(source: Source, visit: Visit) -> Self {
        Self::of(source, None, Ending::Complete, visit)
    }

    /// A body that harm will end.
    pub(crate) fn breaking(source: Source, at: Break, visit: Visit) -> Self {
        Self::of(source, Some(at), Ending::Broken, visit)
    }

    /// A body that is sound by HTTP and not what it should be.
    pub(crate) fn shortened(source: Source, visit: Visit) -> Self {
        Self::of(source, None, Ending::Broken, visit)
    }

    fn of(source: Source, breaks: Option<Break>, ending: Ending, visit: Visit) -> Self {
        let (rhythm, pause) = (None, None);
        let mut delivery = Self { source, rhythm, pause, breaks, ending, events: 0, contents: 0, visit };
        delivery.end_if_over(); // an empty body is never asked for a frame
        delivery
    }

    pub(crate) fn paced(mut self, rhythm: Option<Rhythm>) -> Self {
        self.rhythm = rhythm;
        self
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    fn next(&mut self) -> Option<Bytes> {
        let event = self.source.next();
        if let Some(event) = &event {
            self.count(event);
            self.pause_before_content(event);
        }
        self.end_if_over();
        event.map(|event| event.bytes)
    }

    fn count(&mut self, event: &Event) {
        self.events += 1;
        self.contents += u64::from(event.is_content);
        self.visit.sent(event.bytes.len());
    }

    fn pause_before_content(&mut self, last: &Event) {
        if !last.is_content || !self.source.next_is_content() {
            return;
        }
        if let Some(rhythm) = &mut self.rhythm {
            self.pause = Some(Box::pin(tokio::time::sleep(rhythm.wait())));
        }
    }

    /// The end is recorded before the client can see it, so that its next request finds it recorded.
    fn end_if_over(&mut self) {
        if self.breaks.is_none() && self.source.is_over() {
            self.visit.end(self.ending);
        }
    }

    fn break_is_due(&self) -> bool {
        let Some(Break { at, .. }) = &self.breaks else { return false };
        match (&self.source, *at) {
            (Source::Whole { left, .. }, at) => left.is_empty() || at == Moment::Events(0),
            // A stream shorter than the moment is harmed before its last event: harm is never missed.
            (Source::Story(story), _) if story.next_is_last() => true,
            (Source::Story(_), Moment::Events(after)) => self.events >= after,
            (Source::Story(story), Moment::Content(0)) => story.next_is_content(),
            (Source::Story(_), Moment::Content(after)) => self.contents >= after,
            (Source::Over, _) => false,
        }
    }

    fn poll_break(&mut self, cx: &Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.breaks.take() {
            Some(Break { at, how: How::Cut(fate) }) => {
                // A pending body makes the connection flush; what was sent before the cut arrives.
                self.breaks = Some(Break { at, how: How::Cutting(fate) });
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Break { how: How::Cutting(fate), .. }) => Poll::Ready(Some(Err(self.cut(fate)))),
            Some(Break { at, how: How::Stall }) => {
                self.breaks = Some(Break { at, how: How::Stall });
                Poll::Pending
            }
            Some(Break { how: How::Error(refusal), .. }) => {
                Poll::Ready(self.error(&refusal).map(|bytes| Ok(Frame::data(bytes))))
            }
            Some(Break { how: How::Eof, .. }) | None => {
                self.break_off();
                Poll::Ready(None)
            }
        }
    }

    fn cut(&mut self, fate: Option<Arc<Fate>>) -> io::Error {
        self.break_off();
        if let Some(fate) = fate {
            fate.reset();
        }
        io::Error::new(io::ErrorKind::ConnectionReset, "the script cuts this answer")
    }

    fn error(&mut self, refusal: &Refusal) -> Option<Bytes> {
        let Source::Story(story) = &self.source else { return None };
        let event = Bytes::from(story.reply().error(refusal, self.events));
        self.visit.sent(event.len());
        self.break_off();
        Some(event)
    }

    fn break_off(&mut self) {
        self.source = Source::Over;
        self.visit.end(Ending::Broken);
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        ready!(self.poll_pause(cx));
        if self.break_is_due() {
            return self.poll_break(cx);
        }
        Poll::Ready(self.next().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.breaks.is_none() && self.source.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole { announced, .. } => SizeHint::with_exact(*announced),
            Source::Story(_) => SizeHint::default(),
            Source::Over => SizeHint::with_exact(0),
        }
    }
}
