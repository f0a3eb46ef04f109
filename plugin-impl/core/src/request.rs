//! Requests: the aim of a call, its conversation, and its ties to an account.

pub mod catalog;
pub mod intent;
pub mod resource;
pub mod route;
pub mod safety;
pub mod session;

pub(crate) mod fnv;
