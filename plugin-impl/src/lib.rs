//! Pointsman as a library that an agent loads.
//!
//! The decisions are in `pointsman-core`; this crate has their effects. [`driver`] does what the machine
//! of a request says, on the shared state of [`fleet`]; the edges are [`upstream`], [`auth`], [`quota`], [`config`],
//! [`store`] and [`notices`]; hosts come in by the faces [`abi`], [`capi`] and [`http`], which decide nothing.
//! [`instance`] puts it together with a runtime of its own, and [`router`] has the one hook, `fetch`.
//!
//! It is also an ordinary library, for tests and measurements; its Rust interface is not stable.

pub mod abi;
pub mod answer;
pub mod auth;
pub mod call;
pub mod capi;
pub mod chains;
pub mod claim;
pub mod clock;
pub mod config;
pub mod counters;
pub mod driver;
pub mod fleet;
pub mod generation;
pub mod headers;
pub mod http;
pub mod instance;
pub mod journal;
pub mod notices;
pub mod outgoing;
pub mod panics;
pub mod quota;
pub mod router;
pub mod secret;
pub mod shared;
pub mod status;
pub mod store;
pub mod target;
pub mod telemetry;
pub mod upstream;

mod signals;
mod sync;
