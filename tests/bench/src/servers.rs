//! The servers of a comparison: the local upstream, and the gateway in front of it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::artifacts::Artifacts;
use crate::process::Process;

/// A server and its address, `HOST:PORT`.
#[derive(Debug)]
pub struct Server {
    pub process: Process,
    pub address: String,
}

/// Starts a local upstream that asks for no credential and answers at `pace` (see the script of
/// `pointsman-upstream`).
///
/// # Errors
/// Whatever keeps it from starting.
pub fn upstream(
    artifacts: &Artifacts,
    scratch: &Path,
    pace: &Value,
    processor: Option<usize>,
) -> io::Result<Server> {
    let script = json!({
        "accounts": [{"label": "anonymous"}],
        "stranger": "anonymous",
        "recording": "off",
        "models": ["claude-sonnet-4-6"],
        "pace": pace,
    });
    let file = scratch.join("script.json");
    fs::write(&file, script.to_string())?;
    let mut command = Command::new(artifacts.program("pointsman-upstream"));
    command.arg("--script").arg(file);
    let mut process = Process::start(&command, processor)?;
    let address = after_scheme(&process.first_line()?);
    Ok(Server { process, address })
}

/// Starts `pointsman serve` in front of an upstream.
///
/// # Errors
/// Whatever keeps it from starting.
pub fn gateway(
    artifacts: &Artifacts,
    scratch: &Path,
    upstream: &str,
    processor: Option<usize>,
) -> io::Result<Server> {
    let file = scratch.join("pointsman.yaml");
    fs::write(&file, config(upstream, 16))?;
    let mut command = Command::new(artifacts.program("pointsman"));
    command.arg("--plugin").arg(artifacts.library());
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(file);
    // As a user runs it, but with state of its own.
    command.env("POINTSMAN_STORE", "sqlite").env("POINTSMAN_STATE_DIR", scratch);
    let mut process = Process::start(&command, processor)?;
    let address = after_scheme(&process.first_line()?);
    Ok(Server { process, address })
}

/// Writes a configuration with so many accounts at one upstream.
pub fn config(upstream: &str, accounts: usize) -> String {
    let mut text =
        format!("store: memory\nproviders:\n  anthropic: {{base_url: \"http://{upstream}\"}}\naccounts:\n");
    for number in 0..accounts {
        text += &format!("  - {{id: \"anthropic:a{number}\", api_key: \"key-{number}\"}}\n");
    }
    text
}

/// Cuts `HOST:PORT` out of a line with a URL in it.
fn after_scheme(line: &str) -> String {
    let (_, rest) = line.split_once("http://").unwrap_or(("", line));
    rest.chars().take_while(|c| !matches!(c, ';' | '/' | ' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_a_banner() {
        let banner = "pointsman 0.1.0 listens on http://127.0.0.1:81; ask it: pointsman status";
        assert_eq!(after_scheme(banner), "127.0.0.1:81");
        assert_eq!(after_scheme("http://127.0.0.1:82"), "127.0.0.1:82");
    }
}
