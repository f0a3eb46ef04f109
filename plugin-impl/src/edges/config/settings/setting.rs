//! A setting: name, form, default, and a sentence for people.
//!
//! Each setting has one definition. The reader, the check for unknown keys, environment variables and
//! `docs/CONFIG.md` derive from the definition, so all of them know the same settings.

use crate::edges::config::values::{Form, Shape};

/// A key of the configuration with values of the form `F`.
pub(crate) struct Setting<F> {
    pub(crate) name: &'static str,
    pub(crate) form: F,
    /// The default in its written form; empty without a default.
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
}

impl<F: Form> Setting<F> {
    /// Returns the default value.
    pub(crate) fn default_value(&self) -> F::Value {
        let value = self.form.parse(self.default);
        value.ok().expect("the default of a setting that is read with one has the form of the setting")
    }
}

/// A setting of any form.
pub(crate) trait Key: Sync {
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
pub(crate) struct Section {
    /// The heading in the documentation.
    pub(crate) title: &'static str,
    pub(crate) help: &'static str,
    pub(crate) keys: &'static [&'static dyn Key],
}

impl Section {
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name())
    }
}
