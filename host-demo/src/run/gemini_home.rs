//! A home for Gemini CLI: the user's, except for the sign-in method.
//!
//! With a base URL, Gemini CLI chooses a sign-in method and then refuses it; only settings can choose
//! another. System settings would do, but must belong to root. The launch therefore gets a private home:
//! links to the user's files, and a copy of the settings with `selectedType`. Writes go through the links,
//! except for changes of settings, lost at the end of the launch.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::jsonc;

/// The variable with Gemini CLI's home.
pub(super) const VARIABLE: &str = "GEMINI_CLI_HOME";

const FOLDER: &str = ".gemini";
const SETTINGS: &str = "settings.json";
const SIGN_IN: &str = "gemini-api-key";

/// Returns Gemini CLI's usual home.
pub(super) fn of_user(environment: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    [VARIABLE, "HOME", "USERPROFILE"]
        .into_iter()
        .find_map(|name| environment(name).filter(|value| !value.is_empty()))
        .map(PathBuf::from)
}

/// Makes a home beside the user's; none if the user's own suffices.
///
/// # Errors
/// Unreadable settings, or a folder that cannot be made.
pub(super) fn beside(user: Option<&Path>) -> anyhow::Result<Option<TempDir>> {
    let own = user.map(|user| user.join(FOLDER));
    let mut settings = own.as_deref().map(settings).transpose()?.unwrap_or_default();
    if settings.get("security").and_then(|s| s["auth"]["selectedType"].as_str()) == Some(SIGN_IN) {
        return Ok(None);
    }
    choose(&mut settings);
    let home = tempfile::Builder::new().prefix("pointsman-").tempdir()?;
    let folder = home.path().join(FOLDER);
    fs::create_dir(&folder)?;
    if let Some(own) = own.filter(|own| own.is_dir()) {
        link_all(&own, &folder)?;
    }
    fs::write(folder.join(SETTINGS), Value::Object(settings).to_string())?;
    Ok(Some(home))
}

fn settings(folder: &Path) -> anyhow::Result<Map<String, Value>> {
    let path = folder.join(SETTINGS);
    match fs::read_to_string(&path) {
        Ok(text) => jsonc::object(&text).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn choose(settings: &mut Map<String, Value>) {
    let security = settings.entry("security").or_insert_with(|| json!({}));
    if !security.is_object() {
        *security = json!({});
    }
    if !security["auth"].is_object() {
        security["auth"] = json!({});
    }
    security["auth"]["selectedType"] = SIGN_IN.into();
}

fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != OsStr::new(SETTINGS) {
            link(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

/// Few users there may make links, so files are hard-linked and folders are left out.
#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() { fs::hard_link(from, to) } else { Ok(()) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn user(settings: &str) -> TempDir {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join(FOLDER)).expect("a folder");
        fs::write(home.path().join(FOLDER).join(SETTINGS), settings).expect("a file");
        fs::write(home.path().join(FOLDER).join("GEMINI.md"), "be brief").expect("a file");
        home
    }

    fn made(home: &TempDir) -> Value {
        let text = fs::read_to_string(home.path().join(FOLDER).join(SETTINGS)).expect("settings");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn the_way_to_sign_in_is_another_and_all_else_is_the_users() {
        let written = r#"{"ui": {"theme": "Dracula"}, /* mine */ "security": {"auth": {"selectedType": "oauth-personal"}}}"#;
        let user = user(written);
        let home = beside(Some(user.path())).expect("a home").expect("one that is needed");
        let settings = made(&home);
        assert_eq!(settings["security"]["auth"]["selectedType"], SIGN_IN);
        assert_eq!(settings["ui"]["theme"], "Dracula");
        let memory = home.path().join(FOLDER).join("GEMINI.md");
        assert_eq!(fs::read_to_string(&memory).expect("a link"), "be brief");
        fs::write(&memory, "be clear").expect("a link that can be written through");
        assert_eq!(fs::read_to_string(user.path().join(".gemini/GEMINI.md")).expect("a file"), "be clear");
        let own = fs::read_to_string(user.path().join(".gemini/settings.json")).expect("a file");
        assert_eq!(own, written, "the user's settings are as they were");
    }

    #[test]
    fn a_home_that_will_do_is_left_alone() {
        let user = user(r#"{"security": {"auth": {"selectedType": "gemini-api-key"}}}"#);
        assert!(beside(Some(user.path())).expect("no error").is_none());
    }

    #[test]
    fn a_home_without_settings_gets_some() {
        let empty = tempfile::tempdir().expect("a folder");
        for user in [Some(empty.path()), None] {
            let home = beside(user).expect("a home").expect("one that is needed");
            assert_eq!(made(&home)["security"]["auth"]["selectedType"], SIGN_IN);
        }
    }

    #[test]
    fn settings_that_cannot_be_read_are_named() {
        let error = beside(Some(user("{").path())).expect_err("no JSON");
        assert!(format!("{error:#}").contains("settings.json"), "{error:#}");
    }
}
