//! What an answer is an answer to.

use crate::formats::format::WireFormat;
use crate::request::operation::Operation;
use crate::response::rule::Rule;

/// What was asked, as far as it matters for what the answer means.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub format: WireFormat,
    pub operation: Operation,
    /// The model as cells know it.
    pub model: &'a str,
    /// The model as the upstream was told it.
    pub named: &'a str,
    /// A good answer is one of a model, so that its beginning is looked at.
    pub generates: bool,
    /// What the user says of the provider's errors.
    pub rules: &'a [Rule],
}

impl Asked<'_> {
    /// Begins with a request of a format, of which nothing else is known.
    pub const fn of(format: WireFormat) -> Self {
        Self { format, operation: Operation::Generating, model: "", named: "", generates: true, rules: &[] }
    }
}
