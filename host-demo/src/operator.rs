//! What an operator asks: the state, the reasons, and whether the configuration is right.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod init;
mod look;
pub(crate) mod status;
pub(crate) mod summary;
