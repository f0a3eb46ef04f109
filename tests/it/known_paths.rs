//! Only what is known goes out with a credential: by its path and by its method.

use std::io::{Read, Write};
use std::net::TcpStream;

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::{free, secret};
use pointsman_tests::{Ask, Setup, Stage};

fn stage() -> Stage {
    Setup::new().anthropic("a", free()).openai("o", free()).gemini("g", free()).start()
}

/// Sends bytes as they are, since clients resolve dots before they send, and returns the status.
fn sent(address: &str, line: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("a gateway");
    let body = r#"{"model":"claude-sonnet-4-6","max_tokens":1,"messages":[]}"#;
    let head = "host: localhost\r\ncontent-type: application/json\r\nconnection: close";
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    // What is refused early may be closed before all of it was read.
    let _ = stream.read_to_string(&mut answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_else_reaches_an_upstream() {
    let stage = stage();
    let address = stage.gateway();
    for (line, status) in [
        ("POST /v1/messages/../../../admin/keys", 400),
        ("POST /v1/messages/%2e%2e/%2e%2e/admin/keys", 400),
        ("POST /v1/messages/..%2f..%2fadmin", 400),
        ("POST /v1/messages/%2525252e%2525252e/admin", 400),
        ("POST /v1/messages/..;/admin", 400),
        ("GET /v1/files/../organizations/keys", 400),
        ("POST /v1beta/models/..%2f..%2fadmin:generateContent", 400),
        ("POST /v1/files/a%00b", 400),
        ("POST /v1/messages/%c0%ae%c0%ae/admin", 400),
        ("POST /v1/messages/%u002e%u002e/admin", 400),
        ("POST /v1/messages/%ef%bc%8e%ef%bc%8e/admin", 400),
        ("POST /v1/messages/%3fadmin", 400),
        ("POST /v1/messages/a%5cadmin", 400),
        ("POST http://localhost:x@evil.example/v1/messages", 403),
        ("POST http://user:hush@localhost/v1/messages", 403),
        ("GET /v1/organizations/keys", 404),
        ("PUT /v1/messages", 405),
        ("TRACE /v1/messages", 405),
        ("post /v1/messages", 405),
        ("PROPFIND /v1/files", 405),
        ("GET /v1/messages", 405),
        ("PATCH /v1/responses", 405),
    ] {
        assert_eq!(sent(&address, line), status, "{line}");
    }
    let entries = stage.upstream.ledger().entries();
    assert!(entries.is_empty(), "{entries:?}");
    assert_eq!(sent(&address, "POST /v1/messages"), 200);
}

/// What a host has beside its API passes through with what the agent sent, and nothing of ours.
#[tokio::test]
async fn a_page_beside_the_api_goes_out_without_a_credential() {
    let raw = Raw::json("{}");
    let stage = Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
    let base = raw.base_url();
    for (method, path) in
        [("GET", "/v1/organizations/keys"), ("POST", "/api/oauth/x"), ("DELETE", "/v1/api_keys/k")]
    {
        let ask = Ask::messages().method(method).to(&format!("{base}{path}")).header("x-api-key", "own");
        stage.fetch(&ask).await.good();
        assert_eq!(raw.next().values("x-api-key"), ["own"], "{method} {path}");
    }
    let rerank = Ask::messages().to(&format!("{base}/v1/rerank")).body(r#"{"model":"claude-sonnet-4-6"}"#);
    stage.fetch(&rerank).await;
    assert_eq!(raw.next().values("x-api-key"), [secret("key", "a")]);
}
