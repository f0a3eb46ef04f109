//! Exports: a service of ours as a trait object for hosts.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use abi_stable::std_types::{RResult, RString};
use abi_stable::type_level::downcasting::TD_Opaque;
use async_ffi::{FfiFuture, FutureExt as _};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use pointsman_api::plugin::Plugin_TO;
use pointsman_api::response::Body_TO;
use pointsman_api::{BodyBox, Error, ErrorCode, Extensions, Plugin, PluginBox, Request, Response, Status};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::runtime::answer::{Answer, AnswerBody, Relay};

use super::body::{AbortOnDrop, DEPTH, Piped, Whole, gone};
use super::convert;
use super::panic_guard::{caught, panic_guard};

/// The service behind the boundary. Any method may panic.
pub trait Service: Send + Sync + 'static {
    /// Serves a request.
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Answer, Error>> + Send;
    /// Returns the state of every account.
    fn status(&self) -> Result<Status, Error>;
    /// Serves the HTTP face.
    fn listen(&self, address: &str) -> Result<RString, Error>;
    /// Shuts the service down within `grace`.
    fn shut_down(&self, grace: Duration) -> impl Future<Output = Result<(), Error>> + Send;
    /// Returns the runtime's handle and the tracker of work, or `None` once the instance is gone.
    fn spawner(&self) -> Option<(tokio::runtime::Handle, TaskTracker)>;
    /// Completes at the time for work in flight to end at once.
    fn cut(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
    /// Ends everything at once: the host has dropped the service.
    fn abandon(&self) {}
}

/// Makes a service callable by hosts.
pub fn export<S: Service>(service: Arc<S>) -> PluginBox {
    Plugin_TO::from_value(Exported(service), TD_Opaque)
}

struct Exported<S: Service>(Arc<S>);

impl<S: Service> Drop for Exported<S> {
    fn drop(&mut self) {
        // Streams under way hold the service as well, so its own drop would come too late.
        let _ = catch_unwind(AssertUnwindSafe(|| self.0.abandon()));
    }
}

/// The head of an answer, with the whole body or the channel of the body.
type Begun = (convert::AbiHead, Result<Bytes, mpsc::Receiver<Result<Bytes, Error>>>);

impl<S: Service> Plugin for Exported<S> {
    fn fetch(&self, request: Request) -> FfiFuture<RResult<Response, Error>> {
        let service = self.0.clone();
        let Some((runtime, tasks)) = service.spawner() else {
            return std::future::ready(Err(gone()).into()).into_ffi();
        };
        let (begun, head) = oneshot::channel();
        let task = tasks.spawn_on(work(service, request, begun), &runtime);
        let task = AbortOnDrop(task.abort_handle());
        async move { head.await.unwrap_or_else(|_| Err(gone())).map(|begun| response(begun, task)).into() }
            .into_ffi()
    }

    fn status(&self) -> RResult<Status, Error> {
        panic_guard(|| self.0.status())
    }

    fn listen(&self, address: RString) -> RResult<RString, Error> {
        panic_guard(|| self.0.listen(&address))
    }

    fn shutdown(&self, grace_ms: u64) -> FfiFuture<RResult<(), Error>> {
        let service = self.0.clone();
        let Some((runtime, _)) = service.spawner() else {
            return std::future::ready(Ok(()).into()).into_ffi();
        };
        let ending = runtime.spawn(async move { service.shut_down(Duration::from_millis(grace_ms)).await });
        async move {
            let ended = ending.await;
            ended.unwrap_or_else(|error| Err(Error::new(ErrorCode::INTERNAL, error.to_string()))).into()
        }
        .into_ffi()
    }
}

/// Serves a request: sends the head to the waiting caller, then pumps the body.
async fn work<S: Service>(service: Arc<S>, request: Request, begun: oneshot::Sender<Result<Begun, Error>>) {
    let served = tokio::select! {
        served = AssertUnwindSafe(service.fetch(request)).catch_unwind() => served,
        () = service.cut() => Ok(Err(gone())),
    };
    let answer = match served {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return drop(begun.send(Err(error))),
        Err(panic) => return drop(begun.send(Err(caught(&*panic)))),
    };
    let head = convert::head(&answer);
    match answer.body {
        AnswerBody::Full(bytes) => drop(begun.send(Ok((head, Ok(bytes))))),
        AnswerBody::Relay(relay) => {
            let (pieces, receiver) = mpsc::channel(DEPTH);
            // A caller that is gone has aborted this task, or will at once.
            if begun.send(Ok((head, Err(receiver)))).is_ok() {
                tokio::select! {
                    () = pump(*relay, pieces.clone()) => {}
                    // The relay is gone by now, and with it the request upstream.
                    () = service.cut() => drop(pieces.send(Err(gone())).await),
                }
            }
        }
    }
}

/// Moves a body into the channel. A full channel holds the upstream back.
async fn pump(mut relay: Relay, pieces: mpsc::Sender<Result<Bytes, Error>>) {
    let ended = AssertUnwindSafe(async {
        while let Some(piece) = relay.next().await {
            let piece = piece.map_err(|fault| Error::new(ErrorCode::UPSTREAM, fault.to_string()));
            let broken = piece.is_err();
            if pieces.send(piece).await.is_err() || broken {
                return;
            }
        }
    });
    if let Err(panic) = ended.catch_unwind().await {
        let _ = pieces.send(Err(caught(&*panic))).await;
    }
}

fn response((head, body): Begun, task: AbortOnDrop) -> Response {
    let body: BodyBox = match body {
        Ok(whole) => Body_TO::from_value(Whole(Some(whole)), TD_Opaque),
        Err(pieces) => Body_TO::from_value(Piped { pieces, _task: task, ended: false }, TD_Opaque),
    };
    Response { status: head.status, headers: head.headers, body, extensions: Extensions::new() }
}
