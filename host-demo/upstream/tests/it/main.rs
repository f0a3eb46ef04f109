//! The upstream as a client sees it, over real sockets.

mod aborts;
mod client;
mod faults;
mod formats;
mod oauth;
mod quotas;
mod serving;
