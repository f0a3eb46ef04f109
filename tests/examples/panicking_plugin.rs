//! A library with a bug at every entry, behind the plugin's own fence.
//!
//! Its image has a copy of the whole plugin too, so it can be loaded as one from a path of its own.

#![expect(unsafe_code, reason = "the test asks for the broken router through a plain function")]

use std::panic;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pointsman_loader::api::abi_stable::std_types::RString;
use pointsman_loader::api::{Error, PluginBox, Request, Status};
use pointsman_plugin::faces::abi::export::{Service, export};
use pointsman_plugin::runtime::answer::{Answer, AnswerBody, Relay};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::TaskTracker;

/// Makes a router of which everything panics.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn panicking_plugin() -> PluginBox {
    // The panics are the point; nobody has to read of them.
    panic::set_hook(Box::new(|_| {}));
    let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("a thread can be had");
    export(Arc::new(Panicking { runtime, tasks: TaskTracker::new() }))
}

struct Panicking {
    runtime: Runtime,
    tasks: TaskTracker,
}

impl Service for Panicking {
    async fn fetch(&self, request: Request) -> Result<Answer, Error> {
        assert!(request.url.ends_with("/stream"), "a bug in fetch");
        let relay = Relay::new([Bytes::from_owner(Bomb)].into(), None, Arc::default()).unwrapping();
        let body = AnswerBody::Relay(Box::new(relay));
        Ok(Answer { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body })
    }

    fn status(&self) -> Result<Status, Error> {
        panic!("a bug in status")
    }

    fn listen(&self, _: &str) -> Result<RString, Error> {
        panic!("a bug in listen")
    }

    async fn shut_down(&self, _: Duration) -> Result<(), Error> {
        panic!("a bug in shutdown")
    }

    fn spawner(&self) -> Option<(Handle, TaskTracker)> {
        Some((self.runtime.handle().clone(), self.tasks.clone()))
    }
}

/// A piece of a body that panics when it is done with.
struct Bomb;

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        b"data: {}\n\n"
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bug in the middle of a stream")
    }
}
