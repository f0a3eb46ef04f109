//! Gateways that run on this machine: how a command asks one, and how it finds one.
//!
//! * [`client`]: one GET;
//! * [`discovery`]: the files by which gateways of this user are known;
//! * [`find`]: the gateway that a command means.

pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod find;
