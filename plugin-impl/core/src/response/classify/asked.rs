//! The question behind an answer.

use crate::formats::WireFormat;
use crate::formats::operation::Operation;
use crate::response::rule::Rule;

/// The request, as far as it matters for the meaning of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub format: WireFormat,
    pub operation: Operation,
    /// The model's name in cells.
    pub model: &'a str,
    /// The model's name in the upstream's request.
    pub named: &'a str,
    /// Whether a good answer is a model's output, so that its beginning is examined.
    pub generates: bool,
    /// The user's rules for the provider's errors.
    pub rules: &'a [Rule],
}

impl Asked<'_> {
    /// Begins with a request of a format, without further facts.
    pub const fn of(format: WireFormat) -> Self {
        Self { format, operation: Operation::Generating, model: "", named: "", generates: true, rules: &[] }
    }
}
