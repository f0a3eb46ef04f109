//! Starting, stopping, what the ledger keeps, and both versions of HTTP.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use pointsman_upstream::{Account, DEMO_ACCOUNTS, Pool, Recording, Script, Upstream, demo_script};

use crate::client::{Ask, chat, messages, start, upstream, within};

#[tokio::test]
async fn the_ledger_keeps_what_was_asked() {
    let upstream = upstream(Pool::unlimited()).await;
    let ask =
        Ask::post("/v1/messages?beta=true", r#"{"model":"m","stream":true}"#).keyed().header("X-Trace", "7");
    ask.send(&upstream).await;
    let entry = &upstream.ledger().entries()[0];
    assert_eq!((entry.path.as_str(), entry.header("x-trace")), ("/v1/messages?beta=true", Some("7")));
    assert_eq!((entry.model.as_deref(), entry.stream, entry.status), (Some("m"), true, Some(200)));
    assert_eq!(&entry.body[..], br#"{"model":"m","stream":true}"#);
    assert!(entry.is_for("work", "default") && entry.body_length == 27 && entry.concurrent == 1);
}

#[tokio::test]
async fn an_anonymous_upstream_asks_for_nothing_and_records_nothing() {
    let upstream = start(Script::anonymous()).await;
    let answer = Ask::post("/v1/chat/completions", r#"{"model":"m"}"#).send(&upstream).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("pong from anonymous/default model m"));
    assert!(upstream.ledger().entries().is_empty());
}

#[tokio::test]
async fn a_bounded_ledger_keeps_the_latest() {
    let script = Script::anonymous().recording(Recording::Latest(2));
    let upstream = start(script).await;
    for _ in 0..3 {
        chat(false).send(&upstream).await;
    }
    let kept: Vec<_> = upstream.ledger().entries().iter().map(|entry| entry.sequence).collect();
    assert_eq!(kept, [1, 2]);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers() {
    let answer = || async { messages(true).send(&upstream(Pool::unlimited()).await).await.body };
    assert_eq!(answer().await, answer().await);
}

#[tokio::test]
async fn http_2_with_prior_knowledge_is_spoken() {
    let upstream = start(Script::anonymous()).await;
    let stream = tokio::net::TcpStream::connect(upstream.addr()).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(format!("{}/v1/models", upstream.base_url()));
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
    assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn after_its_shutdown_nobody_listens() {
    let upstream = start(Script::anonymous()).await;
    let addr = upstream.addr();
    within(upstream.shutdown()).await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[test]
fn a_host_without_a_runtime_can_start_it() {
    let upstream = Upstream::start_blocking(Script::anonymous()).unwrap();
    let addr = upstream.addr();
    assert!(std::net::TcpStream::connect(addr).is_ok());
    drop(upstream);
    assert!(std::net::TcpStream::connect(addr).is_err());
}

#[tokio::test]
async fn a_script_that_contradicts_itself_does_not_start() {
    let twice = Script::new(0).account(Account::new("a")).account(Account::new("a"));
    let error = Upstream::start(twice).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("\"a\""));
}

#[tokio::test]
async fn the_demo_has_an_outage_in_its_middle() {
    let upstream = start(demo_script(7)).await;
    assert!(DEMO_ACCOUNTS.iter().any(|account| account.label == "test"));
    let ask = Ask::post("/pool-antigravity/v1beta/models/gemini-3-flash:generateContent", "{}")
        .header("authorization", "Bearer ya29.demo-test");
    assert!(ask.send(&upstream).await.body.contains("pong from test/antigravity model gemini-3-flash"));
    upstream.advance(pointsman_upstream::DEMO_OUTAGE_AFTER);
    assert_eq!(ask.send(&upstream).await.status, 503);
    upstream.advance(pointsman_upstream::DEMO_OUTAGE_LENGTH);
    assert_eq!(ask.send(&upstream).await.status, 200);
}
