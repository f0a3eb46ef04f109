//! Agents with a row of `pointsman run` that are tried with one prompt each.

use pointsman_tests::Setup;
use pointsman_tests::setup::free;

use crate::rig::Rig;

async fn check(setup: Setup, command: &[&str], account: &str, path: &str) {
    let Some(rig) = Rig::agents(setup) else { return };
    rig.run(command).await.answered_by(account);
    let entries = rig.upstream.ledger().entries();
    let asked: Vec<_> = entries.iter().filter(|entry| entry.account.as_deref() == Some(account)).collect();
    assert!(!asked.is_empty() && asked.iter().all(|entry| entry.path.starts_with(path)), "{asked:#?}");
}

fn anthropic() -> Setup {
    Setup::new().anthropic("work", free())
}

fn openai() -> Setup {
    Setup::new().openai("other", free())
}

#[tokio::test]
async fn copilot_asks_in_the_format_that_has_an_account() {
    let command = |model| ["copilot", "--model", model, "--allow-all-tools", "-p", "hi"];
    check(anthropic(), &command("claude-sonnet-4-6"), "work", "/v1/messages").await;
    check(openai(), &command("gpt-5"), "other", "/v1/").await;
}

#[tokio::test]
async fn qwen_signs_in_by_the_format_that_has_an_account() {
    check(openai(), &["qwen", "-m", "gpt-5", "-p", "hi"], "other", "/v1/chat/completions").await;
    check(anthropic(), &["qwen", "-m", "claude-sonnet-4-6", "-p", "hi"], "work", "/v1/messages").await;
}

#[tokio::test]
async fn droid_asks_for_the_model_of_its_private_file() {
    let command = |model| ["droid", "exec", "-m", model, "hi"];
    check(anthropic(), &command("custom:claude-sonnet-4-6"), "work", "/v1/messages").await;
    check(openai(), &command("custom:gpt-5"), "other", "/v1/responses").await;
}
