//! Consent to a project's configuration.
//!
//! A `./pointsman.yaml` that nobody named comes with its folder, and a folder can come from anybody. What only picks
//! among accounts at built-in providers, by variables of the user's, works at once. What could send requests or
//! credentials elsewhere, or run something, needs the user's consent, once: it is kept as a hash of the file's path and
//! of all that matters in it, so that another base URL needs consent anew and another strategy does not.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{SHA256, digest};

use super::account::VARIABLES;
use super::environment::Environment;
use super::paths::xdg;
use super::problem::{Problem, shown};
use super::report::{ConfigErrors, Place, Report};
use super::yaml::{self, Node, Value};

/// Settings that decide order, waits and bounds, and nothing about where anything goes.
const TUNING: [&str; 18] = [
    "quota_fallback",
    "fallback_order",
    "strategy",
    "hybrid",
    "affinity",
    "quiet_mode",
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
/// The same of an account.
const TUNING_OF_ACCOUNT: [&str; 5] =
    ["weight", "enabled", "max_in_flight", "concurrency", "quota_protection"];
/// What a file of the user's own could hold as well as anybody's: an account's name, and the variable of its key.
const OF_THE_USER: [&str; 5] = ["id", "project", "credential", "api_key.env", "access_token.env"];
/// Values that say where something goes; all others may be secrets.
const SHOWN: [&str; 6] = ["base_url", "token_url", "quota_url", "listen", "file", "command[0]"];

/// A value that is neither a list nor a map, and the path of its key.
struct Leaf<'a> {
    path: String,
    text: &'a str,
    place: &'a Place,
}

/// Returns the file that keeps what the user has agreed to.
pub fn consent_file(environment: &dyn Environment) -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state", environment).map(|state| state.join("pointsman").join("trusted"))
}

/// Says whether the user has agreed to a project's configuration, or need not.
///
/// # Errors
/// What in it needs consent, and how to give it. What is no YAML is told by whoever reads it.
pub(super) fn check_text(text: &str, path: &Path, environment: &dyn Environment) -> Result<(), ConfigErrors> {
    let name = path.display().to_string();
    match yaml::parse(text, &Arc::from(&*name), &mut Report::default()) {
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

/// Keeps that the user agrees to the configuration at `path` as it is. Returns its whole path.
///
/// # Errors
/// Where it is no YAML, or where the consent cannot be kept.
pub fn give(path: &Path, environment: &dyn Environment) -> Result<PathBuf, ConfigErrors> {
    let name = path.display().to_string();
    let unreadable =
        |error: io::Error| ConfigErrors::one(Place::whole(&name), Problem::Unreadable(error.to_string()));
    let text = environment.read(path).map_err(unreadable)?;
    let root = yaml::parse(&text, &Arc::from(&*name), &mut Report::default());
    let root = root.map_err(|error| ConfigErrors { errors: vec![*error], left_out: 0 })?;
    let whole = environment.absolute(path);
    let file = consent_file(environment).ok_or_else(|| unreadable(io::ErrorKind::NotFound.into()))?;
    let line = format!("{} {}\n", fingerprint(&whole, &leaves(&root)), whole.display());
    environment.append(&file, &line).map_err(|error| {
        ConfigErrors::one(Place::whole(&file.display().to_string()), Problem::Unwritable(error.to_string()))
    })?;
    Ok(whole)
}

/// Hashes where a file is, and all in it but the tuning.
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

/// Returns what needs consent, each with its line.
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

    /// Returns the path within an account, with the account's own before it.
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

    /// Says whether a well-known variable of one provider goes to another.
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
