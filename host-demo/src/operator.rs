//! The operator's questions: state, reasons, validity of the configuration.

pub(crate) mod accounts;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod init;
mod look;
pub(crate) mod status;
pub(crate) mod summary;
pub(crate) mod trust;
