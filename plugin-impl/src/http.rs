//! The HTTP face: a gateway for the three wire formats, and pages for operators.

mod body;
mod gateway;
mod listen;
mod origin;
mod pages;

pub use self::listen::{ListenError, listen, parse_local};
