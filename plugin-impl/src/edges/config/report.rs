//! The report of a configuration's reader: errors, warnings and notes with their places.
//!
//! Reading continues after an error, so a single run shows all faults. The list is bounded; the excess is
//! counted.

use std::fmt;
use std::sync::Arc;

use super::problem::Problem;
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
    pub(super) fn one(place: Place, problem: Problem) -> Self {
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

/// The collector of a reading.
#[derive(Default)]
pub(super) struct Report {
    errors: Vec<ConfigError>,
    left_out: usize,
    pub(super) warnings: Vec<Warning>,
    pub(super) notes: Vec<String>,
}

impl Report {
    pub(super) fn error(&mut self, place: &Place, problem: Problem) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(ConfigError { place: place.clone(), problem });
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn warn(&mut self, place: &Place, text: String) {
        self.warnings.push(Warning { place: place.clone(), text });
    }

    /// Ends the reading; without errors, returns warnings and notes.
    pub(super) fn finish(mut self) -> Result<(Vec<Warning>, Vec<String>), ConfigErrors> {
        self.errors.sort_by(|one, other| one.place.cmp(&other.place));
        if self.errors.is_empty() {
            Ok((self.warnings, self.notes))
        } else {
            Err(ConfigErrors { errors: self.errors, left_out: self.left_out })
        }
    }
}
