//! Environment variables that override settings of the top level.
//!
//! A variable is put into the tree in the place of what the file says, so it is read, checked and explained
//! as if it had been written there; its place is its name.

use super::environment::Environment;
use super::problem::nearest;
use super::report::{Place, Report};
use super::setting::Key;
use super::settings::TOP;
use super::yaml::{Member, Node, Value};

const PREFIX: &str = "POINTSMAN_";

/// Variables of the prefix that are no settings: they say where the library and the configuration are, and
/// how much is logged.
const OTHERS: [&str; 3] = ["POINTSMAN_PLUGIN", "POINTSMAN_CONFIG", "POINTSMAN_LOG"];

/// Lays the variables over the top level of `root`. Unknown ones are warned of.
pub(super) fn apply(root: &mut Node, environment: &dyn Environment, report: &mut Report) {
    if root.is_null() {
        root.value = Value::Map(Vec::new());
    }
    let mut names = environment.variable_names();
    names.sort();
    for name in names.iter().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str())) {
        match settings().find(|key| variable_of(*key) == *name) {
            Some(key) => set(root, key.name(), name, environment),
            None => warn(name, report),
        }
    }
}

/// Returns the settings that a variable can hold.
fn settings() -> impl Iterator<Item = &'static dyn Key> {
    TOP.keys.iter().copied().filter(|key| key.is_text())
}

/// Returns the name of the variable of `key`.
pub(super) fn variable_of(key: &dyn Key) -> String {
    format!("{PREFIX}{}", key.name().to_ascii_uppercase())
}

fn set(root: &mut Node, key: &str, variable: &str, environment: &dyn Environment) {
    let (Some(text), Value::Map(members)) = (environment.variable(variable), &mut root.value) else { return };
    let place = Place::whole(variable);
    let node = Node::new(place.clone(), Value::Text(text));
    members.retain(|member| member.key != key);
    members.push(Member { key: key.to_owned(), place, node });
}

fn warn(name: &str, report: &mut Report) {
    let known: Vec<String> = settings().map(variable_of).collect();
    let hint =
        nearest_variable(name, &known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    report.warn(&Place::whole(name), format!("this variable is no setting and has no effect{hint}"));
}

/// The prefix is left out: it would make all variables look alike.
fn nearest_variable(name: &str, known: &[String]) -> Option<String> {
    let endings = known.iter().filter_map(|known| known.strip_prefix(PREFIX)).map(str::to_ascii_lowercase);
    let endings: Vec<String> = endings.collect();
    let near = nearest(name.strip_prefix(PREFIX)?, endings.iter().map(String::as_str))?;
    Some(format!("{PREFIX}{}", near.to_ascii_uppercase()))
}
