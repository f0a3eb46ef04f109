//! Refusals: an agent fails soon and legibly where the wait is long, and comes back where it is short.

use std::time::Duration;

use pointsman_tests::Setup;
use pointsman_tests::setup::{free, spent};
use pointsman_upstream::{Fault, Harm, Shape};

use crate::rig::{Agent, Rig};

/// Everything is limited for two hours. The agent asks once for each thing that it wants, and its user
/// reads why there is no answer.
async fn check_fails(agent: Agent, requests: usize, words: &str) {
    let Some(rig) = Rig::agents(agent.account(Setup::new(), "work", spent(7_200))) else { return };
    let said = rig.ask(agent, "say hi").await.failed_with(words);
    let plural = if requests == 1 { "" } else { "s" };
    said.told(&format!("{requests} request{plural}: none served, {requests} refused; 1 limit met"));
    assert!((1..=requests).contains(&rig.calls("work")), "the limit was met");
}

#[tokio::test]
async fn claude_says_why_there_is_no_answer() {
    check_fails(Agent::Claude, 1, "the earliest that could help is in").await;
}

/// It has words of its own for it, and tells the time.
#[tokio::test]
async fn codex_says_when_the_limit_ends() {
    check_fails(Agent::Codex, 1, "hit your usage limit. Try again at").await;
}

#[tokio::test]
async fn gemini_says_why_there_is_no_answer() {
    check_fails(Agent::Gemini, 1, "the earliest that could help is in").await;
}

#[tokio::test]
async fn opencode_says_why_there_is_no_answer() {
    check_fails(Agent::Opencode, 2, "the earliest that could help is in").await;
}

/// The upstream is limited for two seconds, which the agent waits itself.
async fn check_comes_back(agent: Agent) {
    let limited =
        Harm::Status { shape: Shape::RateLimitExceeded, code: None, retry: Some(Duration::from_secs(2)) };
    let setup = agent.account(Setup::new(), "work", free()).fault(Fault::new(limited).next(1));
    let Some(rig) = Rig::agents(setup) else { return };
    rig.ask(agent, "say hi").await.answered_by("work");
}

#[tokio::test]
async fn claude_comes_back_after_a_short_limit() {
    check_comes_back(Agent::Claude).await;
}

#[tokio::test]
async fn codex_comes_back_after_a_short_limit() {
    check_comes_back(Agent::Codex).await;
}

#[tokio::test]
async fn gemini_comes_back_after_a_short_limit() {
    check_comes_back(Agent::Gemini).await;
}
