//! The token endpoint over HTTP, and the tokens it gives.

use std::time::Duration;

use pointsman_upstream::{Account, Ending, Fault, Harm, Script, Shape, TokenMode, TokenScript, Upstream};

use crate::client::{Answer, Ask, start, within};

const FORM: &str = "grant_type=refresh_token&refresh_token=1%2F%2Fhome&client_id=c&client_secret=s";

async fn upstream(token: TokenScript) -> Upstream {
    let account = Account::new("home").refresh_token("1//home");
    start(Script::new(7).token(token).account(account)).await
}

async fn refresh(upstream: &Upstream) -> Answer {
    Ask::post("/token", FORM).header("content-type", "application/x-www-form-urlencoded").send(upstream).await
}

async fn status_with(upstream: &Upstream, token: &str) -> u16 {
    let ask = Ask::post("/v1/messages", r#"{"model":"m"}"#);
    ask.header("authorization", &format!("Bearer {token}")).send(upstream).await.status
}

#[tokio::test]
async fn a_refresh_gives_a_token_that_works_until_it_expires() {
    let upstream = upstream(TokenScript::default()).await;
    assert_eq!(status_with(&upstream, "none").await, 401);
    let given = refresh(&upstream).await.json();
    let token = given["access_token"].as_str().unwrap();
    assert_eq!(status_with(&upstream, token).await, 200);
    upstream.advance(Duration::from_secs(given["expires_in"].as_u64().unwrap()));
    assert_eq!(status_with(&upstream, token).await, 401);
    assert_eq!((upstream.token_calls(), upstream.token_calls_of("home").unwrap()), (1, 1));
}

#[tokio::test]
async fn revoked_tokens_are_refused_and_a_refresh_helps() {
    let upstream = upstream(TokenScript::default()).await;
    let first = refresh(&upstream).await.json()["access_token"].as_str().unwrap().to_owned();
    upstream.revoke_tokens("home").unwrap();
    assert_eq!(status_with(&upstream, &first).await, 401);
    let second = refresh(&upstream).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(status_with(&upstream, &second).await, 200);
}

#[tokio::test]
async fn every_mode_looks_as_it_is_called() {
    let upstream = upstream(TokenScript::default()).await;
    upstream.set_token_mode(TokenMode::InvalidGrant);
    let refused = refresh(&upstream).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.body,
        r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#
    );
    upstream.set_token_mode_of("home", TokenMode::ServerError).unwrap();
    assert_eq!(refresh(&upstream).await.status, 500);
    upstream.set_token_mode(TokenMode::Html);
    let page = refresh(&upstream).await;
    assert!(page.status == 200 && page.body.starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_hanging_token_endpoint_is_left_by_its_client() {
    let upstream = upstream(TokenScript { mode: TokenMode::Hang, ..TokenScript::default() }).await;
    let addr = upstream.addr();
    let asking = tokio::spawn(async move { Ask::post("/token", FORM).head(addr).await.map(|_| ()) });
    within(upstream.ledger().wait_for(|entries| entries.len() == 1)).await;
    asking.abort();
    let entries = within(upstream.ledger().wait_for(|entries| entries[0].ending == Ending::Aborted)).await;
    assert_eq!(entries[0].account.as_deref(), Some("home"));
}

#[tokio::test]
async fn faults_meet_the_token_endpoint_by_its_path() {
    let upstream = upstream(TokenScript::default()).await;
    upstream.inject(Fault::status(Shape::Unavailable));
    assert_eq!(refresh(&upstream).await.status, 200);
    upstream.inject(
        Fault::new(Harm::Status { shape: Shape::InvalidGrant, code: None, retry: None }).path("/token"),
    );
    assert_eq!(refresh(&upstream).await.status, 400);
}

#[tokio::test]
async fn an_account_that_is_refused_is_known_in_the_ledger() {
    let account = Account::new("lapsed").access_token("t").refused();
    let upstream = start(Script::new(7).account(account)).await;
    assert_eq!(status_with(&upstream, "t").await, 401);
    assert_eq!(upstream.ledger().count_status("lapsed", "default", 401), 1);
}
