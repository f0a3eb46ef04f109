//! Operator: the state of the fleet, for people who run it.

pub mod status;
