//! Pointsman as a library that an agent loads.
//!
//! The decisions are in `pointsman-core`; this crate has their effects. [`runtime::driver`] does what the machine
//! of a request says, on the shared state of [`fleet`]; the edges are [`edges::upstream`], [`edges::auth`], [`runtime::quota`], [`edges::config`],
//! [`edges::store`] and [`edges::notices`]; hosts come in by the faces [`faces::abi`], [`faces::capi`] and [`http`], which decide nothing.
//! [`instance`] puts it together with a runtime of its own, and [`runtime::router`] has the one hook, `fetch`.
//!
//! It is also an ordinary library, for tests and measurements; its Rust interface is not stable.

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
