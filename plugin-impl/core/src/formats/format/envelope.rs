//! Envelopes: formats around the requests and answers of another format.

/// The way into an envelope. The way out is the same for every envelope; see
/// [`unwrap_json`](crate::formats::envelope::unwrap_json).
#[derive(Debug)]
pub struct Wrapping {
    /// Returns path and query, from an action and the caller's query.
    pub path: fn(&str, Option<&str>) -> String,
    /// Returns the body in its envelope.
    pub body: fn(&Unwrapped<'_>) -> Vec<u8>,
    /// Returns whether the good answer to an action comes in the envelope.
    pub wraps_answer: fn(Option<&str>) -> bool,
}

/// A request without its envelope.
#[derive(Clone, Copy, Debug)]
pub struct Unwrapped<'a> {
    pub action: &'a str,
    pub body: &'a [u8],
    /// The account's project.
    pub project: Option<&'a str>,
    /// The pool's name of the model.
    pub model: &'a str,
}
