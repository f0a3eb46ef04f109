//! What a setting is: a name, the form of its values, a default and a sentence for people.
//!
//! It is defined once. Reading, the check for unknown keys, environment variables and `docs/CONFIG.md` all
//! come from here, so none of them can know of a setting that the others do not.

use super::form::{Form, Shape};

/// A key of the configuration whose values have the form `F`.
pub(super) struct Setting<F> {
    pub(super) name: &'static str,
    pub(super) form: F,
    /// As a user would write it; empty when there is none.
    pub(super) default: &'static str,
    pub(super) help: &'static str,
}

impl<F: Form> Setting<F> {
    /// Returns the value that holds when nothing is written.
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
    /// Says whether the value is one piece of text, so that an environment variable can hold it.
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

/// The settings that stand together in one map.
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
