//! The body of an answer, with a limit on silence.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use http_body::{Body, Frame};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use super::blank::Blanker;
use super::coding::Decoder;
use super::direct::ConnectedBody;
use super::news::News;

/// The stream of a body. The drop closes the upstream request.
#[derive(Debug)]
pub struct IncomingBody {
    source: Source,
    /// Undoes the content codings.
    decoder: Option<Decoder>,
    /// Set by every wake-up of the reader.
    news: Arc<News>,
    silence: Silence,
    /// How the body broke off. Whoever asks again is told the same, so a break is never taken for an end.
    broken: Option<StreamFault>,
    /// Takes the credential out of what comes.
    blanker: Option<Blanker>,
}

/// The silence of a body.
#[derive(Debug)]
struct Silence {
    most: Duration,
    /// The start of the silence; `None` while pieces come.
    since: Option<Instant>,
    /// The alarm, made at the first silence: most bodies end without a long silence.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The source of the pieces.
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

    /// Returns how long the body is, where its framing told.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Direct(body) => body.size_hint().exact(),
            Self::Proxied(body) => body.size_hint().exact(),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Direct(body) => body.is_end_stream(),
            Self::Proxied(body) => body.is_end_stream(),
        }
    }
}

/// A body broken before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StreamFault {
    #[error("the upstream broke the stream off")]
    Broken,
    #[error("the upstream was silent for too long")]
    Silent,
}

/// Reads a short body to the end. Returns `None` if the body breaks off or exceeds `most` bytes.
pub async fn whole(
    mut body: impl Stream<Item = Result<Bytes, StreamFault>> + Unpin,
    most: usize,
) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await {
        whole.extend_from_slice(&piece.ok()?);
        if whole.len() > most {
            return None;
        }
    }
    Some(whole)
}

impl IncomingBody {
    pub(super) fn new(source: Source, idle: Duration) -> Self {
        let silence = Silence { most: idle, since: None, alarm: None };
        Self { source, decoder: None, blanker: None, news: Arc::default(), silence, broken: None }
    }

    /// Takes the body out of its codings from now on.
    pub(super) fn decoded_by(self, decoder: Option<Decoder>) -> Self {
        Self { decoder, ..self }
    }

    /// Has a credential taken out of all that comes, once it is out of its codings.
    pub(super) fn blank(&mut self, blanker: Blanker) {
        self.blanker = Some(blanker);
    }

    /// Returns whether the body is known to be over.
    pub fn is_over(&self) -> bool {
        let holds_back = self.blanker.as_ref().is_some_and(Blanker::holds_back);
        // The end of a coded body has to be read: a cut shows there.
        let is_coded = self.decoder.is_some();
        self.source.is_end_stream() && self.broken.is_none() && !holds_back && !is_coded
    }

    /// Returns whether another task hands the pieces over. Then more pieces may be on the way than are
    /// ready.
    pub fn is_handed_over(&self) -> bool {
        matches!(self.source, Source::Proxied(_))
    }

    fn look(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamFault>>> {
        while let Some(frame) = ready!(self.source.poll_frame(context)) {
            self.silence.since = None;
            match self.taken(frame) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Err(fault) => return Poll::Ready(Some(self.broke(fault))),
            }
        }
        Poll::Ready(self.rest())
    }

    /// Returns the data of a frame, plain and blanked.
    fn taken(&mut self, frame: Result<Frame<Bytes>, StreamFault>) -> Result<Bytes, StreamFault> {
        // Trailers say nothing to agents, and HTTP/1.1 callers cannot take them unasked.
        let Ok(bytes) = frame?.into_data() else { return Ok(Bytes::new()) };
        let bytes = match &mut self.decoder {
            Some(decoder) => decoder.decode(&bytes).map_err(|_| StreamFault::Broken)?,
            None => bytes,
        };
        Ok(self.blanked(bytes))
    }

    fn blanked(&mut self, bytes: Bytes) -> Bytes {
        match &mut self.blanker {
            Some(blanker) => blanker.pass(bytes),
            None => bytes,
        }
    }

    /// Returns what the decoder and the blanker had left at the end.
    fn rest(&mut self) -> Option<Result<Bytes, StreamFault>> {
        let left = self.decoder.as_mut().map(Decoder::end);
        let Ok(left) = left.transpose() else { return Some(self.broke(StreamFault::Broken)) };
        let left = self.blanked(left.unwrap_or_default());
        if left.is_empty() { self.held_back().map(Ok) } else { Some(Ok(left)) }
    }

    /// Notes a break, which comes after what was held back before it.
    fn broke(&mut self, fault: StreamFault) -> Result<Bytes, StreamFault> {
        self.broken = Some(fault);
        self.held_back().ok_or(fault)
    }

    fn held_back(&mut self) -> Option<Bytes> {
        self.blanker.as_mut().and_then(Blanker::finish)
    }
}

impl Silence {
    /// Completes after too long a silence.
    ///
    /// The alarm is not reset for each piece. After an early alarm, the rest of the silence is awaited.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = *self.since.get_or_insert_with(Instant::now) + self.most;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        loop {
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
        if let Some(fault) = self.broken {
            return Poll::Ready(Some(Err(fault)));
        }
        // No wake-up since the last look: polling the connection would find nothing.
        if !self.news.look(context) {
            return Poll::Pending;
        }
        let waker = Waker::from(self.news.clone());
        let mut told = Context::from_waker(&waker);
        if let Poll::Ready(piece) = self.look(&mut told) {
            return Poll::Ready(piece);
        }
        // Nothing ready: from here on the silence counts.
        if self.silence.poll(&mut told).is_ready() {
            return Poll::Ready(Some(self.broke(StreamFault::Silent)));
        }
        self.news.wait(context);
        Poll::Pending
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A source of given pieces, with a count of polls.
    #[derive(Clone, Default)]
    struct Upstream(Arc<Mutex<Inner>>);

    #[derive(Default)]
    struct Inner {
        asked: usize,
        piece: Option<Bytes>,
        reader: Option<Waker>,
    }

    impl Upstream {
        fn give(&self) {
            let mut inner = self.0.lock().expect("no panic");
            inner.piece = Some("data: {}\n\n".into());
            inner.reader.take().into_iter().for_each(Waker::wake);
        }

        fn asked(&self) -> usize {
            self.0.lock().expect("no panic").asked
        }
    }

    impl Body for Upstream {
        type Data = Bytes;
        type Error = StreamFault;

        fn poll_frame(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
            let mut inner = self.0.lock().expect("no panic");
            inner.asked += 1;
            inner.reader = Some(context.waker().clone());
            inner.piece.take().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
        }
    }

    fn is_pending(body: &mut IncomingBody) -> bool {
        Pin::new(body).poll_next(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    const IDLE: Duration = Duration::from_secs(60);

    fn body() -> (Upstream, IncomingBody) {
        let upstream = Upstream::default();
        let source = Source::Proxied(reqwest::Body::wrap(upstream.clone()));
        (upstream, IncomingBody::new(source, IDLE))
    }

    #[tokio::test]
    async fn nobody_is_asked_twice_without_news() {
        let (upstream, mut body) = body();
        assert!((0..3).all(|_| is_pending(&mut body)));
        assert_eq!(upstream.asked(), 1);
        upstream.give();
        assert!(!is_pending(&mut body));
        assert!((0..3).all(|_| is_pending(&mut body)));
        assert_eq!(upstream.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_piece_on() {
        let (upstream, mut body) = body();
        for _ in 0..3 {
            assert!(is_pending(&mut body));
            tokio::time::sleep(IDLE * 2 / 3).await;
            upstream.give();
            assert_eq!(body.next().await, Some(Ok("data: {}\n\n".into())));
        }
        let begun = Instant::now();
        assert_eq!(body.next().await, Some(Err(StreamFault::Silent)));
        assert!((IDLE..IDLE * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        upstream.give();
        assert_eq!(body.next().await, Some(Err(StreamFault::Silent)), "a break repeats");
    }

    /// A caller slow to read must not count as a silent upstream.
    #[tokio::test(start_paused = true)]
    async fn while_nobody_asks_it_is_not_silent() {
        let (upstream, mut body) = body();
        upstream.give();
        assert!(!is_pending(&mut body));
        tokio::time::sleep(IDLE * 2).await;
        assert!(is_pending(&mut body));
    }
}
