//! Pointsman as a library that an agent loads.

pub mod abi;
pub mod answer;
pub mod auth;
pub mod call;
pub mod claim;
pub mod clock;
pub mod config;
pub mod counters;
pub mod driver;
pub mod fleet;
pub mod generation;
pub mod http;
pub mod instance;
pub mod notices;
pub mod outgoing;
pub mod router;
pub mod secret;
pub mod shared;
pub mod status;
pub mod store;
pub mod target;
pub mod telemetry;
pub mod upstream;

mod sync;
