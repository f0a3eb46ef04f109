//! Consent to a project's configuration.
//!
//! An unnamed `./pointsman.yaml` comes with the folder, and a folder can come from anybody. A file limited
//! to choices among accounts at built-in providers, by the user's variables, works at once. A file with
//! settings to send requests or credentials elsewhere, or to run a command, needs the user's consent once.
//! The consent is kept as a hash of the file's path and of every value outside the tuning, so a new base
//! URL needs new consent and a new strategy does not.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{SHA256, digest};

use crate::edges::config::accounts::VARIABLES;
use crate::edges::config::documents::locate::xdg;
use crate::edges::config::documents::{self, Node, Value};
use crate::edges::config::environment::Environment;
use crate::edges::config::reading::problem::{Problem, shown};
use crate::edges::config::reading::report::{ConfigErrors, Place, Report};

/// Settings of order, waits and bounds, without effect on any destination.
const TUNING: [&str; 20] = [
    "quota_fallback",
    "fallback_order",
    "strategy",
    "hybrid",
    "affinity",
    "quiet_mode",
    "unbind",
    "drain",
    "max_wait",
    "quota_refresh",
    "recheck",
    "max_waiting",
    "hold",
    "interactive_first",
    "store",
    "retry_budget",
    "quota_protection",
    "pool_order",
    "timeouts",
    "max_body",
];
/// Tuning settings of an account.
const TUNING_OF_ACCOUNT: [&str; 7] =
    ["weight", "priority", "models", "enabled", "max_in_flight", "concurrency", "quota_protection"];
/// Harmless settings of an account, even from a stranger: the account's name, and the variable of the key.
const OF_THE_USER: [&str; 5] = ["id", "project", "credential", "api_key.env", "access_token.env"];
/// Destinations, shown to the user; any further value may be a secret.
const SHOWN: [&str; 8] =
    ["base_url", "token_url", "quota_url", "listen", "file", "command[0]", "store_path", "state_dir"];

/// A scalar value, with the path of the key.
struct Leaf<'a> {
    path: String,
    text: &'a str,
    place: &'a Place,
}

/// Returns the path of the file of consents.
pub fn consent_file(environment: &dyn Environment) -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state", environment).map(|state| state.join("pointsman").join("trusted"))
}

/// Checks the user's consent to a project's configuration, if consent is needed.
///
/// # Errors
/// The settings in need of consent, and the way to give consent. Malformed YAML is reported by the reader
/// of the file.
pub(crate) fn check_text(text: &str, path: &Path, environment: &dyn Environment) -> Result<(), ConfigErrors> {
    let name = path.display().to_string();
    match documents::parse(text, &Arc::from(&*name), &Report::default()) {
        Ok(root) => check(&root, path, environment),
        Err(_) => Ok(()),
    }
}

fn check(root: &Node, path: &Path, environment: &dyn Environment) -> Result<(), ConfigErrors> {
    let leaves = leaves(root);
    let claims = claims(&leaves);
    let whole = environment.absolute(path);
    if claims.is_empty() || is_given(&fingerprint(&whole, &leaves), environment) {
        return Ok(());
    }
    let path_of_file = whole.display().to_string();
    let problem = Problem::Untrusted { path: path_of_file, claims: claims.join("; ") };
    Err(ConfigErrors::one(Place::whole(&path.display().to_string()), problem))
}

fn is_given(fingerprint: &str, environment: &dyn Environment) -> bool {
    let known = consent_file(environment).and_then(|file| environment.read(&file).ok());
    known.is_some_and(|known| known.lines().any(|line| line.split(' ').next() == Some(fingerprint)))
}

/// Stores the user's consent to the present configuration at `path`. Returns the absolute path.
///
/// # Errors
/// If the file is unreadable or malformed YAML, or if the consent cannot be stored.
pub fn give(path: &Path, environment: &dyn Environment) -> Result<PathBuf, ConfigErrors> {
    let name = path.display().to_string();
    let unreadable =
        |error: io::Error| ConfigErrors::one(Place::whole(&name), Problem::Unreadable(error.to_string()));
    let text = environment.read(path).map_err(unreadable)?;
    let root = documents::parse(&text, &Arc::from(&*name), &Report::default());
    let root = root.map_err(|error| ConfigErrors { errors: vec![*error], left_out: 0 })?;
    let whole = environment.absolute(path);
    let file = consent_file(environment).ok_or_else(|| unreadable(io::ErrorKind::NotFound.into()))?;
    let line = format!("{} {}\n", fingerprint(&whole, &leaves(&root)), whole.display());
    environment.append(&file, &line).map_err(|error| {
        ConfigErrors::one(Place::whole(&file.display().to_string()), Problem::Unwritable(error.to_string()))
    })?;
    Ok(whole)
}

/// Hashes the file's path and every value outside the tuning.
fn fingerprint(path: &Path, leaves: &[Leaf<'_>]) -> String {
    let mut text = format!("{}\n", path.display());
    for leaf in leaves.iter().filter(|leaf| !leaf.is_tuning()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}={:?}", leaf.path, leaf.text);
    }
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Returns the values in need of consent, each with a line number.
fn claims(leaves: &[Leaf<'_>]) -> Vec<String> {
    const MOST: usize = 6;
    let needing: Vec<_> = leaves.iter().filter(|leaf| leaf.needs_consent(leaves)).collect();
    let mut claims: Vec<String> = needing.iter().take(MOST).map(|leaf| leaf.claim()).collect();
    if needing.len() > MOST {
        claims.push(format!("{} more", needing.len() - MOST));
    }
    claims
}

impl Leaf<'_> {
    fn top(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or_default()
    }

    /// Splits a path below an account into the account's path and the rest.
    fn in_account(&self) -> Option<(&str, &str)> {
        (self.top() == "accounts").then(|| self.path.split_once("]."))?
    }

    fn is_tuning(&self) -> bool {
        let of_account = |(_, key): (&str, &str)| {
            TUNING_OF_ACCOUNT.contains(&key.split(['.', '[']).next().unwrap_or_default())
        };
        TUNING.contains(&self.top()) || self.in_account().is_some_and(of_account)
    }

    fn needs_consent(&self, all: &[Self]) -> bool {
        if self.is_tuning() || self.top() == "fallbacks" || self.is_loopback() {
            return false;
        }
        match self.in_account() {
            Some((account, key)) if OF_THE_USER.contains(&key) => {
                key.ends_with(".env") && self.is_of_another_provider(account, all)
            }
            Some(_) | None => true,
        }
    }

    fn is_loopback(&self) -> bool {
        let loopback = ["127.0.0.1:", "localhost:", "[::1]:"];
        self.path == "listen" && loopback.iter().any(|host| self.text.starts_with(host))
    }

    /// Returns whether the well-known variable of a provider is used for another provider.
    fn is_of_another_provider(&self, account: &str, all: &[Self]) -> bool {
        let id = format!("{account}].id");
        let provider = all.iter().find(|leaf| leaf.path == id).and_then(|leaf| leaf.text.split(':').next());
        VARIABLES.iter().any(|(variable, own)| *variable == self.text && provider != Some(own))
    }

    fn claim(&self) -> String {
        let is_shown =
            SHOWN.iter().any(|key| self.path.ends_with(key) || self.path.contains(&format!("{key}[")));
        let value = if is_shown { format!(" = `{}`", shown(self.text)) } else { String::new() };
        format!("`{}`{value} ({})", shown(&self.path), self.place)
    }
}

fn leaves(root: &Node) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    collect(root, String::new(), &mut leaves);
    leaves
}

fn collect<'a>(node: &'a Node, path: String, leaves: &mut Vec<Leaf<'a>>) {
    match &node.value {
        Value::Null => {}
        Value::Text(text) => leaves.push(Leaf { path, text, place: &node.place }),
        Value::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, format!("{path}[{at}]"), leaves));
        }
        Value::Map(members) => {
            for member in members {
                let dot = if path.is_empty() { "" } else { "." };
                collect(&member.node, format!("{path}{dot}{}", member.key), leaves);
            }
        }
    }
}
