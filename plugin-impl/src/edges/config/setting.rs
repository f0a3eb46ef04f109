//! A setting: name, form, default, and a sentence for people.
//!
//! Each setting has one definition. The reader, the check for unknown keys, environment variables and
//! `docs/CONFIG.md` derive from the definition, so all of them know the same settings.

use super::form::{Form, Shape};

/// A key of the configuration with values of the form `F`.
pub(super) struct Setting<F> {
    pub(super) name: &'static str,
    pub(super) form: F,
    /// The default in its written form; empty without a default.
    pub(super) default: &'static str,
    pub(super) help: &'static str,
}

impl<F: Form> Setting<F> {
    /// Returns the default value.
    pub(super) fn default_value(&self) -> F::Value {
        let value = self.form.parse(self.default);
        value.ok().expect("the default of a setting that is read with one has the form of the setting")
    }
}

/// A setting of any form.
pub(super) trait Key: Sync {
    fn name(&self) -> &'static str;
    fn allowed(&self) -> String;
    fn default(&self) -> &'static str;
    fn help(&self) -> &'static str;
    /// Returns whether the value is a single text, fit for an environment variable.
    fn is_text(&self) -> bool;
}

impl<F: Shape> Key for Setting<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn allowed(&self) -> String {
        self.form.allowed()
    }

    fn default(&self) -> &'static str {
        self.default
    }

    fn help(&self) -> &'static str {
        self.help
    }

    fn is_text(&self) -> bool {
        F::IS_TEXT
    }
}

/// The settings of a map.
pub(super) struct Section {
    /// The heading in the documentation.
    pub(super) title: &'static str,
    pub(super) help: &'static str,
    pub(super) keys: &'static [&'static dyn Key],
}

impl Section {
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name())
    }
}
