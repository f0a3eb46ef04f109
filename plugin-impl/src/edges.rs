//! Edges: the outside world: upstreams, credentials, configuration, store, host.

pub mod auth;
pub mod config;
pub mod notices;
pub mod store;
pub mod telemetry;
pub mod upstream;
