//! Request bodies on their way in: bounded in length, in time, and in the memory that all of them take together.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::edges::config::BodyLimits;
use crate::runtime::body_memory::{BodyMemory, NoRoom, Room};

/// A body whose length is told is given room at once, but not more than this: it may be told wrongly.
const MOST_ROOM: u64 = 1 << 20;
/// How long a body that is refused may go on, unread. A client that is cut off while it sends does not read why.
const LINGER: Duration = Duration::from_secs(5);
/// How long a body may still take once the gateway closes.
const HURRY: Duration = Duration::from_secs(1);

/// All bodies of an instance.
#[derive(Clone, Debug)]
pub struct Uploads {
    memory: BodyMemory,
    closing: CancellationToken,
}

/// Why a body is not taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Unread {
    #[error("the body is longer than {0} bytes; raise `max_body` in pointsman.yaml")]
    TooLong(u64),
    #[error("the body took longer than {}s; raise `body_timeout` in pointsman.yaml", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("the body ended before its end")]
    Cut,
    #[error("the gateway is stopping, and the body was not there yet")]
    Closing,
}

impl Unread {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom(_) | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Cut => StatusCode::BAD_REQUEST,
        }
    }
}

impl Uploads {
    /// Begins without any; `closing` says that no more requests are taken.
    pub fn new(memory: BodyMemory, closing: CancellationToken) -> Self {
        Self { memory, closing }
    }

    /// Reads a body. What its length tells already is refused before it is asked for, so that a client that waits for
    /// `100 Continue` sends nothing in vain.
    pub(super) async fn read<B>(
        &self,
        mut body: B,
        limits: BodyLimits,
        waits_for_continue: bool,
    ) -> Result<(Bytes, Room), Unread>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn StdError + Send + Sync>>> + Send + Unpin + 'static,
    {
        let read = tokio::select! {
            read = tokio::time::timeout(limits.time, self.whole(&mut body, limits)) => {
                read.unwrap_or(Err(Unread::TooSlow(limits.time)))
            }
            () = self.closed() => Err(Unread::Closing),
        };
        if matches!(read, Err(Unread::TooLong(_) | Unread::NoRoom(_))) && !waits_for_continue {
            tokio::spawn(tokio::time::timeout(LINGER, drain(body)));
        }
        read
    }

    async fn whole<B>(&self, body: &mut B, limits: BodyLimits) -> Result<(Bytes, Room), Unread>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let told = body.size_hint().lower();
        let mut room = self.memory.room();
        check(&room, told, limits)?;
        let (mut first, mut more) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(|_| Unread::Cut)?.into_data() else { continue };
            check(&room, room.length() + piece.len() as u64, limits)?;
            room.grow(piece.len() as u64, limits.together)?;
            if first.is_empty() {
                first = piece;
                continue;
            }
            if more.is_empty() {
                more.reserve(told.min(MOST_ROOM) as usize);
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&piece);
        }
        Ok((if more.is_empty() { first } else { more.freeze() }, room))
    }

    /// Waits until the gateway closes, and a moment more.
    async fn closed(&self) {
        self.closing.cancelled().await;
        tokio::time::sleep(HURRY).await;
    }
}

/// Checks a length against the longest, and against what is left of the memory for all.
fn check(room: &Room, length: u64, limits: BodyLimits) -> Result<(), Unread> {
    if length > limits.longest {
        return Err(Unread::TooLong(limits.longest));
    }
    Ok(room.check(length, limits.together)?)
}

async fn drain<B: Body + Unpin>(mut body: B) {
    while let Some(Ok(_)) = body.frame().await {}
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll};

    use futures_util::FutureExt;
    use http_body::{Frame, SizeHint};

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { longest: 100, time: Duration::from_secs(60), together: 150 };

    /// A body of some pieces, which ends or stalls after them, and counts how often it was asked.
    struct Pieces {
        pieces: Vec<&'static [u8]>,
        told: u64,
        ends: bool,
        asked: Arc<AtomicU64>,
    }

    impl Pieces {
        fn new(pieces: &[&'static [u8]], ends: bool) -> Self {
            Self { pieces: pieces.to_vec(), told: 0, ends, asked: Arc::default() }
        }

        fn telling(told: u64) -> Self {
            Self { told, ..Self::new(&[], true) }
        }
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if !self.pieces.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(self.pieces.remove(0))))));
            }
            if self.ends { Poll::Ready(None) } else { Poll::Pending }
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.told)
        }
    }

    fn uploads() -> Uploads {
        Uploads::new(BodyMemory::default(), CancellationToken::new())
    }

    async fn refused(uploads: &Uploads, body: Pieces) -> Unread {
        uploads.read(body, LIMITS, false).await.expect_err("refused")
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_takes_too_long_is_refused() {
        let uploads = uploads();
        let (at, slow) = (tokio::time::Instant::now(), Pieces::new(&[b"begun"], false));
        assert_eq!(refused(&uploads, slow).await, Unread::TooSlow(LIMITS.time));
        assert_eq!(at.elapsed(), LIMITS.time);
        assert_eq!(uploads.memory.taken(), 0, "its memory is free again");
    }

    #[tokio::test]
    async fn a_length_that_is_too_long_is_refused_before_anything_is_asked_for() {
        let body = Pieces::telling(101);
        let asked = body.asked.clone();
        let told = uploads().read(body, LIMITS, true).await.expect_err("refused");
        assert_eq!((told, asked.load(Ordering::Relaxed)), (Unread::TooLong(100), 0));
    }

    #[tokio::test]
    async fn a_body_without_a_length_is_refused_once_it_is_too_long() {
        assert_eq!(refused(&uploads(), Pieces::new(&[&[1; 60], &[1; 60]], true)).await, Unread::TooLong(100));
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_bound_and_give_their_memory_back() {
        let uploads = uploads();
        let full = || Pieces::new(&[&[1; 50], &[1; 50]], true);
        let (bytes, room) = uploads.read(full(), LIMITS, false).await.expect("there is room");
        assert_eq!((bytes.len(), room.length()), (100, 100));
        assert_eq!(refused(&uploads, full()).await, Unread::NoRoom(NoRoom { most: 150 }));
        assert_eq!(refused(&uploads, Pieces::telling(60)).await, Unread::NoRoom(NoRoom { most: 150 }));
        assert_eq!(uploads.memory.taken(), 100);
        drop(room);
        assert!(uploads.read(full(), LIMITS, false).await.is_ok());
    }

    /// Who leaves while the body is read drops what reads it.
    #[tokio::test]
    async fn a_client_that_leaves_gives_its_memory_back() {
        let uploads = uploads();
        let mut reading = Box::pin(uploads.read(Pieces::new(&[&[1; 50]], false), LIMITS, false));
        assert!((&mut reading).now_or_never().is_none());
        assert_eq!(uploads.memory.taken(), 50);
        drop(reading);
        assert_eq!(uploads.memory.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_not_there_yet_does_not_hold_up_the_end() {
        let uploads = uploads();
        uploads.closing.cancel();
        assert_eq!(refused(&uploads, Pieces::new(&[b"begun"], false)).await, Unread::Closing);
    }
}
