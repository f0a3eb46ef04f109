//! Limits that an agent does not notice.

use pointsman_tests::Setup;
use pointsman_tests::setup::{free, spent};

use crate::rig::{Agent, Rig};

/// One account is limited. The agent gets its answer from the other, and no 429.
async fn check_unnoticed(agent: Agent, requests: usize) {
    let setup = agent.account(agent.account(Setup::new(), "bad", spent(60)), "good", free());
    let Some(rig) = Rig::agents(setup) else { return };
    let said = rig.ask(agent, "say hi").await.answered_by("good");
    let plural = if requests == 1 { "" } else { "s" };
    said.told(&format!("{requests} request{plural}: good {requests}; 1 limit met, none seen"));
    assert_eq!(rig.calls("good"), requests);
    assert!((1..=requests).contains(&rig.calls("bad")), "the limited account was tried");
}

#[tokio::test]
async fn claude_does_not_notice_that_an_account_is_limited() {
    check_unnoticed(Agent::Claude, 1).await;
}

#[tokio::test]
async fn codex_does_not_notice_that_an_account_is_limited() {
    check_unnoticed(Agent::Codex, 1).await;
}

#[tokio::test]
async fn gemini_does_not_notice_that_an_account_is_limited() {
    check_unnoticed(Agent::Gemini, 1).await;
}

/// It asks twice: for an answer, and for a title.
#[tokio::test]
async fn opencode_does_not_notice_that_an_account_is_limited() {
    check_unnoticed(Agent::Opencode, 2).await;
}
