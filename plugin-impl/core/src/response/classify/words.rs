//! The words of providers: codes and texts with a meaning beyond, or other than, their status.
//!
//! Words make the reading quicker; without a known word, a witness decides. A row matches if its code, text
//! and status all match; the first matching row counts. Codes are compared without case and separators,
//! texts in lower case. Each row has a fixture in `words/fixtures.rs`.

mod table;

#[cfg(test)]
mod fixtures;

use super::error::ErrorBody;
use crate::response::rule::Means;

/// A service's words for a meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) service: &'static str,
    /// 0 for any status from 400 on.
    pub(super) status: u16,
    /// Empty for any code.
    pub(super) code: &'static str,
    /// Empty for any text.
    pub(super) text: &'static str,
    pub(super) means: Means,
    pub(super) source: Source,
}

/// The proof of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The service's documentation, or a public report with the answer.
    pub(super) page: &'static str,
    /// The day of reading the page.
    pub(super) read: &'static str,
}

/// Returns the first matching row.
pub(super) fn find(error: &ErrorBody, status: u16) -> Option<&'static Word> {
    table::WORDS.iter().find(|word| word.is_in(error, status))
}

impl Word {
    fn is_in(&self, error: &ErrorBody, status: u16) -> bool {
        (self.status == 0 || self.status == status)
            && (self.code.is_empty() || error.says(self.code))
            && (self.text.is_empty() || error.message.contains(self.text))
    }
}
