//! Known settings without an effect in this version.
//!
//! A setting without effect is an error, so nobody relies on the setting. The author of the effect deletes
//! the row.

use crate::edges::config::reading::Fields;
use crate::edges::config::reading::problem::Problem;

/// A key, or some of its values, without effect.
pub(crate) struct Row {
    pub(crate) key: &'static str,
    /// The prefix of the values; empty for all.
    pub(crate) values: &'static str,
    pub(crate) route_reason: &'static str,
    pub(crate) remedy: &'static str,
}

const ONE_MACHINE: &str = "state is shared on one machine only";
const USE_SQLITE: &str = "write `store: sqlite`, or take the line out";

pub(crate) const ROWS: [Row; 3] = [
    Row { key: "store", values: "redis", route_reason: ONE_MACHINE, remedy: USE_SQLITE },
    Row { key: "store", values: "valkey", route_reason: ONE_MACHINE, remedy: USE_SQLITE },
    Row { key: "store", values: "postgres", route_reason: ONE_MACHINE, remedy: USE_SQLITE },
];

/// Refuses top-level settings without effect.
pub(crate) fn check(top: &Fields<'_>) {
    for row in &ROWS {
        let Some(entry) = top.named(row.key) else { continue };
        if row.values.is_empty() || entry.written().is_some_and(|text| text.starts_with(row.values)) {
            let (what, route_reason, remedy) = (row.label(), row.route_reason, row.remedy);
            entry.error(Problem::NotYet { what, route_reason, remedy });
        }
    }
}

impl Row {
    /// Returns `store: sqlite`, or the key alone, as code.
    pub(crate) fn label(&self) -> String {
        if self.values.is_empty() {
            format!("`{}`", self.key)
        } else {
            format!("`{}: {}`", self.key, self.values)
        }
    }
}
