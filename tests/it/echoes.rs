//! Upstreams that repeat the credential: no caller sees it, wherever it stands.

use pointsman_tests::ask::Format;
use pointsman_tests::raw::{self, Raw};
use pointsman_tests::setup::{free, options, secret};
use pointsman_tests::{Ask, Heard, Setup, Stage, Told, plugin, within};
use serde_json::json;

const KEY: &str = "sk-test-0123456789+abcdef/ghijkl";

/// Asks over an upstream of raw bytes, through the library and through the gateway.
async fn asked(raw: &Raw, auth: &str, ask: &Ask) -> Vec<Heard> {
    let config = json!({
        "store": "memory", "max_wait": "0s",
        "providers": {
            "anthropic": {"base_url": raw.base_url(), "auth": auth},
            "gemini": {"base_url": raw.base_url(), "auth": "query-key"},
        },
        "accounts": [{"id": "anthropic:a", "api_key": KEY}, {"id": "gemini:g", "api_key": KEY}],
    });
    let router = plugin::library().start(options(&config.to_string()), Told::default()).expect("a router");
    let fetched = within(router.fetch(ask.request())).await.expect("an answer");
    let address = router.listen("127.0.0.1:0").expect("a free port");
    let served = pointsman_tests::Client::connect(&address).await.send(ask).await;
    vec![Heard::all(fetched).await, served]
}

fn unseen(answer: &Heard) -> String {
    let all = format!("{:?} {}", answer.headers, answer.text());
    for part in [KEY, "0123456789", "%2Babcdef", "abcdef"] {
        assert!(!all.contains(part), "{all}");
    }
    all
}

fn hidden(answer: &Heard) {
    let all = unseen(answer);
    assert!(all.contains("*****"), "the place is there: {all}");
}

#[tokio::test]
async fn a_repeated_credential_is_blanked_in_head_and_body() {
    let said = format!("you sent Bearer {KEY}, that is {KEY}");
    let in_json = json!({"type": "message", "content": [{"type": "text", "text": said}]}).to_string();
    let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": said}});
    for (status, body) in [("200 OK", in_json), ("400 Bad Request", error.to_string()), ("500 Oh", said)] {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nx-echo: Bearer {KEY}\r\ncontent-length: {length}\r\n\r\n");
        let raw = Raw::start(vec![format!("{head}{body}").into_bytes()]);
        for answer in asked(&raw, "bearer", &Ask::messages()).await {
            let is_ours = answer.text().contains("Pointsman: ");
            assert!(!is_ours || status == "500 Oh", "{status}: {answer:?}");
            if is_ours {
                unseen(&answer);
            } else {
                assert_eq!((answer.body.len(), &answer.broken), (length, &None), "{status}");
                hidden(&answer);
            }
        }
    }
}

/// A byte a chunk, each written and flushed by itself.
#[tokio::test]
async fn a_stream_is_blanked_across_its_pieces() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n";
    let text = format!("event: content_block_delta\ndata: {{\"delta\":{{\"text\":\"{KEY}\"}}}}\n\n");
    let pieces: Vec<&[u8]> = std::iter::once(start.as_bytes()).chain(text.as_bytes().chunks(1)).collect();
    let raw = Raw::events(&pieces);
    for answer in asked(&raw, "x-api-key", &Ask::messages().streaming()).await {
        let answer = answer.good();
        assert_eq!(answer.body.len(), start.len() + text.len());
        hidden(&answer);
    }
}

/// A second credential, for a gateway in front of the upstream, is configured as a header; and an upstream
/// that takes any key may send the whole request head back.
#[tokio::test]
async fn credentials_in_configured_headers_and_short_keys_are_blanked() {
    let second = "cf-0123456789-abcdef";
    let said = json!({"type": "message", "content": [{"type": "text", "text": second}]}).to_string();
    let echoes =
        format!("x-echo: Token {second}\r\nx-api-key: abc\r\nx-sent: Bearer abc\r\nx-title: abc\r\n");
    let length = said.len();
    let answer = format!("HTTP/1.1 200 OK\r\n{echoes}content-length: {length}\r\n\r\n{said}");
    let raw = Raw::start(vec![answer.into_bytes()]);
    let headers = json!({"cf-access-token": format!("Token {second}"), "x-title": "abc"});
    let config = json!({
        "store": "memory", "max_wait": "0s",
        "providers": {"anthropic": {"base_url": raw.base_url(), "headers": headers}},
        "accounts": [{"id": "anthropic:a", "api_key": "abc"}],
    });
    let router = plugin::library().start(options(&config.to_string()), Told::default()).expect("a router");
    let answer =
        Heard::all(within(router.fetch(Ask::messages().request())).await.expect("an answer")).await.good();
    assert_eq!(raw.next().values("cf-access-token"), [format!("Token {second}")]);
    let all = format!("{:?} {}", answer.headers, answer.text());
    assert!(!all.contains("0123456789") && all.contains("*****"), "{all}");
    assert_eq!((answer.header("x-api-key"), answer.header("x-sent")), (Some("***"), Some("***")));
    assert_eq!(answer.header("x-title"), Some("abc"), "no credential by its name");
    assert_eq!(answer.body.len(), length);
}

/// A key that is sent in the URL is repeated as it was written there.
#[tokio::test]
async fn a_key_of_a_url_is_blanked_in_its_encoded_form() {
    let raw = Raw::start(vec![raw::json(&format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":"?key=sk-test-0123456789%2Babcdef%2Fghijkl {KEY}"}}]}}}}]}}"#
    ))]);
    for answer in asked(&raw, "bearer", &Ask::of(Format::Gemini)).await {
        hidden(&answer.good());
    }
}

/// What a caller sends for another is not sent on, however it is written.
#[tokio::test]
async fn what_a_caller_proves_itself_with_ends_here() {
    let stage: Stage = Setup::new().anthropic("a", free()).start();
    let ask = Ask::messages().to("/v1/messages?k%65y=hush&beta=true&access_token=hush");
    let ask =
        ["cookie", "api-key", "x-auth-token"].iter().fold(ask, |ask, name| ask.header(name, "hush-hush"));
    stage.client().await.send(&ask).await.good();
    let entries = stage.upstream.ledger().entries();
    let entry = entries.first().expect("it went out");
    for name in ["cookie", "api-key", "x-auth-token"] {
        assert_eq!(entry.header(name), None, "{name}");
    }
    assert_eq!(entry.header("x-api-key"), Some(secret("key", "a").as_str()));
    assert_eq!(entry.path, "/v1/messages?beta=true");
}
