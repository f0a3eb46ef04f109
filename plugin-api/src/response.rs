//! The answer to a call: its head at once, its body as a stream.

use abi_stable::StableAbi;
use abi_stable::sabi_trait;
use abi_stable::std_types::{RBox, ROption, RResult, RVec};
use async_ffi::{FfiContext, FfiPoll};

use crate::error::Error;
use crate::headers::{Extensions, Headers};

/// The head of an answer, and the stream of its body.
#[repr(C)]
#[derive(StableAbi)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: BodyBox,
    pub extensions: Extensions,
}

/// What a poll of a [`Body`] yields: bytes, an error that breaks the stream, or its end.
pub type Chunk = ROption<RResult<RVec<u8>, Error>>;

/// The body of an answer.
///
/// Not polling holds the upstream back; dropping it closes the upstream request. An error means that
/// the upstream broke off, and has to reach the agent as a break, never as a clean end.
#[sabi_trait]
pub trait Body: Send + 'static {
    /// Polls for the next bytes. After the end or an error it yields the end.
    #[sabi(last_prefix_field)]
    fn poll_next(&mut self, context: &mut FfiContext<'_>) -> FfiPoll<Chunk>;
}

/// A body, as the host holds it.
pub type BodyBox = Body_TO<RBox<()>>;
