//! The pure decisions of Pointsman.

pub mod announce;
pub mod backoff;
pub mod blame;
pub mod catalog;
pub mod cell;
pub mod dispatch;
pub mod format;
pub mod ids;
pub mod notice;
pub mod outcome;
pub mod plan;
pub mod refusal;
pub mod route;
pub mod settings;
pub mod snapshot;
pub mod strategy;
pub mod suspicion;
pub mod time;

mod sync;
#[cfg(test)]
mod testing;
