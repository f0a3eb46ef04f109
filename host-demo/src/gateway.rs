//! Gateways on this machine: requests to a gateway, and the search for one.
//!
//! * [`client`]: a GET;
//! * [`discovery`]: files that announce this user's gateways;
//! * [`find`]: the gateway meant by a command.

pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod find;
