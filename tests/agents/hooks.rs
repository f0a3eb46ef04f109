//! The adapter with the hooks of opencode 2.x, which cannot be installed: a context stands in for it, in the
//! runtime that is inside of opencode 1.x.

use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Setup, plugin, tree};
use serde_json::{Value, json};

use crate::rig::{Places, Rig, bin};

/// Longer than a retry of opencode would wait.
const LONG: u64 = 7_200;

#[tokio::test]
async fn hooks_redirect_to_the_loopback_with_the_token_and_without_hooks_nothing_happens() {
    let setup = Setup::new().anthropic("a", free()).gemini("g", spent(LONG)).openai("o", free());
    let Some(rig) = Rig::agents(setup) else { return };
    let places = Places::new();
    let mut script = places.command(bin().join("opencode"));
    script.arg(tree::root().join("tests/agents/hooks.ts")).env("BUN_BE_BUN", "1");
    script.env("POINTSMAN_PLUGIN", plugin::path()).env("POINTSMAN_CONFIG", rig.config());
    let output = script.output().await.expect("it starts");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));

    assert_eq!(seen["quiet"], true, "without `session.hook` it does nothing: {seen}");
    let failure = seen["failure"].as_str().expect("text");
    assert!(failure.contains("not loaded: no library at /nowhere") && failure.lines().count() == 1, "{seen}");
    assert_eq!(seen["names"], json!(["http.request", "retry"]), "{seen}");
    assert_eq!(seen["hostname"], "127.0.0.1", "{seen}");
    assert_eq!(seen["target"], "https://api.anthropic.com/v1/messages", "{seen}");
    assert_eq!(seen["status"], 200, "{seen}");
    assert_eq!(seen["stranger"], 401, "nobody comes in without the token: {seen}");
    assert_eq!(seen["aborts"], true, "{seen}");
    assert_eq!(seen["left"], json!([true, true, true]), "what is not served stays as it is: {seen}");
    assert_eq!(seen["refusal"], 424, "{seen}");
    assert_eq!(seen["retries"], json!([false, true, true]), "{seen}");
    assert_eq!(rig.calls("a"), 1);
}
