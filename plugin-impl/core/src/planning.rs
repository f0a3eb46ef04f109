//! Planning: which accounts may serve a request, in which order.

pub mod affinity;
pub mod allowed;
pub mod failover;
pub mod family;
pub mod plan;
pub mod sample;
pub mod settings;
pub mod snapshot;
pub mod strategy;
