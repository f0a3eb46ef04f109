//! What the configuration accepts already and this version does not act on.
//!
//! A file that was written for the whole contract works, and says what of it has no effect. Whoever builds
//! one of these deletes its row.

use super::reader::Fields;
use super::report::Report;

/// A key, or some values of it, without effect.
pub(super) struct Row {
    pub(super) key: &'static str,
    /// How the values begin; empty for all.
    pub(super) values: &'static str,
    pub(super) instead: &'static str,
}

pub(super) const ROWS: [Row; 2] = [
    Row { key: "store", values: "sqlite", instead: "state is kept in memory" },
    Row { key: "store", values: "redis://", instead: "state is kept in memory" },
];

/// Warns of everything in the top level of a configuration that has no effect.
pub(super) fn warn(top: &Fields<'_>, report: &mut Report) {
    for row in &ROWS {
        let Some(entry) = top.named(row.key) else { continue };
        if row.values.is_empty() || entry.written().is_some_and(|text| text.starts_with(row.values)) {
            report.warn(
                &entry.node.place,
                format!("{} has no effect in this version: {}", row.label(), row.instead),
            );
        }
    }
}

impl Row {
    /// Returns `strategy: hybrid`, or only the key, as code.
    pub(super) fn label(&self) -> String {
        if self.values.is_empty() {
            format!("`{}`", self.key)
        } else {
            format!("`{}: {}`", self.key, self.values)
        }
    }
}
