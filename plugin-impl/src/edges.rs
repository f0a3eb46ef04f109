//! Edges: what reaches outside: upstreams, credentials, the configuration, the store, the host.

pub mod auth;
pub mod config;
pub mod notices;
pub mod store;
pub mod telemetry;
pub mod upstream;
