//! Agents with a key of their own, at an account that uses each caller's credential.

use pointsman_tests::Setup;
use pointsman_tests::setup::{free, secret, spent};
use pointsman_upstream::Pool;

use crate::rig::{Agent, Places, Rig, Said};

/// Runs an agent that has the key of Alice, whose account is known to the upstream alone.
async fn asked(agent: Agent, provider: &str, variable: &str, alice: Pool) -> Option<Said> {
    let setup = Setup::new().callers(provider, "own").caller("alice", alice);
    let rig = Rig::agents(agent.account(setup, "shared", free()))?;
    let places = Places::new();
    let mut run = rig.command(&places, &[], &agent.asked("say hi"));
    run.env(variable, secret("key", "alice"));
    let said = places.start(run).said().await;
    let sent = rig.upstream.ledger().entries();
    let of_alice = sent.iter().filter(|entry| entry.account.as_deref() == Some("alice"));
    assert!(of_alice.count() > 0, "{said:#?}");
    Some(said)
}

#[tokio::test]
async fn claude_with_a_key_of_its_own_uses_it_and_goes_on_at_the_others_when_it_is_limited() {
    let Some(said) = asked(Agent::Claude, "anthropic", "ANTHROPIC_API_KEY", free()).await else { return };
    said.answered_by("alice");
    let limited = asked(Agent::Claude, "anthropic", "ANTHROPIC_API_KEY", spent(60)).await;
    limited.expect("they are run").answered_by("shared");
}

#[tokio::test]
async fn codex_with_a_key_of_its_own_uses_it_and_goes_on_at_the_others_when_it_is_limited() {
    let Some(said) = asked(Agent::Codex, "openai", "CODEX_API_KEY", free()).await else { return };
    said.answered_by("alice");
    let limited = asked(Agent::Codex, "openai", "CODEX_API_KEY", spent(60)).await;
    limited.expect("they are run").answered_by("shared");
}
