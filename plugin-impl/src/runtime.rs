//! Runtime: the way of a request: intake, routing, upstream, answer.

pub mod answer;
pub mod body_memory;
pub mod call;
pub mod claim;
pub mod driver;
pub mod failover;
pub mod generation;
pub mod headers;
pub mod hold;
pub mod journal;
pub mod outgoing;
pub mod quota;
pub mod router;
pub mod shared;
mod sharing;
mod usage;
