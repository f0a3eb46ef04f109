//! The JSON form of a record.

use serde_json::{Map, Value};

use crate::time::UnixMillis;

/// The members of a form, taken out one by one. What remains was written by a later version.
#[derive(Debug, Default)]
pub(super) struct Members(Map<String, Value>);

/// The members that a later version wrote, as canonical JSON text; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extra(Box<str>);

impl Members {
    /// Parses a form.
    pub(super) fn read(text: &str) -> Option<Self> {
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Some(Self(members)),
            Ok(_) | Err(_) => None,
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Option<u64> {
        self.0.remove(name)?.as_u64()
    }

    pub(super) fn instant(&mut self, name: &str) -> Option<UnixMillis> {
        self.number(name).map(UnixMillis)
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.0.remove(name)?.as_bool()
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Box<str>> {
        Some(self.0.remove(name)?.as_str()?.into())
    }

    /// Takes every number out, by name.
    pub(super) fn numbers(&mut self) -> Vec<(Box<str>, u64)> {
        let names: Vec<String> = self.0.iter().filter(|(_, value)| value.is_u64()).map(named).collect();
        names.into_iter().filter_map(|name| Some((name.as_str().into(), self.number(&name)?))).collect()
    }

    /// Returns the members of later versions.
    pub(super) fn rest(self) -> Extra {
        if self.0.is_empty() { Extra::default() } else { Extra(Value::Object(self.0).to_string().into()) }
    }

    /// Begins a form with the members of later versions.
    pub(super) fn of(extra: &Extra) -> Self {
        Self::read(&extra.0).unwrap_or_default()
    }

    /// Adds a member.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Adds a member that may be absent.
    pub(super) fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Returns the text of the form.
    pub(super) fn write(self) -> String {
        Value::Object(self.0).to_string()
    }
}

fn named((name, _): (&String, &Value)) -> String {
    name.clone()
}
