//! Reads settings from the tree of a configuration.
//!
//! An entry is a node with its key path and the report. Reading never fails: faults go to the report, and the reader
//! continues without a value, so a single run finds all faults.

pub(super) mod problem;
pub(super) mod report;

use std::sync::LazyLock;

use self::problem::{Problem, nearest, shown, shown_name};
use self::report::{Place, Report};
use crate::edges::config::documents::{Node, Value};
use crate::edges::config::secrets::text::meant;
use crate::edges::config::settings::setting::{Key, Section, Setting};
use crate::edges::config::values::{Form, words};
use crate::secret::Secret;

/// A written value with its key path, such as `accounts[0].weight`, and the report of its reading.
#[derive(Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) path: String,
    pub(crate) node: &'a Node,
    pub(crate) report: &'a Report,
}

/// A map with the settings of a section as keys.
pub(crate) struct Fields<'a>(Entry<'a>);

impl<'a> Entry<'a> {
    pub(crate) fn root(node: &'a Node, report: &'a Report) -> Self {
        Self { path: String::new(), node, report }
    }

    pub(crate) fn error(&self, problem: Problem) {
        self.report.error(&self.node.place, problem);
    }

    pub(crate) fn warn(&self, text: String) {
        self.report.warn(&self.node.place, text);
    }

    /// Reads a map of known keys; unknown keys are errors.
    pub(crate) fn fields(self, section: &Section) -> Fields<'a> {
        self.check_is_map(&format!("a map with the keys {}", words(section.names())));
        for member in self.node.members() {
            if !section.names().any(|name| name == member.key) {
                self.report.error(&member.place, self.unknown_key(&member.key, section));
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
    pub(crate) fn members(&self, needed: &str) -> Vec<(&'a str, Self)> {
        self.check_is_map(needed);
        let members = self.node.members().iter();
        members.map(|member| (member.key.as_str(), self.child(&member.key, &member.node))).collect()
    }

    /// Reads a map of names for ids, routes and headers.
    pub(crate) fn names(&self, needed: &str) -> Vec<(&'a str, Self)> {
        let members = self.members(needed);
        for (name, entry) in members.iter().filter(|(name, _)| !is_name(name)) {
            entry.error(Problem::Name { key: self.path.clone(), name: shown_name(name) });
        }
        members
    }

    fn check_is_map(&self, needed: &str) {
        if !matches!(self.node.value, Value::Map(_) | Value::Null) {
            self.wrong_type(needed);
        }
    }

    /// Reads a list.
    pub(crate) fn items(&self, needed: &str) -> Vec<Self> {
        match &self.node.value {
            Value::List(items) => items.iter().enumerate().map(|(at, node)| self.item(at, node)).collect(),
            Value::Null => Vec::new(),
            Value::Text(_) | Value::Map(_) => {
                self.wrong_type(needed);
                Vec::new()
            }
        }
    }

    /// Reads a list of values; a single value is a list of one.
    pub(crate) fn values<F: Form>(&self, form: &F) -> Vec<F::Value> {
        self.elements(form).into_iter().map(|(_, value)| value).collect()
    }

    /// Reads a list of values with their places.
    pub(crate) fn elements<F: Form>(&self, form: &F) -> Vec<(Self, F::Value)> {
        let entries = match &self.node.value {
            Value::Text(_) => vec![self.clone()],
            Value::List(_) | Value::Map(_) | Value::Null => self.items(&form.allowed()),
        };
        entries.into_iter().filter_map(|entry| entry.value(form).map(|value| (entry, value))).collect()
    }

    /// Reads a value.
    pub(crate) fn value<F: Form>(&self, form: &F) -> Option<F::Value> {
        let Some(text) = self.written() else {
            self.wrong_type(&form.allowed());
            return None;
        };
        match form.parse(text) {
            Ok(value) => Some(value),
            Err(refused) => {
                self.error(self.refused(text, form.refusal(), refused.0));
                None
            }
        }
    }

    /// Warns of a secret that cannot be blanked out of an answer that repeats the secret.
    pub(crate) fn warn_of_short(&self, secret: &Secret) {
        let is_reference = self.written().and_then(meant).is_some();
        if !is_reference && !secret.is_searchable() && !secret.is_placeholder() {
            let text = format!(
                "`{}` is too short to be found in an answer that repeats the key (fewer than 8 bytes, or fewer \
                 than 16 letters alone), and is blanked only where a header holds nothing else; take a longer key",
                self.path
            );
            self.warn(text);
        }
    }

    fn refused(&self, text: &str, refusal: String, nearest: Option<String>) -> Problem {
        let nearest = nearest.as_deref().map(shown);
        Problem::Value { key: self.path.clone(), value: shown(text), refusal, nearest }
    }

    /// Returns the text of a scalar.
    pub(crate) fn written(&self) -> Option<&'a str> {
        if let Value::Text(text) = &self.node.value { Some(text) } else { None }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::List(items) if items.is_empty())
    }

    fn wrong_type(&self, needed: &str) {
        let key = self.path.clone();
        self.error(Problem::Type { key, found: self.node.value.kind(), needed: needed.to_owned() });
    }

    pub(crate) fn child(&self, key: &str, node: &'a Node) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, node, report: self.report }
    }

    fn item(&self, at: usize, node: &'a Node) -> Self {
        Self { path: format!("{}[{at}]", self.path), node, report: self.report }
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn entry(&self) -> &Entry<'a> {
        &self.0
    }

    /// Returns the value of `key`; `null` counts as absent.
    pub(crate) fn get(&self, key: &dyn Key) -> Option<Entry<'a>> {
        self.named(key.name())
    }

    pub(crate) fn named(&self, key: &str) -> Option<Entry<'a>> {
        let member = self.0.node.member(key).filter(|member| !member.node.is_null())?;
        Some(self.0.child(key, &member.node))
    }

    /// Reads a setting without a default.
    pub(crate) fn read<F: Form>(&self, setting: &Setting<F>) -> Option<F::Value> {
        self.get(setting)?.value(&setting.form)
    }

    /// Reads a setting, or takes its default.
    pub(crate) fn read_or_default<F: Form>(&self, setting: &Setting<F>) -> F::Value {
        self.read(setting).unwrap_or_else(|| setting.default_value())
    }

    /// Reads a map of settings; an absent map has all defaults.
    pub(crate) fn section(&self, key: &dyn Key, section: &Section) -> Self {
        static NOTHING: LazyLock<Node> = LazyLock::new(|| Node::new(Place::whole(""), Value::Null));
        let nothing = || Entry { path: key.name().to_owned(), node: &NOTHING, report: self.0.report };
        let entry = self.get(key).unwrap_or_else(nothing);
        entry.fields(section)
    }

    /// Reads a mandatory setting.
    pub(crate) fn require<F: Form>(&self, setting: &Setting<F>) -> Option<F::Value> {
        if self.get(setting).is_none() {
            let section = self.0.path.clone();
            self.0.error(Problem::Missing { section, key: setting.name, needed: setting.form.allowed() });
        }
        self.read(setting)
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
