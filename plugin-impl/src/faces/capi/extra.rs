//! Extra variables from a host, over the variables of the process.
//!
//! A host's language may have an environment of its own, unseen by the C library, and a setting can be a
//! variable. So a host can hand variables over, a line each.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::edges::config::{CommandError, Environment, Process};

use super::errors::Failure;

/// The process's environment, overlaid with extra variables.
#[derive(Debug)]
pub(super) struct Extra(BTreeMap<String, String>);

impl Extra {
    /// Reads lines of the form `NAME=VALUE`. Empty lines are skipped.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let pairs = lines.map(|line| match line.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            // The line is not repeated: it may be a secret that lost its name.
            Some(_) | None => Err(Failure::argument("a line of the environment is not NAME=VALUE")),
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }
}

impl Environment for Extra {
    fn variable(&self, name: &str) -> Option<String> {
        match self.0.get(name) {
            Some(value) => Some(value.clone()).filter(|value| !value.is_empty()),
            None => Process.variable(name),
        }
    }

    fn variable_names(&self) -> Vec<String> {
        let mut names = Process.variable_names();
        names.extend(self.0.keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    fn is_file(&self, path: &Path) -> bool {
        Process.is_file(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        Process.absolute(path)
    }

    fn append(&self, path: &Path, line: &str) -> io::Result<()> {
        Process.append(path, line)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        Process.read(path)
    }

    fn run(&self, program: &str, arguments: &[String]) -> Result<String, CommandError> {
        Process.run(program, arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_variable_goes_before_that_of_the_process() {
        let extra = Extra::read("PATH=mine\n\nPOINTSMAN_TEST_URL=a=b\nHOME=\n").unwrap();
        assert_eq!(extra.variable("PATH").as_deref(), Some("mine"));
        assert_eq!(extra.variable("POINTSMAN_TEST_URL").as_deref(), Some("a=b"));
        assert_eq!(extra.variable("HOME"), None, "empty means not set");
        let names = extra.variable_names();
        assert_eq!(names.iter().filter(|name| *name == "PATH").count(), 1);
    }

    #[test]
    fn a_line_without_a_name_is_refused_and_not_repeated() {
        for text in ["sk-secret", "=sk-secret"] {
            let failure = Extra::read(text).expect_err(text);
            assert!(!failure.text.contains("sk-secret"));
        }
    }
}
