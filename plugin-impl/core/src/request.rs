//! Requests: what a call asks for, of which conversation it is, and what binds it to an account.

pub mod bond;
pub mod catalog;
pub mod intent;
pub mod operation;
pub mod route;
pub mod safety;
pub mod session;

pub(crate) mod fnv;
