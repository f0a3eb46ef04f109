//! Merges ready pieces.
//!
//! An upstream's burst arrives in one read, but as many pieces. Each piece passed on alone costs a write
//! and a wake-up, so ready pieces are merged. If another task hands pieces over, that task gets one turn of
//! the scheduler to hand over more. There is no timer: a paced stream never waits.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::{Bytes, BytesMut};
use futures_util::task::AtomicWaker;

use crate::edges::upstream::StreamFault;

/// A piece of this size goes alone: a copy would cost more than the saved write.
const LARGE: usize = 8 * 1024;
/// Merged pieces go on at this size.
const ENOUGH: usize = 16 * 1024;

/// The result of a poll of a body.
pub(super) type Piece = Option<Result<Bytes, StreamFault>>;

/// Merges pieces.
#[derive(Debug, Default)]
pub(super) struct Merge {
    /// The first piece, copied only at a second piece.
    first: Bytes,
    more: BytesMut,
    turn: Option<Arc<MergeTurn>>,
    end: Option<Result<(), StreamFault>>,
}

impl Merge {
    /// Polls `upstream` until nothing is ready, plus one turn of the scheduler if another task hands pieces
    /// over.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        is_handed_over: bool,
        mut upstream: impl FnMut(&mut Context<'_>) -> Poll<Piece>,
    ) -> Poll<Piece> {
        // Gather pieces that are ready anyway, for fewer and larger writes.
        while self.end.is_none() && self.len() < ENOUGH && self.first.len() < LARGE {
            match upstream(context) {
                Poll::Ready(Some(Ok(piece))) => self.gather(piece),
                Poll::Ready(Some(Err(fault))) => self.end = Some(Err(fault)),
                Poll::Ready(None) => self.end = Some(Ok(())),
                Poll::Pending if self.len() == 0 => return Poll::Pending,
                Poll::Pending => {
                    // Another task hands pieces over: give it one turn to hand over more.
                    if is_handed_over {
                        ready!(self.poll_turn(context));
                    }
                    break;
                }
            }
        }
        if self.len() > 0 {
            return Poll::Ready(Some(Ok(self.take())));
        }
        match self.end {
            // Whoever writes to a socket gets a turn to write what came before the break.
            Some(Err(fault)) => {
                ready!(self.poll_turn(context));
                self.end = Some(Ok(()));
                Poll::Ready(Some(Err(fault)))
            }
            Some(Ok(())) | None => Poll::Ready(None),
        }
    }

    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn gather(&mut self, piece: Bytes) {
        self.turn = None;
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.more.is_empty() {
            self.more.reserve(ENOUGH);
            self.more.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.more.extend_from_slice(&piece);
    }

    fn take(&mut self) -> Bytes {
        self.turn = None;
        if self.more.is_empty() { std::mem::take(&mut self.first) } else { self.more.split().freeze() }
    }

    /// Is ready after every other ready task had its turn.
    ///
    /// Waking itself would not suffice: a pending body may be polled again within the same poll.
    fn poll_turn(&mut self, context: &Context<'_>) -> Poll<()> {
        let turn = self.turn.get_or_insert_with(MergeTurn::begin);
        turn.waker.register(context.waker());
        if !turn.passed.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.turn = None;
        Poll::Ready(())
    }
}

/// A turn of the scheduler.
#[derive(Debug, Default)]
struct MergeTurn {
    passed: AtomicBool,
    waker: AtomicWaker,
}

impl MergeTurn {
    fn begin() -> Arc<Self> {
        let turn = Arc::new(Self::default());
        let waker = Waker::from(turn.clone());
        // The scheduler keeps the waker until it has gone round, whatever becomes of this future.
        let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
        turn
    }
}

impl Wake for MergeTurn {
    fn wake(self: Arc<Self>) {
        self.passed.store(true, Ordering::Release);
        self.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Merges what a script of polls yields, as it is handed over by another task.
    async fn merged(script: Vec<Option<Piece>>) -> Vec<Result<usize, StreamFault>> {
        merged_from(true, script).await
    }

    /// `None` in the script is a pending poll.
    async fn merged_from(
        is_handed_over: bool,
        script: Vec<Option<Piece>>,
    ) -> Vec<Result<usize, StreamFault>> {
        let mut script = VecDeque::from(script);
        let mut merge = Merge::default();
        let mut came = Vec::new();
        loop {
            let piece = std::future::poll_fn(|context| {
                merge.poll(context, is_handed_over, |context| match script.pop_front() {
                    Some(Some(piece)) => Poll::Ready(piece),
                    Some(None) => {
                        context.waker().wake_by_ref();
                        Poll::Pending
                    }
                    None => Poll::Ready(None),
                })
            });
            match piece.await {
                Some(piece) => came.push(piece.map(|bytes| bytes.len())),
                None => return came,
            }
        }
    }

    fn bytes(len: usize) -> Option<Piece> {
        Some(Some(Ok(vec![b'x'; len].into())))
    }

    #[tokio::test]
    async fn pieces_that_are_ready_go_on_together() {
        assert_eq!(merged(vec![bytes(10), bytes(20), bytes(30)]).await, [Ok(60)]);
    }

    #[tokio::test]
    async fn what_was_gathered_goes_on_after_one_turn() {
        let silence = || vec![None; 8];
        let script = [vec![bytes(10)], silence(), vec![bytes(20)], silence()].concat();
        assert_eq!(merged(script).await, [Ok(10), Ok(20)]);
    }

    #[tokio::test]
    async fn what_nobody_hands_over_does_not_wait_for_a_turn() {
        let script = || vec![bytes(10), None, bytes(20), None];
        assert_eq!(merged_from(false, script()).await, [Ok(10), Ok(20)]);
        assert_eq!(merged_from(true, script()).await, [Ok(30)]);
    }

    #[tokio::test]
    async fn large_pieces_and_large_heaps_do_not_wait() {
        assert_eq!(merged(vec![bytes(LARGE), bytes(10)]).await, [Ok(LARGE), Ok(10)]);
        let pieces = merged(vec![bytes(1_000); 20]).await;
        assert_eq!(pieces, [Ok(17_000), Ok(3_000)]);
    }

    #[tokio::test]
    async fn a_break_comes_after_what_came_before_it() {
        let broken = Some(Some(Err(StreamFault::Broken)));
        assert_eq!(merged(vec![bytes(10), broken]).await, [Ok(10), Err(StreamFault::Broken)]);
    }
}
