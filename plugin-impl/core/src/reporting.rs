//! Reporting: what callers, people and operators are told.

pub mod agent;
pub mod announce;
pub mod blocked;
pub mod explain;
pub mod keep_alive;
pub mod limits;
pub mod notice;
pub mod refusal;
pub mod route_reason;
