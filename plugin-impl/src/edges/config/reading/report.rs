//! The report of a configuration's reader: errors, warnings and notes with their places.
//!
//! Reading continues after an error, so a single run shows all faults. The list is bounded; the excess is
//! counted.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use crate::edges::config::reading::problem::Problem;
use crate::secret::redact_keys;

/// The largest number of shown errors.
pub const MAX_ERRORS: usize = 20;

/// The place of a text: a file with line and column, a whole file, or an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    source: Arc<str>,
    line_and_column: Option<(usize, usize)>,
}

impl Place {
    /// Makes a place inside `source`; line and column start at 1.
    pub fn at(source: &Arc<str>, line: usize, column: usize) -> Self {
        Self { source: source.clone(), line_and_column: Some((line, column)) }
    }

    /// Makes the place of a whole file, or of an environment variable.
    pub fn whole(source: &str) -> Self {
        Self { source: source.into(), line_and_column: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line_and_column {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.source),
            None => f.write_str(&self.source),
        }
    }
}

/// A fault with its place.
///
/// Its text contains nothing similar to a key, even a key pasted into the wrong place.
#[derive(thiserror::Error)]
#[error("{place}: {}", redact_keys(&problem.to_string()))]
pub struct ConfigError {
    pub place: Place,
    pub problem: Problem,
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All errors of a configuration, in the order of the file; prints one per line.
#[derive(Debug)]
pub struct ConfigErrors {
    /// At least one and at most [`MAX_ERRORS`].
    pub errors: Vec<ConfigError>,
    /// The number of errors beyond the list.
    pub left_out: usize,
}

impl ConfigErrors {
    pub(crate) fn one(place: Place, problem: Problem) -> Self {
        Self { errors: vec![ConfigError { place, problem }], left_out: 0 }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            write!(f, "{line_break}{error}")?;
        }
        if self.left_out > 0 {
            write!(f, "\nand {} more", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// An accepted value that its author should know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub place: Place,
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, redact_keys(&self.text))
    }
}

/// The collector of a reading. Each entry of the tree refers to the report of its document.
#[derive(Default)]
pub(crate) struct Report(RefCell<Findings>);

#[derive(Default)]
struct Findings {
    errors: Vec<ConfigError>,
    left_out: usize,
    warnings: Vec<Warning>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn error(&self, place: &Place, problem: Problem) {
        let mut findings = self.0.borrow_mut();
        if findings.errors.len() < MAX_ERRORS {
            findings.errors.push(ConfigError { place: place.clone(), problem });
        } else {
            findings.left_out += 1;
        }
    }

    pub(crate) fn warn(&self, place: &Place, text: String) {
        self.0.borrow_mut().warnings.push(Warning { place: place.clone(), text });
    }

    pub(crate) fn note(&self, text: String) {
        self.0.borrow_mut().notes.push(text);
    }

    /// Ends the reading; without errors, returns warnings and notes.
    pub(crate) fn finish(self) -> Result<(Vec<Warning>, Vec<String>), ConfigErrors> {
        let Findings { mut errors, left_out, warnings, notes } = self.0.into_inner();
        errors.sort_by(|one, other| one.place.cmp(&other.place));
        if errors.is_empty() { Ok((warnings, notes)) } else { Err(ConfigErrors { errors, left_out }) }
    }
}
