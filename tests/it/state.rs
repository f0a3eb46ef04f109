//! State in a file: what a process has learned outlives it, and reaches the processes beside it.

use std::time::{Duration, Instant};

use pointsman_loader::Router;
use pointsman_loader::api::PoolState;
use pointsman_tests::setup::{free, options, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage, Told, plugin, within};
use pointsman_upstream::TokenMode;
use tempfile::TempDir;

/// A setup with a file for its state, which is there as long as the folder.
fn kept(folder: &TempDir) -> Setup {
    let path = folder.path().join("state.db");
    Setup::new().set("store", "sqlite").set("store_path", path.to_string_lossy().into_owned())
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Ends a process and starts another at the same upstream.
async fn restarted(stage: Stage, setup: &Setup) -> Stage {
    let Stage { router, upstream, .. } = stage;
    within(router.shutdown(Duration::from_secs(5))).await.expect("it ends");
    drop(router);
    let config = setup.config(&upstream.base_url());
    Stage::start(upstream, options(&config))
}

/// Another process beside the stage's, as far as state is concerned.
fn beside(stage: &Stage, setup: &Setup) -> Router {
    let config = setup.config(&stage.upstream.base_url());
    plugin::library().start(options(&config), Told::default()).expect("the router starts")
}

async fn ask(router: &Router, ask: &Ask) -> Heard {
    within(async { Heard::all(router.fetch(ask.request()).await.expect("an answer")).await }).await
}

fn two_of_which_one_is_spent(setup: Setup) -> Setup {
    setup.set("strategy", "sticky").anthropic("a", spent(600)).anthropic("b", free())
}

#[tokio::test]
async fn after_a_restart_in_a_limited_fleet_the_first_request_goes_to_the_open_account() {
    let folder = folder();
    for (setup, calls) in [(kept(&folder), 1), (Setup::new(), 2)] {
        let setup = two_of_which_one_is_spent(setup);
        let stage = setup.clone().start();
        assert_eq!(stage.fetch(&Ask::messages()).await.good().attempts(), 2);
        let stage = restarted(stage, &setup).await;
        stage.fetch(&Ask::messages()).await.good();
        // Who forgets asks the spent account again.
        assert_eq!(stage.calls("a"), calls);
    }
}

#[tokio::test]
async fn a_limit_that_one_process_learns_reaches_the_other_within_a_second() {
    let folder = folder();
    let setup = two_of_which_one_is_spent(kept(&folder));
    let stage = setup.clone().start();
    let other = beside(&stage, &setup);
    stage.fetch(&Ask::messages()).await.good();
    let begun = Instant::now();
    let is_limited = || {
        let accounts = other.status().expect("it is open").accounts;
        accounts.iter().any(|account| account.pools.iter().any(|pool| pool.state == PoolState::LIMITED))
    };
    within(async {
        while !is_limited() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
    ask(&other, &Ask::messages()).await.good();
    assert_eq!(stage.calls("a"), 1, "the other process did not have to find out");
}

#[tokio::test]
async fn a_rotated_token_outlives_the_process_and_wins_over_the_configured_one() {
    let folder = folder();
    let setup =
        kept(&folder).refreshing("home", &[("gemini-cli", free())]).token(|token| token.rotate = true);
    let stage = setup.clone().start();
    stage.fetch(&Ask::gemini()).await.good();
    let stage = restarted(stage, &setup).await;
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.upstream.token_calls(), 1, "the access token was still good");
    // The access token ends; the configured refresh token is of no use any more.
    stage.upstream.advance(Duration::from_secs(4_000));
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.upstream.token_calls(), 2);
}

#[tokio::test]
async fn two_processes_refresh_a_token_once() {
    let folder = folder();
    let slow = |token: &mut pointsman_upstream::TokenScript| {
        token.rotate = true;
        token.delay = Duration::from_millis(300);
    };
    let setup = kept(&folder).refreshing("home", &[("gemini-cli", free())]).token(slow);
    let stage = setup.clone().start();
    let other = beside(&stage, &setup);
    let question = Ask::gemini();
    for round in 1..=3 {
        let (one, two) = tokio::join!(stage.fetch(&question), ask(&other, &question));
        one.good();
        two.good();
        assert_eq!(stage.upstream.token_calls(), round);
        stage.upstream.advance(Duration::from_secs(4_000));
    }
}

/// The holder of the lease fails; the other tries at once, and not after the end of the lease.
#[tokio::test]
async fn a_failed_refresh_gives_its_lease_back() {
    let folder = folder();
    let setup =
        kept(&folder).refreshing("home", &[("gemini-cli", free())]).token(|token| token.rotate = true);
    let stage = setup.clone().start();
    let other = beside(&stage, &setup);
    stage.upstream.set_token_mode(TokenMode::ServerError);
    let refused = stage.fetch(&Ask::gemini()).await;
    assert_ne!(refused.status, 200);
    stage.upstream.set_token_mode(TokenMode::Ok);
    let begun = Instant::now();
    ask(&other, &Ask::gemini()).await.good();
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}
