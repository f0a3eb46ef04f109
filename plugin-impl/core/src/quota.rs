//! Quota: the upstreams' reports of remaining quota, and the part reserved by the user.

pub mod model_set;
pub mod outlook;
pub mod protection;
pub mod reading;
