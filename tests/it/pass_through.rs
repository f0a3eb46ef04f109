//! Requests that no provider claims: untouched on the way there, untouched on the way back.

use pointsman_loader::api::{ErrorCode, Request};
use pointsman_tests::raw::Raw;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup, within};

const ANSWER: &[u8] = b"HTTP/1.1 203 Odd\r\nContent-Type: application/x-odd\r\nSet-Cookie: a=1\r\n\
    Set-Cookie: b=2\r\nX-Odd: \xe9\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\n\x00\xff{}\n";

#[tokio::test]
async fn an_unclaimed_request_passes_byte_for_byte() {
    let raw = Raw::start(vec![ANSWER.to_vec()]);
    let stage = Setup::new().anthropic("a", free()).start();
    let body = b"\x00\x01 not json \xff".to_vec();
    let mut request = Request::post(&format!("{}/any/path?q=%20&q=2", raw.base_url()), body.clone());
    request.method = "PATCH".into();
    for (name, value) in [
        ("authorization", "Bearer of the caller"),
        ("x-api-key", "the caller's"),
        ("accept-encoding", "br, zstd"),
        ("user-agent", "an agent"),
        ("content-type", "application/x-odd"),
        ("x-twice", "one"),
        ("x-twice", "two"),
        ("cookie", "c=1"),
    ] {
        request = request.header(name, value);
    }
    let answer = within(stage.router.fetch(request.clone())).await.expect("an answer");

    let values: Vec<_> =
        answer.headers.iter().filter(|h| h.name.eq_ignore_ascii_case("set-cookie")).collect();
    assert_eq!(values.len(), 2);
    assert!(
        answer.headers.iter().any(|header| header.value.as_slice() == b"\xe9"),
        "a value that is no text"
    );
    let answer = Heard::all(answer).await;
    assert_eq!((answer.status, answer.body.as_slice()), (203, &b"\x00\xff{}\n"[..]));
    assert_eq!(answer.header("content-encoding"), Some("br"));
    assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("x-pointsman-")), "{:?}", answer.headers);

    let asked = raw.next();
    assert_eq!(asked.head[0], "PATCH /any/path?q=%20&q=2 HTTP/1.1");
    assert_eq!(asked.body, body);
    for name in
        ["authorization", "x-api-key", "accept-encoding", "user-agent", "content-type", "x-twice", "cookie"]
    {
        let sent = request.headers.iter().filter(|header| header.name == name);
        let sent: Vec<_> = sent.map(|header| String::from_utf8_lossy(&header.value).into_owned()).collect();
        assert_eq!(asked.values(name), sent, "{name}");
    }
    let added =
        asked.head[1..].iter().filter_map(|line| line.split_once(": ")).map(|(name, _)| name.to_lowercase());
    let own = ["host", "content-length", "accept"];
    let known = |name: &String| request.headers.text(name).is_some() || own.contains(&name.as_str());
    assert_eq!(
        added.filter(|name| !known(name)).collect::<Vec<_>>(),
        Vec::<String>::new(),
        "headers were added"
    );
    assert_eq!(stage.counter("passed_through"), 1);
}

#[tokio::test]
async fn an_unclaimed_request_that_finds_nobody_is_an_error() {
    let stage = Setup::new().anthropic("a", free()).start();
    let error =
        within(stage.router.fetch(Request::post("http://127.0.0.1:9/", ""))).await.expect_err("nobody");
    assert_eq!(error.code, ErrorCode::UPSTREAM);
    assert!(error.message.starts_with("the upstream cannot be reached"), "{error}");
}

/// Without an account there is nobody to route to, and the caller's own credential has to do.
#[tokio::test]
async fn a_provider_without_accounts_claims_nothing() {
    let raw = Raw::json("{}");
    let setup = Setup::new().anthropic("a", free()).provider("openai", "base_url", raw.base_url());
    let stage = setup.start();
    let url = format!("{}/chat/completions", raw.base_url());
    let request = Request::post(&url, r#"{"model":"gpt-5"}"#).header("authorization", "Bearer own");
    let answer = within(stage.router.fetch(request)).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(raw.next().values("authorization"), ["Bearer own"]);
}

/// Two providers of different kinds share an origin, and the base URL of the wrong one is longer.
#[tokio::test]
async fn at_one_origin_the_format_decides_before_the_length_of_the_base_url() {
    let raw = Raw::json(r#"{"id":"m","type":"message","role":"assistant","content":[]}"#);
    let base = raw.base_url();
    let setup = Setup::new().anthropic("a", free()).openai("o", free());
    let setup = setup.provider("anthropic", "base_url", base);
    let stage = setup.provider("openai", "base_url", format!("{base}/v1")).start();
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let body = if method == "POST" { r#"{"model":"m","messages":[]}"# } else { "" };
        let mut request = Request::post(&format!("{base}{path}"), body);
        request.method = method.into();
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        within(stage.router.fetch(request)).await.expect("an answer");
        let asked = raw.next();
        let of = |name| asked.values(name).concat();
        format!("{}{}", of("x-api-key"), of("authorization"))
    };
    let spoken = [("anthropic-version", "2023-06-01")];
    assert_eq!(ask("POST", "/v1/messages", &[]).await, "hush-key-a");
    assert_eq!(ask("POST", "/v1/messages/count_tokens", &spoken).await, "hush-key-a");
    assert_eq!(ask("GET", "/v1/files/file_1", &spoken).await, "hush-key-a");
    assert_eq!(ask("POST", "/v1/chat/completions", &[]).await, "Bearer hush-key-o");
    assert_eq!(ask("GET", "/v1/files/file-1", &[]).await, "Bearer hush-key-o");
}

/// A body that is claimed is sent as it came, but for what the pool needs.
#[tokio::test]
async fn a_claimed_body_is_sent_byte_for_byte() {
    let stage = Setup::new().anthropic("a", free()).start();
    let body =
        "{ \"messages\" : [ ],\r\n\t\"model\":\"claude-sonnet-4-6\", \"x\": 1.0e0, \"y\": \"\\u00e9\" }";
    let ask = Ask::messages().body(body).header("anthropic-beta", "one,two");
    stage.fetch(&ask).await.good();
    let entry = &stage.upstream.ledger().entries()[0];
    assert_eq!(entry.body, body);
    assert_eq!(entry.header("anthropic-beta"), Some("one,two"));
    assert!(entry.headers.keys().all(|name| !name.as_str().starts_with("x-pointsman-")));
}

/// Azure wants its version of the API in the query of each request.
#[tokio::test]
async fn the_query_of_a_base_url_goes_to_every_request() {
    let raw = Raw::json(r#"{"choices":[{"message":{"content":"hi"}}]}"#);
    let base = format!("{}/openai/v1?api-version=preview", raw.base_url());
    let stage = Setup::new().openai("o", free()).provider("openai", "base_url", base).start();
    stage.fetch(&Ask::chat()).await.good();
    assert_eq!(raw.next().head[0], "POST /openai/v1/chat/completions?api-version=preview HTTP/1.1");
}
