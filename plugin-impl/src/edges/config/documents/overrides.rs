//! Environment variables for settings of the top level and of providers.
//!
//! A variable replaces the file's node in the tree, so the same code reads, checks and explains both; the
//! place of the node is the variable's name. `POINTSMAN_PROVIDERS__ACME__BASE_URL` is `base_url` of the
//! provider `acme`.

use crate::edges::config::documents::catalog;
use crate::edges::config::documents::{Node, Value, YamlMember};
use crate::edges::config::environment::Environment;
use crate::edges::config::reading::problem::nearest;
use crate::edges::config::reading::report::{Place, Report};
use crate::edges::config::settings::setting::Key;
use crate::edges::config::settings::{BASE_URL, PROVIDER, PROVIDERS, TOP};

const PREFIX: &str = "POINTSMAN_";
const OF_PROVIDER: &str = "POINTSMAN_PROVIDERS__";
/// The separator between levels.
const LEVEL: &str = "__";

/// Variables with the prefix, but without a setting: places of library and configuration, level of the log.
const OTHERS: [&str; 3] = ["POINTSMAN_PLUGIN", "POINTSMAN_CONFIG", "POINTSMAN_LOG"];

/// Merges the variables into `root`, with a warning for unknown names.
pub(crate) fn apply(root: &mut Node, environment: &dyn Environment, report: &Report) {
    if root.is_null() {
        root.value = Value::Map(Vec::new());
    }
    let mut names = environment.variable_names();
    names.sort();
    for name in names.iter().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str())) {
        let path = match settings().find(|key| variable_of(*key) == *name) {
            Some(key) => Some(vec![key.name().to_owned()]),
            None => in_provider(name, root),
        };
        match path {
            Some(path) => set(root, &path, name, environment),
            None => warn(name, report),
        }
    }
}

/// Returns the settings with a variable.
fn settings() -> impl Iterator<Item = &'static dyn Key> {
    TOP.keys.iter().copied().filter(|key| key.is_text())
}

/// Returns the variable of `key`.
pub(crate) fn variable_of(key: &dyn Key) -> String {
    format!("{PREFIX}{}", key.name().to_ascii_uppercase())
}

/// Returns the settings of a provider with a variable. A single URL is a valid list of URLs.
fn settings_of_provider() -> impl Iterator<Item = &'static dyn Key> {
    PROVIDER.keys.iter().copied().filter(|key| key.is_text() || key.name() == BASE_URL.name)
}

/// Returns the path of a provider's setting. An unknown provider is new; a variable's name has no hyphen,
/// the provider's name may have one.
fn in_provider(variable: &str, root: &Node) -> Option<Vec<String>> {
    let (provider, key) = variable.strip_prefix(OF_PROVIDER)?.split_once(LEVEL)?;
    let key = settings_of_provider().find(|known| known.name().eq_ignore_ascii_case(key))?.name();
    let catalog = catalog::tree();
    let written = root.member(PROVIDERS.name).map(|member| member.node.members()).unwrap_or_default();
    let mut known = written.iter().chain(catalog.members()).map(|member| &member.key);
    let named = known.find(|known| known.replace('-', "_").eq_ignore_ascii_case(provider));
    let provider = named.cloned().unwrap_or_else(|| provider.to_ascii_lowercase());
    (!provider.is_empty()).then(|| vec![PROVIDERS.name.to_owned(), provider, key.to_owned()])
}

fn set(root: &mut Node, path: &[String], variable: &str, environment: &dyn Environment) {
    let Some(text) = environment.variable(variable) else { return };
    put(root, path, Node::new(Place::whole(variable), Value::Text(text)));
}

fn put(root: &mut Node, path: &[String], node: Node) {
    let Some((key, rest)) = path.split_first() else { return *root = node };
    if root.is_null() {
        root.value = Value::Map(Vec::new());
    }
    // What is no map is reported where it is read.
    let Value::Map(members) = &mut root.value else { return };
    let place = node.place.clone();
    let at = members.iter().position(|member| member.key == *key).unwrap_or_else(|| {
        let node = Node::new(place.clone(), Value::Null);
        members.push(YamlMember { key: key.clone(), place: place.clone(), node });
        members.len() - 1
    });
    if rest.is_empty() {
        members[at].place = place;
    }
    put(&mut members[at].node, rest, node);
}

fn warn(name: &str, report: &Report) {
    let hint = nearest_variable(name).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    report.warn(&Place::whole(name), format!("this variable is no setting and has no effect{hint}"));
}

/// The common prefix is left out, since it would make all names similar.
fn nearest_variable(name: &str) -> Option<String> {
    let of_provider = name.strip_prefix(OF_PROVIDER).and_then(|rest| rest.rsplit_once(LEVEL));
    let (key, known): (&str, Vec<&str>) = match of_provider {
        Some((_, key)) => (key, settings_of_provider().map(Key::name).collect()),
        None => (name.strip_prefix(PREFIX)?, settings().map(Key::name).collect()),
    };
    let near = nearest(key, known)?;
    Some(format!("{}{}", &name[..name.len() - key.len()], near.to_ascii_uppercase()))
}
