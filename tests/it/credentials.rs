//! Credentials: refreshed once whoever asks, ahead of their end, and left alone when revoked.

use std::time::Duration;

use pointsman_loader::api::AccountState;
use pointsman_tests::setup::{CLIENT_SECRET, free, options, secret};
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Entry, TokenMode};

fn one() -> Setup {
    Setup::new().refreshing("home", &[("gemini-cli", free())])
}

/// Returns the bodies of the calls of the token endpoint.
fn refreshes(stage: &Stage) -> Vec<String> {
    let entries = stage.upstream.ledger().entries().into_iter().filter(is_refresh);
    entries.map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect()
}

fn is_refresh(entry: &Entry) -> bool {
    entry.path == "/token"
}

#[tokio::test]
async fn twenty_requests_refresh_a_token_once() {
    let stage = one().token(|token| token.delay = Duration::from_millis(200)).start();
    for answer in stage.fetch_times(20, Ask::gemini).await {
        answer.good();
    }
    assert_eq!((stage.upstream.token_calls(), stage.counter("refreshes")), (1, 1));
}

/// A token that is about to end is used while it is good, and renewed behind the back of those who use it.
#[tokio::test]
async fn a_token_is_refreshed_ahead_of_its_end_without_anybody_waiting() {
    // Half of the time that it can be used in is over after 2 s.
    let stage = one().token(|token| token.expires_in = Duration::from_secs(34)).start();
    stage.fetch(&Ask::gemini()).await.good();
    stage.upstream.set_token_mode(TokenMode::Hang);
    within(async {
        while refreshes(&stage).len() < 2 {
            stage.fetch(&Ask::gemini()).await.good();
        }
    })
    .await;
}

/// Endpoints leave the lifetime out, or quote it. A request is no reason to refresh, whatever was told.
#[tokio::test]
async fn an_answer_of_a_token_endpoint_is_good_for_many_requests() {
    for lifetime in [
        "",
        r#","expires_in":"3599""#,
        r#","expires_in":3599.5"#,
        r#","expires_in":0"#,
        r#","expires_in":120"#,
    ] {
        let answer = format!(r#"{{"access_token":$access{lifetime}}}"#);
        let stage = one().token(|token| token.answer = Some(answer)).start();
        for _ in 0..20 {
            stage.fetch(&Ask::gemini()).await.good();
        }
        assert_eq!(stage.upstream.token_calls(), 1, "{lifetime}");
    }
}

/// An empty refresh token is none: the one there is stays good.
#[tokio::test]
async fn an_empty_refresh_token_does_not_replace_the_good_one() {
    let answer = r#"{"access_token":$access,"expires_in":3599,"refresh_token":""}"#;
    let stage = one().token(|token| token.answer = Some(answer.to_owned())).start();
    for _ in 0..2 {
        stage.fetch(&Ask::gemini()).await.good();
        stage.upstream.revoke_tokens("home").expect("it is in the script");
    }
    let sent = refreshes(&stage);
    assert!(sent.len() == 2 && sent.iter().all(|form| form.contains(&secret("refresh", "home"))), "{sent:?}");
}

/// Some endpoints refuse with a status of success.
#[tokio::test]
async fn a_revoked_grant_is_one_whatever_its_status() {
    let stage = one().token(|token| token.answer = Some(r#"{"error":"invalid_grant"}"#.to_owned())).start();
    stage.fetch(&Ask::gemini()).await.refused(401);
    assert_eq!(stage.account("home").state, AccountState::NEEDS_SIGN_IN);
}

/// A token that has its end behind it is not sent.
#[tokio::test]
async fn a_token_that_is_nearly_over_is_not_used() {
    let stage = one().token(|token| token.expires_in = Duration::from_secs(20)).start();
    stage.fetch(&Ask::gemini()).await.good();
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.upstream.token_calls(), 2);
}

#[tokio::test]
async fn a_token_that_is_rejected_is_renewed_and_the_request_goes_on() {
    let stage = one().start();
    stage.fetch(&Ask::gemini()).await.good();
    stage.upstream.revoke_tokens("home").expect("it is in the script");
    let answer = stage.fetch(&Ask::gemini()).await.good();
    assert_eq!((answer.attempts(), stage.upstream.token_calls()), (2, 2));
    assert_eq!(stage.told.texts(), Vec::<String>::new(), "nothing to worry a person with");
    assert_eq!(stage.account("home").state, AccountState::READY);
}

/// Ten requests whose token is rejected together renew it once.
#[tokio::test]
async fn a_burst_of_rejections_renews_a_token_once() {
    let stage = one().token(|token| token.delay = Duration::from_millis(200)).start();
    stage.fetch(&Ask::gemini()).await.good();
    stage.upstream.revoke_tokens("home").expect("it is in the script");
    for answer in stage.fetch_times(10, Ask::gemini).await {
        answer.good();
    }
    assert_eq!(stage.upstream.token_calls(), 2);
}

#[tokio::test]
async fn an_exchanged_refresh_token_is_the_next_to_be_used() {
    let stage = one().token(|token| token.rotate = true).start();
    for _ in 0..3 {
        stage.fetch(&Ask::gemini()).await.good();
        stage.upstream.revoke_tokens("home").expect("it is in the script");
    }
    let sent = refreshes(&stage);
    assert_eq!(sent.len(), 3);
    let first = secret("refresh", "home");
    assert!(sent[0].contains(&first) && !sent[1].contains(&first) && sent[1] != sent[2], "{sent:?}");
}

/// An account whose grant is revoked needs its owner. It is asked no more, and the others serve.
#[tokio::test]
async fn a_revoked_grant_leaves_the_account_to_its_owner() {
    let stage = one().refreshing("work", &[("gemini-cli", free())]).start();
    stage.upstream.set_token_mode_of("home", TokenMode::InvalidGrant).expect("it is in the script");
    for _ in 0..5 {
        assert_eq!(stage.fetch(&Ask::gemini()).await.good().account(), "work");
    }
    assert_eq!(stage.account("home").state, AccountState::NEEDS_SIGN_IN);
    assert_eq!(stage.upstream.token_calls_of("home").expect("it is in the script"), 1);
}

#[tokio::test]
async fn when_only_owners_can_help_the_caller_is_told_so() {
    let stage = one().start();
    stage.upstream.set_token_mode(TokenMode::InvalidGrant);
    let refused = stage.fetch(&Ask::gemini()).await.refused(401);
    assert!(refused.text().contains("1 in need of sign-in"), "{}", refused.text());
    assert_eq!(refused.retry_after(), None);
}

/// What the caller proved itself with is for the router; the upstream gets the account's.
#[tokio::test]
async fn the_callers_own_credential_stays_here() {
    let stage = Setup::new().anthropic("a", free()).start();
    let ask = Ask::messages().header("x-api-key", "callers-key").header("authorization", "Bearer callers");
    stage.fetch(&ask).await.good();
    let entry = &stage.upstream.ledger().entries()[0];
    assert_eq!(entry.header("x-api-key"), Some(secret("key", "a").as_str()));
    assert_eq!(entry.header("authorization"), None);
}

/// An account whose key is in a file, which holds a key that the upstream does not know.
fn with_file(file: &std::path::Path) -> Setup {
    std::fs::write(file, "hush-old").expect("written");
    let source = serde_json::json!({"file": file});
    Setup::new().anthropic("a", free()).with("api_key", source)
}

/// A file is read again when its key is refused, so that a rotated key costs no request.
#[tokio::test]
async fn a_key_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    let stage = with_file(&file).start();
    std::fs::write(&file, secret("key", "a") + "\n").expect("written");
    let answer = stage.fetch(&Ask::messages()).await.good();
    assert!(answer.attempts() <= 2, "{}", answer.attempts());
    assert_eq!(stage.fetch(&Ask::messages()).await.good().attempts(), 1);
    assert_eq!(stage.account("a").state, AccountState::READY);
}

/// A file with the same key is no reason to send it again, and what the upstream said is passed on.
#[tokio::test]
async fn a_key_that_is_still_refused_is_sent_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let stage = with_file(&folder.path().join("key")).start();
    let refused = stage.fetch(&Ask::messages()).await.refused(401);
    assert_eq!((refused.attempts(), stage.upstream.ledger().entries().len()), (1, 1));
}

/// An account that is closed for its key comes back as soon as the file has another one.
#[tokio::test]
async fn another_key_in_a_file_opens_the_account_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    let stage = with_file(&file).start();
    stage.fetch(&Ask::messages()).await.refused(401);
    assert_eq!(stage.account("a").state, AccountState::COOLING);
    std::fs::write(&file, secret("key", "a")).expect("written");
    stage.told.wait_for("Configuration reloaded").await;
    assert_eq!(stage.fetch(&Ask::messages()).await.good().account(), "a");
}

/// A file that is emptied before it is written, as programs do, does not take the key away.
#[tokio::test]
async fn an_empty_file_takes_no_key_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, config) = (folder.path().join("key"), folder.path().join("pointsman.yaml"));
    std::fs::write(&file, secret("key", "a")).expect("written");
    let setup = Setup::new().anthropic("a", free()).with("api_key", serde_json::json!({"file": file}));
    let stage = setup.clone().start_from(&config);
    std::fs::write(&file, "").expect("written");
    let text = setup.set("max_wait", "1s").config(&stage.upstream.base_url());
    std::fs::write(&config, text).expect("written");
    stage.told.wait_for("Configuration reloaded").await;
    stage.fetch(&Ask::messages()).await.good();
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_is_run_again_when_its_key_is_refused_and_not_for_each_refusal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, runs) = (folder.path().join("key"), folder.path().join("runs"));
    std::fs::write(&file, "hush-old").expect("written");
    let script = format!("echo run >> {}; cat {}", runs.display(), file.display());
    let source = serde_json::json!({"command": ["sh", "-c", script]});
    let setup = Setup::new().anthropic("a", free()).with("api_key", source);
    let stage = setup.start();
    std::fs::write(&file, secret("key", "a")).expect("written");
    for answer in stage.fetch_times(10, Ask::messages).await {
        answer.good();
    }
    let runs = std::fs::read_to_string(runs).expect("written").lines().count();
    assert_eq!(runs, 2, "once at the start, and once for ten refusals");
}

/// A refresh token that was renewed by a sign-in elsewhere is found in its file.
#[tokio::test]
async fn a_refresh_token_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "hush-old").expect("written");
    let stage = one().with("refresh_token", serde_json::json!({"file": file})).start();
    std::fs::write(&file, secret("refresh", "home")).expect("written");
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.account("home").state, AccountState::READY);
}

/// One variable that is not set disables its account, and the others serve.
#[tokio::test]
async fn an_unset_variable_disables_its_account_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pointsman.yaml");
    let unset = serde_json::json!({"env": "POINTSMAN_IT_UNSET"});
    let setup = Setup::new().anthropic("a", free()).with("api_key", unset).anthropic("b", free());
    let stage = setup.start_from(&file);
    let why = stage.told.wait_for("Account a is disabled").await;
    assert!(why.contains("`POINTSMAN_IT_UNSET` is not set") && why.contains("pointsman.yaml:"), "{why}");
    assert_eq!(stage.fetch(&Ask::messages()).await.good().account(), "b");
    let account = stage.account("a");
    assert_eq!(account.state, AccountState::DISABLED);
    assert!(account.reason.contains("`POINTSMAN_IT_UNSET` is not set"), "{}", account.reason);
    let pinned = stage.fetch(&Ask::messages().header("x-pointsman-account", "anthropic:a")).await;
    assert!(pinned.text().contains("`POINTSMAN_IT_UNSET` is not set"), "{}", pinned.text());

    let whole = Setup::new().anthropic("a", free()).anthropic("b", free());
    std::fs::write(&file, whole.config(&stage.upstream.base_url())).expect("written");
    stage.told.wait_for("Configuration reloaded").await;
    assert_eq!(stage.account("a").state, AccountState::READY);
    stage.fetch(&Ask::messages().header("x-pointsman-account", "anthropic:a")).await.good();
}

/// The secret of an OAuth client is read again as well when the token service refuses the client.
#[tokio::test]
async fn a_client_secret_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("client-secret");
    std::fs::write(&file, "hush-old").expect("written");
    let setup = one();
    let upstream = setup.upstream();
    let source = serde_json::json!({"file": file}).to_string();
    let config = setup.config(&upstream.base_url()).replace(&format!("\"{CLIENT_SECRET}\""), &source);
    let stage = Stage::start(upstream, options(&config));
    std::fs::write(&file, CLIENT_SECRET).expect("written");
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.account("home").state, AccountState::READY);
}
