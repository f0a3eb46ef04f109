//! Wire formats: which there are, and how their bodies are looked into without a parse.

pub mod body;
pub mod envelope;
pub mod format;
