//! The configuration from outside: text and a machine in, a [`Config`] or words for people out.

mod consent;
mod effects;
mod errors;
mod routing;
mod secrets;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::sync::unpoisoned;

use super::{CommandError, Config, ConfigErrors, Environment, documentation, from_text};

/// A machine that is made up.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    variables: BTreeMap<String, String>,
    files: BTreeMap<PathBuf, String>,
    commands: BTreeMap<String, String>,
    /// What was added to files, each line after its path.
    appended: Arc<Mutex<String>>,
}

impl Machine {
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }

    /// `line` is the program and its arguments, with spaces between.
    fn command(mut self, line: &str, output: &str) -> Self {
        self.commands.insert(line.to_owned(), output.to_owned());
        self
    }

    fn load(&self, text: &str) -> Result<Config, ConfigErrors> {
        from_text(text, "pointsman.yaml", self)
    }
}

impl Environment for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn variable_names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        Path::new("/here").join(path)
    }

    fn append(&self, path: &Path, line: &str) -> io::Result<()> {
        let mut appended = unpoisoned(self.appended.lock());
        appended.push_str(&format!("{} {line}", path.display()));
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn run(&self, program: &str, arguments: &[String]) -> Result<String, CommandError> {
        let line = [&[program.to_owned()], arguments].concat().join(" ");
        self.commands.get(&line).cloned().ok_or_else(|| CommandError::Start(io::ErrorKind::NotFound.into()))
    }
}

fn load(text: &str) -> Config {
    Machine::default().load(text).unwrap()
}

#[test]
fn the_documentation_is_what_the_settings_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CONFIG.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, documentation()).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == documentation(), "docs/CONFIG.md is out of date: run this test with UPDATE_DOCS=1");
}
