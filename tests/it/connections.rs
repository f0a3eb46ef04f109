//! Connections to upstreams: kept, shared by nobody, made anew where they were closed.

use futures_util::future::join_all;
use pointsman_loader::api::AccountState;
use pointsman_tests::raw::{self, Raw};
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage, within};

const GOOD: &str = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"pong"}]}"#;
const EVENTS: [&[u8]; 2] = [
    b"event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"x\"}}\n\n",
];

fn before(raw: &Raw) -> Stage {
    Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start()
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let refused: Vec<u8> = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let empty: Vec<u8> = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec();
    let answers = [
        ("json", vec![raw::json(GOOD)]),
        ("events", raw::events(&EVENTS)),
        ("400", vec![refused]),
        ("empty", vec![empty]),
    ];
    for (name, answer) in answers {
        let raw = Raw::keeping(answer);
        let stage = before(&raw);
        for _ in 0..5 {
            stage.fetch(&Ask::messages()).await;
            assert_eq!(raw.next().connection, 0, "{name}");
        }
    }
}

#[tokio::test]
async fn requests_at_once_have_connections_of_their_own() {
    let raw = Raw::keeping(vec![raw::json(GOOD)]);
    let stage = before(&raw);
    for answer in join_all((0..20).map(|_| async { stage.fetch(&Ask::messages()).await })).await {
        answer.good();
    }
    let most = (0..20).map(|_| raw.next().connection).max();
    stage.fetch(&Ask::messages()).await.good();
    assert!(raw.next().connection <= most.unwrap_or_default(), "one of those is taken again");
}

/// An upstream may close a connection at any time. Neither caller nor account has to do with it.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    for raw in [Raw::json(GOOD), Raw::fickle(vec![raw::json(GOOD)])] {
        let stage = before(&raw);
        for _ in 0..10 {
            assert_eq!(stage.fetch(&Ask::messages()).await.good().attempts(), 1);
        }
        assert_eq!(stage.account("a").state, AccountState::READY);
        assert_eq!((stage.counter("attempts"), stage.counter("failed")), (10, 0));
    }
}

/// The second request comes by a new connection with all that the first one had.
#[tokio::test]
async fn what_is_sent_again_is_the_same() {
    let raw = Raw::fickle(vec![raw::json(GOOD)]);
    let stage = before(&raw);
    let ask = Ask::messages().header("anthropic-beta", "one");
    stage.fetch(&ask).await.good();
    stage.fetch(&ask).await.good();
    let [first, unanswered, again] = [raw.next(), raw.next(), raw.next()];
    assert_eq!([first.connection, unanswered.connection, again.connection], [0, 0, 1]);
    assert_eq!((unanswered.head, unanswered.body), (again.head, again.body));
}

/// A fresh connection that is closed is a fault of the upstream: no third time.
#[tokio::test]
async fn a_new_connection_that_is_closed_at_once_is_a_fault() {
    let raw = Raw::start(Vec::new());
    let stage = before(&raw);
    let answer = stage.fetch(&Ask::messages()).await.refused(502);
    assert!(answer.text().contains("broke the connection off"), "{}", answer.text());
    let asked = std::iter::from_fn(|| raw.next_if_any()).count() as u64;
    assert_eq!(asked, stage.counter("attempts"));
}

/// A proxy is told the whole URL, and proves to be the way that was taken.
#[tokio::test]
async fn an_account_with_a_proxy_goes_through_it() {
    let proxy = Raw::json(GOOD);
    let setup = Setup::new().anthropic("a", free()).provider("anthropic", "proxy", proxy.base_url());
    let stage = setup.provider("anthropic", "base_url", "http://upstream.invalid").start();
    stage.fetch(&Ask::messages()).await.good();
    assert_eq!(proxy.next().head[0], "POST http://upstream.invalid/v1/messages HTTP/1.1");
}

/// What is on the wire is what HTTP asks for, and no more than the caller wrote.
#[tokio::test]
async fn a_request_names_its_host_and_says_that_it_has_no_body() {
    let raw = Raw::json("{}");
    let stage = Setup::new().openai("o", free()).provider("openai", "base_url", raw.base_url()).start();
    stage.fetch(&Ask::responses().method("POST").to("https://api.openai.com/v1/responses/r/cancel")).await;
    let asked = within(async { raw.next() }).await;
    assert_eq!(asked.head[0], "POST /v1/responses/r/cancel HTTP/1.1");
    assert_eq!(asked.values("host"), [raw.base_url().trim_start_matches("http://")]);
    assert_eq!(asked.values("content-length"), ["0"]);
}
