//! The pure decisions of Pointsman.

pub mod announce;
pub mod backoff;
pub mod blame;
pub mod body;
pub mod catalog;
pub mod cell;
pub mod classify;
pub mod dispatch;
pub mod envelope;
pub mod format;
pub mod ids;
pub mod intent;
pub mod notice;
pub mod outcome;
pub mod plan;
pub mod refusal;
pub mod route;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod strategy;
pub mod suspicion;
pub mod time;

mod sync;
#[cfg(test)]
mod testing;
