//! State in a file: what a process has learned outlives it, and reaches the processes beside it.

use std::time::{Duration, Instant};

use pointsman_loader::Router;
use pointsman_loader::api::abi_stable::std_types::RSome;
use pointsman_loader::api::{AccountState, Error, ErrorCode, PoolState, StartOptions};
use pointsman_tests::setup::{free, limited, options, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage, Told, plugin, within};
use pointsman_upstream::TokenMode;
use serde_json::json;
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

/// Accounts that take turns, so that nothing but what is remembered keeps a request from the next one.
#[tokio::test]
async fn what_an_account_made_is_followed_by_it_after_a_restart() {
    let folder = folder();
    let setup = kept(&folder).set("strategy", "round-robin").openai("a", free()).openai("b", free());
    let stage = setup.clone().start();
    let answer = stage.fetch(&Ask::responses()).await.good();
    let (id, maker) = (answer.json()["id"].as_str().expect("an id").to_owned(), answer.account().to_owned());
    let stage = restarted(stage, &setup).await;
    let body = json!({"model": "gpt-5", "input": "and then?", "previous_response_id": id}).to_string();
    for _ in 0..4 {
        assert_eq!(stage.fetch(&Ask::responses().body(body.clone())).await.good().account(), maker);
    }
}

#[tokio::test]
async fn a_protected_quota_stays_protected_after_a_restart() {
    let folder = folder();
    let setup =
        kept(&folder).set("quota_protection", json!({"hard": "60%"})).anthropic("a", limited(10, 3_600));
    let stage = setup.clone().start();
    for _ in 0..5 {
        stage.fetch(&Ask::messages()).await.good();
    }
    let stage = restarted(stage, &setup).await;
    let refused = stage.fetch(&Ask::messages()).await.refused(429);
    assert!(refused.text().contains("kept back by quota_protection"), "{}", refused.text());
    assert_eq!(stage.calls("a"), 5, "nobody was asked");
}

#[tokio::test]
async fn a_session_returns_to_its_account_after_a_restart() {
    let folder = folder();
    let setup = kept(&folder).anthropic("a", free()).anthropic("b", free());
    let stage = setup.clone().start();
    let mut homes = Vec::new();
    for session in ["one", "two"] {
        homes.push(stage.fetch(&Ask::messages().session(session)).await.good().account().to_owned());
    }
    assert_ne!(homes[0], homes[1]);
    // In the other order, so that the order alone would send them elsewhere.
    let stage = restarted(stage, &setup).await;
    for (session, home) in ["two", "one"].into_iter().zip(homes.iter().rev()) {
        assert_eq!(stage.fetch(&Ask::messages().session(session)).await.good().account(), home);
    }
}

/// Writes a configuration, and returns the path.
fn written(folder: &TempDir, config: &str) -> String {
    let path = folder.path().join("pointsman.yaml");
    std::fs::write(&path, config).expect("a file in a folder of the test");
    path.to_string_lossy().into_owned()
}

/// Starts the library for an order on accounts, as `pointsman accounts` does.
fn order(folder: &TempDir, stage: &Stage, setup: &Setup, words: &[(&str, &str)]) -> Result<String, Error> {
    let config_path = RSome(written(folder, &setup.config(&stage.upstream.base_url())).into());
    let mut options = StartOptions { config_path, ..StartOptions::default() };
    options.extensions.set("purpose", "accounts");
    words.iter().for_each(|(name, value)| options.extensions.set(name, value));
    let router = plugin::library().start(options, Told::default())?;
    Ok(router.status()?.extensions.text("table").unwrap_or_default().to_owned())
}

async fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    within(async {
        while !what() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn an_order_to_disable_and_to_enable_is_obeyed_by_a_running_process() {
    let folder = folder();
    let setup = kept(&folder).anthropic("a", free()).anthropic("b", free());
    let stage = setup.clone().start();
    stage.fetch(&Ask::messages()).await.good();
    let table = order(&folder, &stage, &setup, &[("order", "disable"), ("account", "anthropic:a")]);
    assert!(table.expect("it is given").contains("disabled"));
    until(|| stage.account("a").state == AccountState::DISABLED).await;
    for answer in stage.fetch_times(4, Ask::messages).await {
        assert_eq!(answer.good().account(), "b");
    }
    order(&folder, &stage, &setup, &[("order", "enable"), ("account", "anthropic:a")]).expect("it is given");
    until(|| stage.account("a").state == AccountState::READY).await;
}

#[tokio::test]
async fn an_order_to_reset_opens_accounts_of_running_processes() {
    let folder = folder();
    let setup = two_of_which_one_is_spent(kept(&folder));
    let stage = setup.clone().start();
    stage.fetch(&Ask::messages()).await.good();
    let is_limited = || stage.pool("a", "anthropic").state == PoolState::LIMITED;
    assert!(is_limited());
    order(&folder, &stage, &setup, &[("order", "reset")]).expect("it is given");
    until(|| !is_limited()).await;
}

#[tokio::test]
async fn an_order_to_reset_a_model_ends_the_limits_on_it() {
    let folder = folder();
    let setup = two_of_which_one_is_spent(kept(&folder));
    let stage = setup.clone().start();
    stage.fetch(&Ask::messages()).await.good();
    let is_limited = || stage.pool("a", "anthropic").state == PoolState::LIMITED;
    assert!(is_limited());
    // A limit is in the file a moment after it was learned.
    let listed = || order(&folder, &stage, &setup, &[("order", "list")]).expect("it is given");
    let shows_limit = |table: &str| table.contains("anthropic  limited");
    until(|| shows_limit(&listed())).await;
    let words = [("order", "reset"), ("model", "claude-sonnet-4-6")];
    let table = order(&folder, &stage, &setup, &words).expect("it is given");
    assert!(!shows_limit(&table), "{table}");
    until(|| !is_limited()).await;
}

#[tokio::test]
async fn an_order_on_nobody_names_who_is_there() {
    let folder = folder();
    let setup = kept(&folder).anthropic("a", free());
    let stage = setup.clone().start();
    let error = order(&folder, &stage, &setup, &[("order", "disable"), ("account", "anthropic:x")]);
    let error = error.expect_err("there is none");
    assert_eq!(error.code, ErrorCode::CONFIG);
    assert!(error.message.contains("there are anthropic:a"), "{error:?}");
    let error = order(&folder, &stage, &setup.set("store", "memory"), &[("order", "reset")]);
    assert!(error.expect_err("it reaches nobody").message.contains("`store: memory`"));
}

/// Usage by hour, account, pool, model and kind of agent, added up over all processes.
#[tokio::test]
async fn usage_is_in_the_file_when_a_process_ends() {
    let folder = folder();
    let setup = two_of_which_one_is_spent(kept(&folder));
    let stage = setup.clone().start();
    let claude = Ask::messages().header("user-agent", "claude-cli/2.0.1 (external, cli)").session("one");
    for _ in 0..3 {
        stage.fetch(&claude).await.good();
    }
    let sent = stage.calls("a") + stage.calls("b");
    let stage = restarted(stage, &setup).await;
    stage.fetch(&claude).await.good();
    within(stage.router.shutdown(Duration::from_secs(5))).await.expect("it ends");
    let file = rusqlite::Connection::open(folder.path().join("state.db")).expect("it opens");
    let sum = |counter: &str, account: &str| -> i64 {
        let query = "SELECT coalesce(sum(json_extract(form, '$.' || ?1)), 0) FROM record \
                     WHERE kind = 'usage' AND name LIKE '%' || ?2 || '%claude-cli%'";
        file.query_row(query, [counter, account], |row| row.get(0)).expect("a number")
    };
    assert_eq!(sum("requests", ""), sent as i64 + 1);
    assert_eq!((sum("limited", "anthropic:a"), sum("limited", "anthropic:b")), (1, 0));
    assert_eq!(sum("requests", "anthropic:b"), 4);
}
