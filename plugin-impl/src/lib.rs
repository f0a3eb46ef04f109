//! Pointsman as a library for agents to load.
//!
//! The decisions are in `pointsman-core`; this crate performs the effects. [`runtime::driver`] runs a
//! request's state machine on the shared state of [`fleet`]. The edges are [`edges::upstream`],
//! [`edges::auth`], [`runtime::quota`], [`edges::config`], [`edges::store`] and [`edges::notices`]. Hosts
//! come in by the faces [`faces::abi`], [`faces::capi`] and [`http`], without any decision in a face.
//! [`instance`] is a router with a runtime of its own, and [`runtime::router`] has the single hook,
//! `fetch`.
//!
//! The crate is also an ordinary library, for tests and measurements; the Rust interface is not stable.

pub mod clock;
pub mod counters;
pub mod edges;
pub mod faces;
pub mod fleet;
pub mod http;
pub mod instance;
pub mod operator;
pub mod runtime;
pub mod secret;
pub mod target;

mod signals;
mod sync;
