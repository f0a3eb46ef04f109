//! An exchange: a request in progress on the instance's threads while a thread of the host waits.
//!
//! The host pulls. A channel is in between, so that every I/O is on our threads, and a full channel holds
//! the upstream back.

use std::any::Any;
use std::ffi::CString;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode, Uri};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::faces::panics;
use crate::instance::{Instance, InstanceError};
use crate::runtime::answer::{Answer, AnswerBody, Relay};
use crate::runtime::call::Call;

use super::errors::{Failure, POINTSMAN_ERROR_INTERNAL, POINTSMAN_ERROR_UPSTREAM};

/// The most pieces ready for the host, as many as behind the Rust interface.
const DEPTH: usize = 48;

/// The head of an answer, as C strings.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Vec<(CString, CString)>,
}

/// The body of an answer in reading.
#[derive(Debug)]
pub(super) struct Reading {
    /// The unread rest of the last piece.
    rest: Bytes,
    pieces: mpsc::Receiver<Bytes>,
    broken: Broken,
}

/// The error at the end of the pieces, if the end is an error. The cell is beside the channel, so that
/// reporting an error never waits for room.
type Broken = Arc<OnceLock<Failure>>;

type Begun = Result<(Head, Reading), Failure>;

/// Begins an exchange and waits for the answer's head.
///
/// # Errors
/// If there is no answer.
pub(super) fn begin(instance: &Arc<Instance>, uri: Uri, call: Call, cancel: &CancellationToken) -> Begun {
    let runtime = instance.handle().ok_or_else(Failure::closed)?;
    let (begun, head) = oneshot::channel();
    let work = work(instance.clone(), uri, call, cancel.clone(), begun);
    instance.tasks().spawn_on(work, &runtime);
    head.blocking_recv().unwrap_or_else(|_| Err(Failure::closed()))
}

impl Reading {
    /// Copies ready bytes into `into`, or waits for bytes. Zero means the end.
    ///
    /// # Errors
    /// If the body broke off, or was cancelled.
    pub(super) fn read(&mut self, into: &mut [u8], cancel: &CancellationToken) -> Result<usize, Failure> {
        while self.rest.is_empty() {
            if cancel.is_cancelled() {
                return Err(Failure::cancelled());
            }
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece,
                None => return self.broken.get().map_or(Ok(0), |failure| Err(failure.clone())),
            }
        }
        let piece = self.rest.split_to(into.len().min(self.rest.len()));
        into[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

/// Serves a request: sends the head to the waiting caller, then pumps the body.
async fn work(
    instance: Arc<Instance>,
    uri: Uri,
    call: Call,
    cancel: CancellationToken,
    begun: oneshot::Sender<Begun>,
) {
    let served = tokio::select! {
        served = AssertUnwindSafe(instance.fetch(&uri, call)).catch_unwind() => served,
        () = cancel.cancelled() => Ok(Err(InstanceError::Closed)),
        () = instance.cut().cancelled() => Ok(Err(InstanceError::Closed)),
    };
    let served = match served {
        _ if cancel.is_cancelled() => Err(Failure::cancelled()),
        Ok(served) => served.map_err(Failure::from),
        Err(panic) => Err(bug(&*panic)),
    };
    let Answer { status, headers, body } = match served {
        Ok(answer) => answer,
        Err(failure) => return drop(begun.send(Err(failure))),
    };
    let (pieces, receiver) = mpsc::channel(DEPTH);
    let broken = Broken::default();
    let (rest, relay) = match body {
        AnswerBody::Full(bytes) => (bytes, None),
        AnswerBody::Relay(relay) => (Bytes::new(), Some(relay)),
    };
    let reading = Reading { rest, pieces: receiver, broken: broken.clone() };
    let wanted = begun.send(Ok((head(status, &headers), reading))).is_ok();
    let (true, Some(relay)) = (wanted, relay) else { return };
    // By the end of this the relay is gone, and with it the request upstream.
    let ended = tokio::select! {
        ended = AssertUnwindSafe(pump(*relay, &pieces)).catch_unwind() => ended,
        () = cancel.cancelled() => Ok(Err(Failure::cancelled())),
        () = instance.cut().cancelled() => Ok(Err(Failure::closed())),
    };
    if let Err(failure) = ended.unwrap_or_else(|panic| Err(bug(&*panic))) {
        // Nobody else says it.
        let _ = broken.set(failure);
    }
}

/// Moves a body into the channel.
async fn pump(mut relay: Relay, pieces: &mpsc::Sender<Bytes>) -> Result<(), Failure> {
    while let Some(piece) = relay.next().await {
        let piece = piece.map_err(|fault| Failure::new(POINTSMAN_ERROR_UPSTREAM, fault.to_string()))?;
        if pieces.send(piece).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn bug(panic: &(dyn Any + Send)) -> Failure {
    Failure::new(POINTSMAN_ERROR_INTERNAL, panics::text(panic))
}

/// Converts a head. HTTP allows no zero in a header, so no header is lost.
fn head(status: StatusCode, headers: &HeaderMap) -> Head {
    let text = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    let headers =
        headers.iter().map(|(name, value)| (text(name.as_str().as_bytes()), text(value.as_bytes())));
    Head { status: status.as_u16(), headers: headers.collect() }
}
