//! A running router, in plain Rust types.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pointsman_api::abi_stable::std_types::RResult;
use pointsman_api::async_ffi::FfiFuture;
use pointsman_api::{Error, PluginBox, Request, Status};

use crate::body::{Answer, panicked};

/// A running router. Clones are handles to one router; dropping the last handle ends the router without
/// waiting.
#[derive(Clone)]
pub struct Router {
    plugin: Arc<PluginBox>,
}

impl Router {
    pub(crate) fn new(plugin: PluginBox) -> Self {
        Self { plugin: Arc::new(plugin) }
    }

    /// Routes a request and yields the head of the answer; the body follows as a stream.
    ///
    /// Dropping the future cancels the request. An answer of the upstream is an [`Answer`] of any status. A
    /// refusal of the router is an [`Answer`], too: a 429 in the caller's wire format.
    ///
    /// # Errors
    /// See [`Plugin::fetch`](pointsman_api::Plugin::fetch).
    pub fn fetch(&self, request: Request) -> impl Future<Output = Result<Answer, Error>> + Send + use<> {
        let head = fenced(self.plugin.fetch(request));
        async { head.await.map(Answer::from) }
    }

    /// Returns the state of all accounts, also after a shutdown.
    ///
    /// # Errors
    /// [`ErrorCode::INTERNAL`](pointsman_api::ErrorCode::INTERNAL) for a bug.
    pub fn status(&self) -> Result<Status, Error> {
        self.plugin.status().into_result()
    }

    /// Serves the HTTP face and returns the bound address.
    ///
    /// `address` is `HOST:PORT` (port 0 for a free port), `unix:PATH`, or empty for the configured address.
    ///
    /// # Errors
    /// [`ErrorCode::LISTEN`](pointsman_api::ErrorCode::LISTEN) for a malformed or occupied address.
    pub fn listen(&self, address: &str) -> Result<String, Error> {
        self.plugin.listen(address.into()).into_result().map(String::from)
    }

    /// Refuses new requests, lets open requests finish for `grace`, then cuts the rest.
    ///
    /// # Errors
    /// See [`Plugin::shutdown`](pointsman_api::Plugin::shutdown).
    pub fn shutdown(&self, grace: Duration) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        fenced(self.plugin.shutdown(grace))
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Router")
    }
}

/// Awaits a future of the plugin. A panic in the future would be raised again in the poller; here it
/// becomes an error of the request.
async fn fenced<T>(mut future: FfiFuture<RResult<T, Error>>) -> Result<T, Error> {
    let poll = |context: &mut std::task::Context<'_>| {
        let poll = || Pin::new(&mut future).poll(context);
        catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|_| Poll::Ready(RResult::RErr(panicked())))
    };
    poll_fn(poll).await.into_result()
}

#[cfg(test)]
mod tests {
    use pointsman_api::abi_stable::sabi_trait::TD_Opaque;
    use pointsman_api::abi_stable::std_types::{RResult, RString, RVec};
    use pointsman_api::async_ffi::FutureExt;
    use pointsman_api::{ErrorCode, Extensions, Headers, Plugin, Response};

    use super::*;
    use crate::body::tests::{body, ready};

    /// A plugin that answers with the URL it was asked for, and panics at "panic:".
    struct Echo;

    impl Plugin for Echo {
        fn fetch(&self, request: Request) -> FfiFuture<RResult<Response, Error>> {
            async move {
                assert!(!request.url.starts_with("panic:"), "a bug of the plugin");
                let headers: Headers = [("x-url", request.url.as_bytes())].into_iter().collect();
                let body = body([Ok("whole")]);
                RResult::ROk(Response { status: 200, headers, body, extensions: Extensions::new() })
            }
            .into_ffi()
        }

        fn status(&self) -> RResult<Status, Error> {
            RResult::ROk(Status {
                version: "0.0.0".into(),
                now_unix_ms: 0,
                accounts: RVec::new(),
                counters: RVec::new(),
                extensions: Extensions::new(),
            })
        }

        fn listen(&self, address: RString) -> RResult<RString, Error> {
            RResult::RErr(Error::new(ErrorCode::LISTEN, format!("{address} is taken")))
        }

        fn shutdown(&self, _: u64) -> FfiFuture<RResult<(), Error>> {
            async { RResult::ROk(()) }.into_ffi()
        }
    }

    fn router() -> Router {
        Router::new(PluginBox::from_value(Echo, TD_Opaque))
    }

    #[test]
    fn an_answer_has_head_and_body() {
        let answer = ready(router().fetch(Request::post("http://a/", ""))).expect("an answer");
        assert_eq!((answer.status, answer.headers.text("X-URL")), (200, Some("http://a/")));
        assert_eq!(ready(answer.body.read_to_end()), Ok(b"whole".to_vec()));
    }

    #[test]
    fn a_panic_of_the_plugin_is_an_error_of_one_request() {
        let router = router();
        let lost = ready(router.fetch(Request::post("panic:", ""))).expect_err("a panic");
        assert_eq!(lost.code, ErrorCode::INTERNAL);
        assert!(ready(router.fetch(Request::post("http://a/", ""))).is_ok());
    }

    #[test]
    fn errors_keep_their_code_and_text() {
        let error = router().listen("127.0.0.1:1").expect_err("taken");
        assert_eq!((error.code, error.to_string().as_str()), (ErrorCode::LISTEN, "127.0.0.1:1 is taken"));
    }

    #[test]
    fn the_future_does_not_hold_the_router() {
        let future = router().fetch(Request::post("http://a/", ""));
        assert!(ready(future).is_ok());
    }
}
