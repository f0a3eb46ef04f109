//! The retry budget of providers.

use pointsman_core::admission::budget::Terms;

use super::reader::{Entry, Fields};
use super::report::Report;
use super::settings::{RETRY_BUDGET, RETRY_BUDGET_KEYS, RETRY_FLOOR, RETRY_SHARE};
use super::yaml::{Node, Value};

/// Reads the terms of the retry budgets.
pub(super) fn read(top: &Fields<'_>, report: &mut Report) -> Terms {
    let nothing = Node::new(top.entry().node.place.clone(), Value::Null);
    let entry = top.get(&RETRY_BUDGET).unwrap_or(Entry::root(&nothing));
    let fields = entry.fields(&RETRY_BUDGET_KEYS, report);
    let share: f64 = fields.read_or_default(&RETRY_SHARE, report);
    Terms { share: (share * 10.0).round() as u16, floor: fields.read_or_default(&RETRY_FLOOR, report) }
}
