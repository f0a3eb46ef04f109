//! Bodies for hosts to poll.

use std::panic::{AssertUnwindSafe, catch_unwind};

use abi_stable::std_types::{ROption, RResult, RVec};
use async_ffi::{FfiContext, FfiPoll};
use bytes::Bytes;
use pointsman_api::{Body, Chunk, Error, ErrorCode};
use tokio::sync::mpsc::Receiver;
use tokio::task::AbortHandle;

use super::panic_guard::caught;

/// The most pieces ready for the host. More pieces make a saturated stream cheaper, up to a measured point;
/// fewer pieces use less memory.
pub(super) const DEPTH: usize = 48;

/// The receiving end of a channel filled by a task of ours.
pub(super) struct Piped {
    pub(super) pieces: Receiver<Result<Bytes, Error>>,
    /// Ends the pump on the drop of the body by the host.
    pub(super) _task: AbortOnDrop,
    pub(super) ended: bool,
}

/// A body already complete.
pub(super) struct Whole(pub(super) Option<Bytes>);

/// Aborts the task, and so the upstream request, on the caller's drop.
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

/// Converts the bytes, without a copy if the bytes have no second owner.
fn chunk(bytes: Bytes) -> RVec<u8> {
    Vec::from(bytes).into()
}

/// Returns the error for a pump gone without an error: the instance was dropped.
pub(super) fn gone() -> Error {
    Error::new(ErrorCode::CLOSED, "the plugin has been shut down")
}
