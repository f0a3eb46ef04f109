//! What HTTP has beside requests and answers: upgrades, codings, methods, long bodies.

use std::io::Read;

use flate2::Compression;
use flate2::read::GzEncoder;
use pointsman_tests::ask::Format;
use pointsman_tests::raw::Raw;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Fault, Harm};

fn stage() -> Stage {
    let setup = Setup::new().anthropic("a", free()).openai("o", free());
    setup.antigravity("g", &[("antigravity", free()), ("gemini-cli", free())]).start()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    GzEncoder::new(plain, Compression::fast()).read_to_end(&mut packed).expect("reading from memory");
    packed
}

/// Codex tries this first, and goes on over HTTP at once.
#[tokio::test]
async fn a_web_socket_is_told_to_use_http() {
    let stage = stage();
    let ask = Ask::responses().get().header("connection", "Upgrade").header("upgrade", "websocket");
    let answer = stage.client().await.send(&ask).await.refused(426);
    assert_eq!(answer.header("upgrade"), Some("HTTP/1.1"));
    assert!(answer.json()["error"]["message"].is_string());
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
}

/// Other upgrades are offers, which a server may ignore (RFC 9110 section 7.8).
#[tokio::test]
async fn an_offer_of_http_2_is_passed_over() {
    let ask = Ask::messages().header("connection", "Upgrade, HTTP2-Settings").header("upgrade", "h2c");
    stage().client().await.send(&ask).await.good();
}

#[tokio::test]
async fn compressed_requests_are_served_in_all_formats() {
    let stage = stage();
    let mut client = stage.client().await;
    for format in Format::ALL {
        let ask = Ask::of(format);
        let packed = ask.clone().body(gzip(&ask.bytes())).header("content-encoding", "gzip");
        client.send(&packed).await.good();
        stage.fetch(&packed).await.good();
        for entry in stage.upstream.ledger().entries().iter().rev().take(2) {
            assert_eq!((&entry.body, entry.header("content-encoding")), (&ask.bytes().into(), None));
        }
    }
}

/// `max_body` counts for what a body is, not for what it was packed into.
#[tokio::test]
async fn a_compressed_body_is_not_longer_than_a_plain_one_may_be() {
    let stage = Setup::new().set("max_body", "64KiB").anthropic("a", free()).start();
    let long = format!(r#"{{"model":"claude-sonnet-4-6","messages":"{}"}}"#, "x".repeat(65_536));
    let packed = gzip(long.as_bytes());
    assert!(packed.len() < 1_024);
    let ask = Ask::messages().body(packed).header("content-encoding", "gzip");
    stage.client().await.send(&ask).await.refused(413);
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
}

/// `max_bodies` counts what a body is unpacked to as well, until the answer begins.
#[tokio::test]
async fn unpacked_bodies_together_are_bounded() {
    let setup = Setup::new().set("max_body", "1MiB").set("max_bodies", "1MiB");
    let stage = setup.anthropic("a", free()).fault(Fault::new(Harm::Hang).next(1)).start();
    let long = format!(r#"{{"model":"claude-sonnet-4-6","messages":[],"x":"{}"}}"#, "x".repeat(600_000));
    let ask = Ask::messages().body(gzip(long.as_bytes())).header("content-encoding", "gzip");
    let under_way = stage.router.fetch(ask.request());
    stage.wait_for(|entries| entries.len() == 1).await;
    for refused in [stage.fetch(&ask).await, stage.client().await.send(&ask).await] {
        let refused = refused.refused(503);
        assert!(refused.text().contains("max_bodies"), "{}", refused.text());
        assert_eq!((refused.header("retry-after"), refused.header("x-should-retry")), (Some("1"), None));
    }
    drop(under_way);
    within(async { while stage.fetch(&ask).await.status != 200 {} }).await;
}

/// The longest that Anthropic takes; agents with pictures come close.
#[tokio::test]
async fn a_body_of_32_megabytes_is_served() {
    let raw = Raw::json(r#"{"type":"message","content":[]}"#);
    let stage = Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
    let text = "picture ".repeat((32 << 20) / 8 - 16);
    let body = format!(r#"{{"model":"claude-sonnet-4-6","messages":[],"x":"{text}"}}"#);
    assert!((32 << 20) - body.len() < 256);
    stage.client().await.send(&Ask::messages().body(body.clone())).await.good();
    assert!(raw.next().body == body.as_bytes(), "the bytes are the same");
}

/// Claude Code warms its connection up so.
#[tokio::test]
async fn the_head_of_a_page_and_of_a_list_is_had() {
    let stage = stage();
    let mut client = stage.client().await;
    for path in ["/", "/health", "/v1/models"] {
        let whole = client.send(&Ask::chat().get().to(path)).await.good();
        let head = client.send(&Ask::chat().method("HEAD").to(path)).await.good();
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), Some(&*whole.body.len().to_string()), "{path}");
    }
}

/// What an upstream sends is not read and written again: comments, unknown events, fields and line ends of
/// all kinds arrive as they were sent, wherever they were cut.
#[tokio::test]
async fn a_stream_survives_byte_for_byte() {
    let chunks: [&[u8]; 7] = [
        b": a comment before everything\n\n",
        b"event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"},\"new\":[1.0e0]}\r\n\r\n",
        b"id: 7\nretry: 1000\nunknown: field\nevent: nov",
        b"el\ndata:no blank\ndata: second line\n\n: ping\n\n",
        b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"gr\xc3",
        b"\xbc\xc3\x9f\"}}\n\n\n\n",
        b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n: bye",
    ];
    let raw = Raw::events(&chunks);
    let stage = Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
    let answer = stage.client().await.send(&Ask::messages().streaming()).await.good();
    assert_eq!(String::from_utf8_lossy(&answer.body), String::from_utf8_lossy(&chunks.concat()));
}
