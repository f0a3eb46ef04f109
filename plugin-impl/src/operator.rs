//! Operator: the state of the fleet, for the people in charge.

pub mod status;
