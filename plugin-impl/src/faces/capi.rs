//! The C face: the router for programs in C, or in any language with a C interface.
//!
//! Besides [`abi`](crate::faces::abi), only the C face exports functions. The header
//! `plugin-impl/include/pointsman.h` is made from these sources, and `docs/C-ABI.md` is the contract:
//! ownership, threads and errors.
//!
//! Every function has a panic guard, so a panic becomes an error. No I/O runs on a thread of the host:
//! requests run on the instance's threads, and the host's thread waits for a channel.

mod errors;
mod event_json;
mod event_queue;
mod exchange;
mod extra;
mod request;
mod router;
mod text;

pub use self::errors::{
    POINTSMAN_ERROR_ARGUMENT, POINTSMAN_ERROR_BAD_REQUEST, POINTSMAN_ERROR_CANCELLED, POINTSMAN_ERROR_CLOSED,
    POINTSMAN_ERROR_CONFIG, POINTSMAN_ERROR_INTERNAL, POINTSMAN_ERROR_LISTEN, POINTSMAN_ERROR_UPSTREAM,
    POINTSMAN_OK, pointsman_last_error, pointsman_last_error_code,
};
pub use self::request::{
    Request, pointsman_answer_header, pointsman_answer_header_count, pointsman_answer_header_name,
    pointsman_answer_header_value, pointsman_answer_status, pointsman_cancel, pointsman_fetch,
    pointsman_read, pointsman_request_body, pointsman_request_free, pointsman_request_header,
    pointsman_request_new,
};
pub use self::router::{
    POINTSMAN_C_VERSION, Router, pointsman_c_version, pointsman_claims, pointsman_listen, pointsman_next_log,
    pointsman_next_notice, pointsman_start, pointsman_status, pointsman_stop, pointsman_token,
    pointsman_version,
};
pub use self::text::pointsman_text_free;
