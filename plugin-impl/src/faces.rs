//! Faces: how hosts call the library, from Rust and from C.

pub mod abi;
pub mod capi;
pub mod panics;
