//! The SDKs that agents are made with, as they come from their registries, through the gateway.
//!
//! Each script asks whole and streamed, with a tool, a picture and a long text, lists models, counts tokens
//! and meets a limit. One account of each provider is spent, so that what succeeds was routed. By itself,
//! because it installs packages: `cargo test -p pointsman-tests --test sdks`.

use std::path::Path;
use std::process::{Command, Stdio};

use pointsman_tests::packages::{Installed, node, python};
use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Setup, Stage};
use pointsman_upstream::Entry;

/// What the scripts send as a picture begins so, in every format.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ";

#[tokio::test]
async fn the_sdks_for_python_work_unmodified() {
    let Some(installed) = python(env!("CARGO_TARGET_TMPDIR"), "sdks/python") else { return };
    for script in ["anthropic_sdk.py", "openai_sdk.py", "google_sdk.py"] {
        check(&installed, script).await;
    }
}

#[tokio::test]
async fn the_sdks_for_node_work_unmodified() {
    let Some(installed) = node(env!("CARGO_TARGET_TMPDIR"), "sdks/node") else { return };
    for script in ["anthropic_sdk.mjs", "openai_sdk.mjs", "google_sdk.mjs", "ai_sdk.mjs"] {
        check(&installed, script).await;
    }
}

/// Runs a script, and looks into the upstream's books.
async fn check(installed: &Installed, script: &str) {
    let stage = stage();
    let base = format!("http://{}", stage.gateway());
    let (program, folder) = (installed.program.clone(), installed.folder.clone());
    let owned = script.to_owned();
    let ran = tokio::task::spawn_blocking(move || run(&program, &folder, &owned, &base)).await;
    if let Err(said) = ran.expect("the thread has no panic") {
        panic!("{script}: {said}");
    }
    let entries = stage.upstream.ledger().entries();
    assert!(entries.iter().any(|entry| holds(entry, PICTURE)), "{script}: the picture arrived");
    assert!(entries.iter().any(|entry| entry.body_length > 190_000), "{script}: the long text arrived");
    if script.starts_with("anthropic") {
        assert!(entries.iter().any(|entry| entry.header("anthropic-beta") == Some("one-2026-01-01")));
    }
    assert!(stage.counter("trips") > 0, "{script}: the spent account was met");
    assert_eq!(stage.counter("failed"), 0, "{script}");
}

fn stage() -> Stage {
    let providers = ["anthropic", "openai", "gemini"];
    let pair = |setup: Setup, provider: &str| {
        let setup = setup.keyed(provider, &format!("spent-{provider}"), spent(3_600), 1);
        setup.keyed(provider, provider, free(), 1)
    };
    providers.into_iter().fold(Setup::new(), pair).start()
}

fn holds(entry: &Entry, text: &str) -> bool {
    String::from_utf8_lossy(&entry.body).contains(text)
}

fn run(program: &Path, folder: &Path, script: &str, base: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.arg(script).current_dir(folder).env("POINTSMAN_BASE", base).stdin(Stdio::null());
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(variable);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}
