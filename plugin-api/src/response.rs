//! The answer to a call: the head at once, the body as a stream.

use abi_stable::StableAbi;
use abi_stable::sabi_trait;
use abi_stable::std_types::{RBox, ROption, RResult, RVec};
use async_ffi::{FfiContext, FfiPoll};

use crate::error::Error;
use crate::headers::{Extensions, Headers};

/// The head of an answer, and the stream of the body.
#[repr(C)]
#[derive(StableAbi)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: BodyBox,
    pub extensions: Extensions,
}

/// The result of a poll of a [`Body`]: bytes, an error, or the end.
pub type Chunk = ROption<RResult<RVec<u8>, Error>>;

/// The body of an answer.
///
/// Without polls the upstream pauses (back-pressure); dropping a body closes the upstream request. An
/// error means a broken upstream and has to reach the agent as a break, never as a clean end.
#[sabi_trait]
pub trait Body: Send + 'static {
    /// Polls for the next bytes. After the end or an error it yields the end.
    #[sabi(last_prefix_field)]
    fn poll_next(&mut self, context: &mut FfiContext<'_>) -> FfiPoll<Chunk>;
}

/// A body, as held by the host.
pub type BodyBox = Body_TO<RBox<()>>;
