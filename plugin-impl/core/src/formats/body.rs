//! Request bodies, read lazily and without a parse.
//!
//! The router forwards bodies unchanged, so a tree of values is unnecessary. The router reads the model,
//! the stream flag and a few ids. These are top-level members, and `model` is often the first. [`json`]
//! steps over members and jumps over values; [`peek()`] and [`model`] stop at the last wanted member;
//! [`with_model`] replaces one value and copies every other byte.
//!
//! Jumped-over bytes are delimited, not validated: the upstream judges its own requests.

mod batch;
mod form;
pub mod json;
mod peek;
mod rename;
mod unbound;

pub use batch::{model_of_requests, with_model_in_requests};
pub use form::model_in_form;
pub use json::NotJson;
pub use peek::{Peek, Wanted, model, names_model_twice, peek, peek_and_show, text_field};
pub use rename::with_model;
pub use unbound::unbound;
