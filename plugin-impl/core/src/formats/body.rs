//! A request's body, looked into without a parse.
//!
//! Bodies are forwarded as they came, so nobody needs a tree of values: the router asks for the model,
//! for whether the answer streams, and for a few ids. All of them are top-level members, and `model` is
//! often the first. [`json`] steps over members and jumps over values; [`peek()`] and [`model`] stop at
//! the last member that was asked for; [`with_model`] exchanges one value and copies every other byte.
//!
//! What is jumped over is delimited, not validated: the upstream judges its own requests.

pub mod json;
mod peek;
mod rename;

pub use json::NotJson;
pub use peek::{Peek, Wanted, model, peek, peek_and_show, text_field};
pub use rename::with_model;
