//! Bodies as hosts poll them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::std_types::{ROption, RResult, RVec};
use async_ffi::{FfiContext, FfiPoll};
use bytes::Bytes;
use pointsman_api::{Body, Chunk, Error, ErrorCode};
use tokio::sync::mpsc::Receiver;
use tokio::task::AbortHandle;

use super::fence::caught;

/// Pieces that lie ready for the host at most. More makes a saturated stream cheaper, up to a point that
/// was measured; less bounds memory sooner.
pub(super) const DEPTH: usize = 48;

/// The end of a channel that a task of ours fills.
pub(super) struct Piped {
    pub(super) pieces: Receiver<Result<Bytes, Error>>,
    /// Ends the pump when the host drops the body.
    pub(super) _task: AbortOnDrop,
    pub(super) ended: bool,
}

/// A body of which all is there.
pub(super) struct Whole(pub(super) Option<Bytes>);

/// Ends the task when its caller goes away, and with it the request upstream.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Body for Piped {
    fn poll_next(&mut self, context: &mut FfiContext<'_>) -> FfiPoll<Chunk> {
        if self.ended {
            return FfiPoll::Ready(ROption::RNone);
        }
        let polled =
            catch_unwind(AssertUnwindSafe(|| context.with_context(|context| self.pieces.poll_recv(context))));
        let piece = match polled {
            Ok(std::task::Poll::Pending) => return FfiPoll::Pending,
            Ok(std::task::Poll::Ready(piece)) => piece,
            Err(panic) => Some(Err(caught(&*panic))),
        };
        self.ended = !matches!(piece, Some(Ok(_)));
        FfiPoll::Ready(piece.map(|piece| piece.map(chunk).into()).into())
    }
}

impl Body for Whole {
    fn poll_next(&mut self, _: &mut FfiContext<'_>) -> FfiPoll<Chunk> {
        let bytes = self.0.take().filter(|bytes| !bytes.is_empty());
        FfiPoll::Ready(bytes.map(|bytes| RResult::ROk(chunk(bytes))).into())
    }
}

/// Copies nothing where the bytes have no other owner.
fn chunk(bytes: Bytes) -> RVec<u8> {
    Vec::from(bytes).into()
}

/// The error for a pump that is gone without a word: its instance was dropped.
pub(super) fn gone() -> Error {
    Error::new(ErrorCode::CLOSED, "the plugin has been shut down")
}
