//! The forms of a secret: the text, or a source.
//!
//! A malformed setting is an error. A secret absent on the machine leaves only its account without a
//! credential.

use std::cell::RefCell;
use std::path::PathBuf;

use crate::edges::config::documents::locate::Paths;
use crate::edges::config::documents::{Node, Value};
use crate::edges::config::environment::Environment;
use crate::edges::config::reading::Entry;
use crate::edges::config::reading::problem::{Problem, nearest};
use crate::edges::config::secrets::text::{is_name, meant, usable};
use crate::edges::config::secrets::{ConfiguredSecret, SecretFailure, SecretSource};
use crate::secret::looks_like_key;

pub(crate) const ALLOWED: &str =
    "a string, {env: NAME}, {file: PATH}, {command: [PROG, ARG…]} or {keyring: NAME}";
const SOURCES: [&str; 4] = ["env", "file", "command", "keyring"];

/// A reader of secrets.
pub(crate) struct Secrets<'a> {
    pub(crate) environment: &'a dyn Environment,
    pub(crate) paths: &'a Paths,
    /// The files read so far.
    files: RefCell<Vec<PathBuf>>,
}

impl<'a> Secrets<'a> {
    pub(crate) fn new(environment: &'a dyn Environment, paths: &'a Paths) -> Self {
        Self { environment, paths, files: RefCell::default() }
    }

    /// Returns the files of secrets, including files without a secret.
    pub(crate) fn into_files(self) -> Vec<PathBuf> {
        self.files.into_inner()
    }

    /// Reads the secret at `entry`. An error names the failed source, and nothing of the content.
    pub(crate) fn read(&self, entry: &Entry<'_>) -> Option<ConfiguredSecret> {
        warn_of_reference(entry);
        match self.find(entry.node) {
            Ok(secret) => Some(secret.written_at(&entry.node.place)),
            Err(reason) => {
                entry.error(Problem::Secret { key: entry.path.clone(), reason });
                None
            }
        }
    }

    fn find(&self, node: &Node) -> Result<ConfiguredSecret, String> {
        match &node.value {
            Value::Text(text) => literal(text),
            Value::Map(members) => match members.as_slice() {
                [only] => self.from(&only.key, &only.node),
                _ => Err(format!("is a map of {} keys; a secret is {ALLOWED}", members.len())),
            },
            Value::List(_) | Value::Null => Err(format!("is no secret; it needs {ALLOWED}")),
        }
    }

    fn from(&self, source: &str, node: &Node) -> Result<ConfiguredSecret, String> {
        match source {
            "env" => self.variable(text(source, node)?),
            "file" => self.source(SecretSource::File(self.paths.resolve(text(source, node)?))),
            "command" => self.source(command(node)?),
            "keyring" => Err("is in a keyring, which this version cannot read; \
                              use {env: NAME}, {file: PATH} or {command: [PROG, ARG…]}"
                .to_owned()),
            // The key is not shown: somebody may have put the secret itself there.
            _ => Err(unknown_source(source)),
        }
    }

    fn variable(&self, name: &str) -> Result<ConfiguredSecret, String> {
        // Somebody may have put the secret itself here; those hardly ever are names.
        if !is_name(name) || looks_like_key(name) {
            return Err("has an `env` that is no name of an environment variable".to_owned());
        }
        match self.environment.variable(name).filter(|text| !text.trim().is_empty()) {
            Some(text) => literal(&text),
            None => {
                let why = format!("the environment variable `{name}` is not set");
                Ok(ConfiguredSecret::new(Err(why), None))
            }
        }
    }

    fn source(&self, source: SecretSource) -> Result<ConfiguredSecret, String> {
        if let SecretSource::File(path) = &source {
            self.files.borrow_mut().push(path.clone());
        }
        let value = match source.secret(self.environment) {
            Ok(secret) => Ok(secret),
            Err(SecretFailure::Missing(why)) => Err(why),
            Err(SecretFailure::Unusable(unusable)) => return Err(unusable.reason()),
        };
        Ok(ConfiguredSecret::new(value, Some(source)))
    }
}

fn literal(text: &str) -> Result<ConfiguredSecret, String> {
    usable(text).map(ConfiguredSecret::fixed).map_err(|unusable| unusable.reason())
}

fn text<'a>(source: &str, node: &'a Node) -> Result<&'a str, String> {
    match &node.value {
        Value::Text(text) if !text.is_empty() => Ok(text),
        Value::Text(_) | Value::Null | Value::List(_) | Value::Map(_) => {
            Err(format!("has an empty or unusable `{source}`"))
        }
    }
}

fn unknown_source(source: &str) -> String {
    let beginning = SOURCES.iter().find(|known| source.starts_with(&format!("{known}:")));
    match beginning.map(|known| (*known).to_owned()).or_else(|| nearest(source, SOURCES)) {
        Some(known) if beginning.is_some() => {
            format!("has an unknown source; a blank is missing after `{known}:`, as in `{{env: NAME}}`")
        }
        Some(near) => format!("has an unknown source; did you mean `{near}`?"),
        None => format!("has an unknown source; a secret is {ALLOWED}"),
    }
}

/// Warns of `$NAME` in a value: many programs expand the variable, but here the text would be sent
/// literally.
fn warn_of_reference(entry: &Entry<'_>) {
    if let Some(meant) = entry.written().and_then(meant) {
        let text = format!("`{}` is sent as it is written here; did you mean `{meant}`?", entry.path);
        entry.warn(text);
    }
}

fn command(node: &Node) -> Result<SecretSource, String> {
    let (program, arguments) = command_line(node)
        .ok_or_else(|| "has a `command` that is no list of a program and its arguments".to_owned())?;
    Ok(SecretSource::Command { program: program.to_owned(), arguments })
}

fn command_line(node: &Node) -> Option<(&str, Vec<String>)> {
    let Value::List(items) = &node.value else { return None };
    let mut words =
        items.iter().map(|item| if let Value::Text(text) = &item.value { Some(text.as_str()) } else { None });
    let program = words.next()?.filter(|program| !program.is_empty())?;
    Some((program, words.map(|word| word.map(str::to_owned)).collect::<Option<_>>()?))
}
