//! Reads settings from the tree of a configuration.
//!
//! An entry is a node with its key path. Reading never fails: faults go to the report, and the reader
//! continues without a value, so a single run finds all faults.

use std::sync::LazyLock;

use super::form::{Form, words};
use super::problem::{Problem, nearest, shown, shown_name};
use super::report::{Place, Report};
use super::secret_text::meant;
use super::setting::{Key, Section, Setting};
use super::yaml::{Node, Value};
use crate::secret::Secret;

/// A written value with its key path, such as `accounts[0].weight`.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    pub(super) path: String,
    pub(super) node: &'a Node,
}

/// A map with the settings of a section as keys.
pub(super) struct Fields<'a>(Entry<'a>);

impl<'a> Entry<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self { path: String::new(), node }
    }

    pub(super) fn error(&self, problem: Problem, report: &mut Report) {
        report.error(&self.node.place, problem);
    }

    /// Reads a map of known keys; unknown keys are errors.
    pub(super) fn fields(self, section: &Section, report: &mut Report) -> Fields<'a> {
        self.check_is_map(&format!("a map with the keys {}", words(section.names())), report);
        for member in self.node.members() {
            if !section.names().any(|name| name == member.key) {
                report.error(&member.place, self.unknown_key(&member.key, section));
            }
        }
        Fields(self)
    }

    fn unknown_key(&self, key: &str, section: &Section) -> Problem {
        Problem::UnknownKey {
            key: shown_name(key),
            section: self.path.clone(),
            nearest: nearest(key, section.names()),
            allowed: words(section.names()),
        }
    }

    /// Reads a map of free names.
    pub(super) fn members(&self, needed: &str, report: &mut Report) -> Vec<(&'a str, Self)> {
        self.check_is_map(needed, report);
        let members = self.node.members().iter();
        members.map(|member| (member.key.as_str(), self.child(&member.key, &member.node))).collect()
    }

    /// Reads a map of names for ids, routes and headers.
    pub(super) fn names(&self, needed: &str, report: &mut Report) -> Vec<(&'a str, Self)> {
        let members = self.members(needed, report);
        for (name, entry) in members.iter().filter(|(name, _)| !is_name(name)) {
            entry.error(Problem::Name { key: self.path.clone(), name: shown_name(name) }, report);
        }
        members
    }

    fn check_is_map(&self, needed: &str, report: &mut Report) {
        if !matches!(self.node.value, Value::Map(_) | Value::Null) {
            self.wrong_type(needed, report);
        }
    }

    /// Reads a list.
    pub(super) fn items(&self, needed: &str, report: &mut Report) -> Vec<Self> {
        match &self.node.value {
            Value::List(items) => items.iter().enumerate().map(|(at, node)| self.item(at, node)).collect(),
            Value::Null => Vec::new(),
            Value::Text(_) | Value::Map(_) => {
                self.wrong_type(needed, report);
                Vec::new()
            }
        }
    }

    /// Reads a list of values; a single value is a list of one.
    pub(super) fn values<F: Form>(&self, form: &F, report: &mut Report) -> Vec<F::Value> {
        self.elements(form, report).into_iter().map(|(_, value)| value).collect()
    }

    /// Reads a list of values with their places.
    pub(super) fn elements<F: Form>(&self, form: &F, report: &mut Report) -> Vec<(Self, F::Value)> {
        let entries = match &self.node.value {
            Value::Text(_) => vec![self.clone()],
            Value::List(_) | Value::Map(_) | Value::Null => self.items(&form.allowed(), report),
        };
        entries
            .into_iter()
            .filter_map(|entry| entry.value(form, report).map(|value| (entry, value)))
            .collect()
    }

    /// Reads a value.
    pub(super) fn value<F: Form>(&self, form: &F, report: &mut Report) -> Option<F::Value> {
        let Some(text) = self.written() else {
            self.wrong_type(&form.allowed(), report);
            return None;
        };
        match form.parse(text) {
            Ok(value) => Some(value),
            Err(refused) => {
                self.error(self.refused(text, form.refusal(), refused.0), report);
                None
            }
        }
    }

    /// Warns of a secret that cannot be blanked out of an answer that repeats the secret.
    pub(super) fn warn_of_short(&self, secret: &Secret, report: &mut Report) {
        let is_reference = self.written().and_then(meant).is_some();
        if !is_reference && !secret.is_searchable() && !secret.is_placeholder() {
            let text = format!(
                "`{}` is too short to be found in an answer that repeats the key (fewer than 8 bytes, or fewer \
                 than 16 letters alone), and is blanked only where a header holds nothing else; take a longer key",
                self.path
            );
            report.warn(&self.node.place, text);
        }
    }

    fn refused(&self, text: &str, refusal: String, nearest: Option<String>) -> Problem {
        let nearest = nearest.as_deref().map(shown);
        Problem::Value { key: self.path.clone(), value: shown(text), refusal, nearest }
    }

    /// Returns the text of a scalar.
    pub(super) fn written(&self) -> Option<&'a str> {
        if let Value::Text(text) = &self.node.value { Some(text) } else { None }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    pub(super) fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::List(items) if items.is_empty())
    }

    fn wrong_type(&self, needed: &str, report: &mut Report) {
        let key = self.path.clone();
        self.error(Problem::Type { key, found: self.node.value.kind(), needed: needed.to_owned() }, report);
    }

    pub(super) fn child(&self, key: &str, node: &'a Node) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, node }
    }

    fn item(&self, at: usize, node: &'a Node) -> Self {
        Self { path: format!("{}[{at}]", self.path), node }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn entry(&self) -> &Entry<'a> {
        &self.0
    }

    /// Returns the value of `key`; `null` counts as absent.
    pub(super) fn get(&self, key: &dyn Key) -> Option<Entry<'a>> {
        self.named(key.name())
    }

    pub(super) fn named(&self, key: &str) -> Option<Entry<'a>> {
        let member = self.0.node.member(key).filter(|member| !member.node.is_null())?;
        Some(self.0.child(key, &member.node))
    }

    /// Reads a setting without a default.
    pub(super) fn read<F: Form>(&self, setting: &Setting<F>, report: &mut Report) -> Option<F::Value> {
        self.get(setting)?.value(&setting.form, report)
    }

    /// Reads a setting, or takes its default.
    pub(super) fn read_or_default<F: Form>(&self, setting: &Setting<F>, report: &mut Report) -> F::Value {
        self.read(setting, report).unwrap_or_else(|| setting.default_value())
    }

    /// Reads a map of settings; an absent map has all defaults.
    pub(super) fn section(&self, key: &dyn Key, section: &Section, report: &mut Report) -> Self {
        static NOTHING: LazyLock<Node> = LazyLock::new(|| Node::new(Place::whole(""), Value::Null));
        let entry = self.get(key).unwrap_or(Entry { path: key.name().to_owned(), node: &NOTHING });
        entry.fields(section, report)
    }

    /// Reads a mandatory setting.
    pub(super) fn require<F: Form>(&self, setting: &Setting<F>, report: &mut Report) -> Option<F::Value> {
        if self.get(setting).is_none() {
            let section = self.0.path.clone();
            self.0.error(
                Problem::Missing { section, key: setting.name, needed: setting.form.allowed() },
                report,
            );
        }
        self.read(setting, report)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}
