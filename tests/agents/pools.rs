//! Pools: falling from one to the other with a word to the user, and never away from a pin.

use pointsman_tests::Setup;
use pointsman_tests::setup::{free, spent};

use crate::rig::{Agent, Rig};

const PINNED: &str = "antigravity-gemini-3-flash";

#[tokio::test]
async fn the_other_pool_serves_and_the_user_hears_of_it() {
    let pools = [("antigravity", free()), ("gemini-cli", spent(5 * 3_600))];
    let setup = Setup::new().falling_back("account-first").antigravity("work", &pools);
    let Some(rig) = Rig::agents(setup) else { return };
    let said = rig.ask(Agent::Gemini, "say hi").await.answered_by("work/antigravity");
    said.told("Gemini CLI quota exhausted, using Antigravity quota");
}

#[tokio::test]
async fn a_pinned_model_goes_to_another_account_and_to_no_other_pool() {
    let pools = |pinned| [("antigravity", pinned), ("gemini-cli", free())];
    let setup = Setup::new().falling_back("account-first");
    let setup = setup.antigravity("work", &pools(spent(5 * 3_600))).antigravity("home", &pools(free()));
    let Some(rig) = Rig::agents(setup) else { return };
    let said = rig.run(&Agent::Gemini.asked_for(PINNED, "say hi")).await.answered_by("home/antigravity");
    said.told("Antigravity quota exhausted, switching to next account");
    assert_eq!(rig.calls_of_pool("gemini-cli"), 0);
}

#[tokio::test]
async fn a_pinned_model_fails_before_it_leaves_its_pool() {
    let pools = [("antigravity", spent(3_600)), ("gemini-cli", free())];
    let setup = Setup::new().falling_back("account-first").antigravity("work", &pools);
    let Some(rig) = Rig::agents(setup) else { return };
    let said = rig.run(&Agent::Gemini.asked_for(PINNED, "say hi")).await;
    said.failed_with("no account can serve").told("1 request: none served, 1 refused; 1 limit met");
    assert_eq!((rig.calls_of_pool("antigravity"), rig.calls_of_pool("gemini-cli")), (1, 0));
}
