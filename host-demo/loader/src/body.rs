//! The answer to a call: a head, and a body as an ordinary stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use pointsman_api::abi_stable::std_types::{ROption, RResult};
use pointsman_api::async_ffi::{ContextExt, FfiPoll};
use pointsman_api::{BodyBox, Chunk, Error, ErrorCode, Extensions, Headers, Response};

/// The head of an answer and the stream of its body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub extensions: Extensions,
    pub body: BodyStream,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let Response { status, headers, body, extensions } = response;
        Self { status, headers, extensions, body: BodyStream(body) }
    }
}

/// The body of an answer, in chunks without a copy.
///
/// Without polls the upstream pauses; dropping a body closes the upstream request. An error means a broken
/// upstream: pass the error on as a break, never as a clean end.
pub struct BodyStream(BodyBox);

/// A trait object of abi_stable is not `Unpin`. This type is: the polled object is behind a box, and
/// nothing here is pinned.
impl Unpin for BodyStream {}

impl BodyStream {
    /// Waits for the next chunk; none at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    /// The error of a broken stream; earlier chunks are dropped.
    pub async fn read_to_end(mut self) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.next().await {
            whole.extend_from_slice(&chunk?);
        }
        Ok(whole)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match context.with_ffi_context(|context| self.0.poll_next(context)) {
            FfiPoll::Ready(chunk) => Poll::Ready(take(chunk)),
            FfiPoll::Pending => Poll::Pending,
            FfiPoll::Panicked => Poll::Ready(Some(Err(panicked()))),
        }
    }
}

impl Stream for BodyStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyStream")
    }
}

fn take(chunk: Chunk) -> Option<Result<Bytes, Error>> {
    match chunk {
        ROption::RSome(RResult::ROk(bytes)) => Some(Ok(Bytes::from_owner(bytes))),
        ROption::RSome(RResult::RErr(error)) => Some(Err(error)),
        ROption::RNone => None,
    }
}

/// The error for a panic outside of the plugin's panic guard.
pub(crate) fn panicked() -> Error {
    Error::new(ErrorCode::INTERNAL, "the plugin panicked; the request is lost, others are not affected")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;
    use std::task::Waker;

    use pointsman_api::abi_stable::sabi_trait::TD_Opaque;
    use pointsman_api::abi_stable::std_types::RVec;
    use pointsman_api::async_ffi::FfiContext;

    use super::*;

    struct Script(VecDeque<Result<&'static str, Error>>);

    impl pointsman_api::Body for Script {
        fn poll_next(&mut self, _: &mut FfiContext<'_>) -> FfiPoll<Chunk> {
            FfiPoll::Ready(match self.0.pop_front() {
                Some(Ok(text)) => ROption::RSome(RResult::ROk(RVec::from(text.as_bytes()))),
                Some(Err(error)) => ROption::RSome(RResult::RErr(error)),
                None => ROption::RNone,
            })
        }
    }

    /// A body that yields `chunks` and is always ready.
    pub(crate) fn body(chunks: impl IntoIterator<Item = Result<&'static str, Error>>) -> BodyBox {
        BodyBox::from_value(Script(chunks.into_iter().collect()), TD_Opaque)
    }

    /// Polls a future that has nothing to wait for.
    pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
        let mut context = Context::from_waker(Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the future waits"),
        }
    }

    #[test]
    fn chunks_come_in_order_and_then_the_end() {
        let mut stream = BodyStream(body([Ok("data: 1"), Ok("data: 2")]));
        assert_eq!(ready(stream.next()), Some(Ok("data: 1".into())));
        assert_eq!(ready(stream.next()), Some(Ok("data: 2".into())));
        assert_eq!(ready(stream.next()), None);
    }

    #[test]
    fn a_broken_stream_is_an_error_and_never_a_short_body() {
        let broken = Error::new(ErrorCode::UPSTREAM, "connection reset");
        let stream = BodyStream(body([Ok("data: 1"), Err(broken.clone())]));
        assert_eq!(ready(stream.read_to_end()), Err(broken));
    }
}
