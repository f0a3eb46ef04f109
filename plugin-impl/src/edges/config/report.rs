//! What reading a configuration has found: errors, warnings and notes, each with its place.
//!
//! Reading goes on after an error, so that one run shows all that is wrong. The list is bounded; what is
//! beyond it is counted.

use std::fmt;
use std::sync::Arc;

use super::problem::Problem;
use crate::secret::redact_keys;

/// The most errors that are told of one configuration.
pub const MAX_ERRORS: usize = 20;

/// Where something is written: a file with line and column, or a whole file or environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    source: Arc<str>,
    line_and_column: Option<(usize, usize)>,
}

impl Place {
    /// Makes a place inside `source`; both numbers begin at 1.
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

/// One thing that is wrong.
///
/// It prints without anything that looks like a key, wherever somebody may have pasted one.
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

/// All that is wrong with a configuration, in the order of the file; prints one error per line.
#[derive(Debug)]
pub struct ConfigErrors {
    /// At least one and at most [`MAX_ERRORS`].
    pub errors: Vec<ConfigError>,
    /// How many more there were.
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

/// Something that is accepted, and that its writer should know of.
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

/// Collects while a configuration is read.
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

    /// Ends the reading: the warnings and notes when nothing was wrong.
    pub(super) fn finish(mut self) -> Result<(Vec<Warning>, Vec<String>), ConfigErrors> {
        self.errors.sort_by(|one, other| one.place.cmp(&other.place));
        if self.errors.is_empty() {
            Ok((self.warnings, self.notes))
        } else {
            Err(ConfigErrors { errors: self.errors, left_out: self.left_out })
        }
    }
}
