//! Quota: what upstreams report of what is left, and how much of that is left alone.

pub mod model_set;
pub mod outlook;
pub mod protection;
pub mod reading;
