//! `pointsman init`: a first configuration, from the keys in the environment.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use pointsman_api::{Error, ErrorCode};

use crate::cli::Init;

/// The usual key variables, with the account for each.
const KEYS: [(&str, &str); 8] = [
    ("ANTHROPIC_API_KEY", "anthropic:main"),
    ("OPENAI_API_KEY", "openai:main"),
    ("GEMINI_API_KEY", "gemini:main"),
    ("OPENROUTER_API_KEY", "openrouter:main"),
    ("DEEPSEEK_API_KEY", "deepseek:main"),
    ("GROQ_API_KEY", "groq:main"),
    ("MISTRAL_API_KEY", "mistral:main"),
    ("XAI_API_KEY", "xai:main"),
];

const HEAD: &str = "\
# Pointsman: your accounts, and how requests are spread over them.
# Check it with `pointsman check`. Every setting: docs/CONFIG.md

# One line for each account, as `provider:label`. A key is better named than written here:
#   {env: VARIABLE}   {file: PATH}   {command: [PROGRAM, ARGUMENT]}
accounts:
";

const TAIL: &str = "
# Where the gateway listens: this machine only.
listen: 127.0.0.1:8787

# How long a request may wait for an account, all its waits together.
max_wait: 120s

# May requests spend another quota pool of an account when the preferred one is used up?
quota_fallback: false

# Which account goes first. Others are in docs/STRATEGIES.md.
strategy: hybrid

# A provider that is not built in:
# providers:
#   acme: {kind: openai, base_url: \"https://api.acme.example/v1\"}
";

/// Writes the file, and prints its place.
///
/// # Errors
/// An existing file, or an unwritable place.
pub(crate) fn run(arguments: &Init) -> anyhow::Result<()> {
    let path = match &arguments.config {
        Some(path) => path.clone(),
        None => usual_place()?,
    };
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    write(&path, &text(&is_set))?;
    let mut out = io::stdout().lock();
    writeln!(out, "wrote {}", path.display())?;
    let found: Vec<_> = KEYS.iter().map(|(name, _)| *name).filter(|name| is_set(name)).collect();
    if found.is_empty() {
        writeln!(out, "No key was found in the environment: name yours under `accounts`.")?;
    } else {
        writeln!(out, "accounts for {}", found.join(", "))?;
    }
    let option =
        arguments.config.as_ref().map(|path| format!(" --config {}", path.display())).unwrap_or_default();
    writeln!(out, "next: pointsman check{option}, then pointsman run{option} -- claude")?;
    Ok(())
}

/// Returns the file: accounts with set variables as entries, a few others as comments.
fn text(is_set: &dyn Fn(&str) -> bool) -> String {
    let line = |(variable, account): &(&str, &str)| {
        format!("- {{id: \"{account}\", api_key: {{env: {variable}}}}}\n")
    };
    let (set, unset): (Vec<_>, Vec<_>) = KEYS.iter().partition(|(variable, _)| is_set(variable));
    let mut accounts: String = set.iter().map(|key| format!("  {}", line(key))).collect();
    if set.is_empty() {
        accounts += "  []\n";
    }
    let examples: String = unset.iter().take(3).map(|key| format!("  # {}", line(key))).collect();
    format!("{HEAD}{accounts}{examples}{TAIL}")
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    match private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Ok(mut file) => Ok(file.write_all(text.as_bytes())?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = format!(
                "{} is there already, and stays as it is; name another with --config",
                path.display()
            );
            Err(Error::new(ErrorCode::CONFIG, text).into())
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

/// The file may get keys, so its mode is private.
#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Returns the usual place of the user's configuration.
fn usual_place() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set("HOME").or_else(|| set("USERPROFILE")).map(|home| home.join(".config"));
    match set("XDG_CONFIG_HOME").or_else(home) {
        Some(folder) => Ok(folder.join("pointsman").join("pointsman.yaml")),
        None => bail!("there is no home folder to write to; name a file with --config"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_set_become_accounts_and_others_examples() {
        let text = text(&|name| name == "OPENAI_API_KEY");
        let accounts: Vec<_> = text.lines().filter(|line| line.contains("api_key")).collect();
        assert_eq!(
            accounts,
            [
                "  - {id: \"openai:main\", api_key: {env: OPENAI_API_KEY}}",
                "  # - {id: \"anthropic:main\", api_key: {env: ANTHROPIC_API_KEY}}",
                "  # - {id: \"gemini:main\", api_key: {env: GEMINI_API_KEY}}",
                "  # - {id: \"openrouter:main\", api_key: {env: OPENROUTER_API_KEY}}",
            ]
        );
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/pointsman.yaml");
        write(&path, "accounts: []\n").expect("it is written");
        let error = write(&path, "other").expect_err("it is there");
        assert!(error.to_string().contains("stays as it is"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "accounts: []\n");
    }
}
