//! Upstreams that answer anything but what was asked: another account serves, or the caller is told why not.

use std::time::{Duration, Instant};

use pointsman_loader::api::AccountState;
use pointsman_tests::ask::Format;
use pointsman_tests::raw::Raw;
use pointsman_tests::setup::{free, options};
use pointsman_tests::{Ask, Heard, Setup, Told, plugin, within};
use pointsman_upstream::{Fault, Harm, Moment};
use serde_json::json;

const HARMS: [Harm; 7] = [
    Harm::Html { code: 200 },
    Harm::Html { code: 502 },
    Harm::Empty,
    Harm::Garbage,
    Harm::Reset,
    Harm::Hang,
    Harm::Stall { at: Moment::Events(0) },
];

#[tokio::test]
async fn another_account_serves() {
    for format in Format::ALL {
        for harm in HARMS {
            let setup =
                ["anthropic", "openai", "gemini"].into_iter().fold(Setup::new().hasty(), |setup, name| {
                    setup.keyed(name, &format!("{name}-1"), free(), 1).keyed(
                        name,
                        &format!("{name}-2"),
                        free(),
                        1,
                    )
                });
            let stage = setup.fault(Fault::new(harm).next(1)).start();
            let answer = stage.fetch(&Ask::of(format)).await.good();
            assert_eq!(answer.attempts(), 2, "{format:?} {harm:?}");
            assert!(answer.account().ends_with("-2"), "{format:?} {harm:?}");
        }
    }
}

/// With nobody else to ask, the caller gets an error of the gateway's kind, in words, and soon.
#[tokio::test]
async fn with_nobody_else_the_caller_is_told_what_happened() {
    for harm in HARMS {
        let stage = Setup::new().hasty().anthropic("only", free()).fault(Fault::new(harm)).start();
        let begun = Instant::now();
        let answer = stage.fetch(&Ask::messages()).await.refused(502);
        assert!(begun.elapsed() < Duration::from_secs(5), "{harm:?}");
        if harm != (Harm::Html { code: 502 }) {
            let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
            assert!(
                message.starts_with("Pointsman: ") && message.contains("upstream"),
                "{harm:?}: {message}"
            );
        }
        assert_eq!(
            stage.account("only").state,
            AccountState::READY,
            "{harm:?}: the account has no part in it"
        );
    }
}

/// A body that ends before its announced length is a break, whoever asked.
#[tokio::test]
async fn an_upstream_that_closes_early_breaks_the_answer() {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\":\"half\"";
    let raw = Raw::start(vec![head.as_bytes().to_vec()]);
    let answer = ask_raw(&raw).await;
    assert!(answer.broken.is_some() || answer.status == 502, "{} {}", answer.status, answer.text());
}

/// The same of an error's body, which is looked at before it is passed on: the caller neither waits for the
/// rest nor takes what came for all of it, and the connection is not used again.
#[tokio::test]
async fn an_error_that_is_cut_is_a_break_whatever_its_status() {
    let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"half"#;
    let chunked = format!("{:x}\r\n{body}\r\n", body.len());
    for status in ["400 Bad Request", "404 Not Found", "429 Too Many", "500 Oh", "529 Overloaded"] {
        for (framing, body) in
            [("content-length: 500", body), ("transfer-encoding: chunked", chunked.as_str())]
        {
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{framing}\r\n\r\n");
            let raw = Raw::start(vec![format!("{head}{body}").into_bytes()]);
            let stage =
                Setup::new().hasty().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url());
            let stage = stage.start();
            let answer = stage.fetch(&Ask::messages()).await;
            let is_ours = answer.text().contains("Pointsman: ");
            assert!(answer.broken.is_some() || is_ours, "{status} {framing}: {answer:?}");
            let opened = within(async { stage.client().await.open(&Ask::messages()).await }).await;
            let opened = opened.expect("a head");
            let read = within(http_body_util::BodyExt::collect(opened.into_body())).await;
            let is_ours = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("Pointsman: ");
            assert!(
                read.is_err() || read.is_ok_and(|whole| is_ours(&whole.to_bytes())),
                "{status} {framing}"
            );
        }
    }
}

/// `Transfer-Encoding` overrides `Content-Length` (RFC 9112 section 6.3), so a length beside it is no length.
#[tokio::test]
async fn a_length_beside_a_transfer_encoding_is_not_passed_on() {
    let body = r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"pong"}]}"#;
    for (status, length) in
        [("200 OK", 5), ("200 OK", 5_000), ("200 OK", 0), ("400 Bad", 5), ("400 Bad", 5_000)]
    {
        let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let both = format!("content-length: {length}\r\ntransfer-encoding: chunked");
        let raw = Raw::start(vec![format!("HTTP/1.1 {status}\r\n{both}\r\n\r\n{chunked}").into_bytes()]);
        let stage =
            Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
        let fetched = stage.fetch(&Ask::messages()).await;
        let served = within(async { stage.client().await.send(&Ask::messages()).await }).await;
        for answer in [fetched, served] {
            assert_eq!((answer.text().as_str(), &answer.broken), (body, &None), "{status} {length}");
            let told = answer.header("content-length").is_none_or(|told| told == body.len().to_string());
            assert!(told, "{status} {length}: {answer:?}");
        }
    }
}

/// Nobody asked for it, and what follows is not HTTP.
#[tokio::test]
async fn an_upstream_that_switches_protocols_is_a_fault() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\nother";
    let answer = ask_raw(&Raw::start(vec![head.into()])).await.refused(502);
    assert!(answer.text().contains("switches to another protocol"), "{}", answer.text());
}

/// Only the router signs as the router.
#[tokio::test]
async fn an_upstream_does_not_sign_as_the_router() {
    let own = "x-pointsman-left-out: all\r\nx-pointsman-account: anthropic:other";
    let head = format!("HTTP/1.1 200 OK\r\n{own}\r\ncontent-length: 2\r\n\r\n");
    let answer = ask_raw(&Raw::start(vec![(head + "{}").into_bytes()])).await;
    assert_eq!((answer.header("x-pointsman-left-out"), answer.account()), (None, "a"));
}

/// Bytes that are JSON but no answer, deep nesting, and text that is not UTF-8 do no harm.
#[tokio::test]
async fn strange_bodies_are_survived() {
    let deep = "[".repeat(100_000);
    for body in ["null", "42", "{}", "[]", "\"text\"", deep.as_str(), "{\"error\":\"plain\"}", "\u{feff}{}"] {
        let answer = ask_raw(&Raw::json(body)).await;
        assert!([200, 502].contains(&answer.status), "{body:.20}: {}", answer.status);
    }
}

/// A port that nobody listens on closes the endpoint and no account.
#[tokio::test]
async fn an_upstream_that_is_not_there_is_told_as_such() {
    let config = json!({
        "store": "memory", "max_wait": "0s",
        "providers": {"anthropic": {"base_url": "http://127.0.0.1:9"}},
        "accounts": [{"id": "anthropic:a", "api_key": "k"}, {"id": "anthropic:b", "api_key": "l"}],
    });
    let told = Told::default();
    let router = plugin::library().start(options(&config.to_string()), told.clone()).expect("a router");
    let answer = within(router.fetch(Ask::messages().request())).await.expect("an answer");
    let answer = Heard::all(answer).await.refused(502);
    let words = "anthropic at 127.0.0.1:9: the upstream cannot be reached: ";
    assert!(answer.text().contains(words), "{}", answer.text());
    assert_eq!(told.texts(), ["anthropic temporarily unavailable (network error at 127.0.0.1:9)"]);
    let answer = within(router.fetch(Ask::messages().request())).await.expect("an answer");
    let text = Heard::all(answer).await.refused(503).text();
    let words = "2 in cooldown after a network error; 127.0.0.1:9 cannot be reached; the earliest";
    assert!(text.contains(words), "{text}");
}

async fn ask_raw(raw: &Raw) -> Heard {
    let config = json!({
        "store": "memory", "max_wait": "0s",
        "providers": {"anthropic": {"base_url": raw.base_url()}},
        "accounts": [{"id": "anthropic:a", "api_key": "k"}],
    });
    let router = plugin::library().start(options(&config.to_string()), Told::default()).expect("a router");
    Heard::all(within(router.fetch(Ask::messages().request())).await.expect("an answer")).await
}

/// An error whose body is cut is an error and a cut: the caller is told the status, and then the break.
#[tokio::test]
async fn a_cut_error_reaches_the_caller_as_a_break() {
    let cut = [
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"type\":\"error\"".to_vec(),
        b"HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"type\":\"error\",\r\n".to_vec(),
    ];
    for answer in cut {
        let raw = Raw::start(vec![answer]);
        let stage =
            Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
        let heard = within(async { stage.client().await.send(&Ask::messages()).await }).await;
        assert!(matches!(heard.status, 400 | 404), "{}", heard.status);
        assert!(heard.broken.is_some(), "{}", heard.text());
        // The break is of one connection: another request is answered.
        stage.client().await.send(&Ask::messages().to("/health").get()).await.good();
    }
}

/// The coding decides where a body ends (RFC 9112 section 6.3), whatever length stands beside it.
#[tokio::test]
async fn a_length_beside_a_coding_is_not_believed() {
    let body = r#"{"type":"message","content":[]}"#;
    for told in ["0", "3", "5000"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {told}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let raw = Raw::start(vec![format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes()]);
        let stage =
            Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
        let heard = within(async { stage.client().await.send(&Ask::messages()).await }).await.good();
        assert_eq!(heard.text(), body, "{told}");
    }
}

/// A 304 tells the length of another answer, and headers of one connection are of that connection alone.
#[tokio::test]
async fn a_304_with_a_length_and_headers_of_a_connection_reach_the_caller_as_what_they_are() {
    let head = "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\nproxy-connection: keep-alive\r\nx-own: kept\r\n\r\n";
    let raw = Raw::start(vec![head.as_bytes().to_vec()]);
    let stage = Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
    let ask = Ask::messages().get().to("/v1/files/f").header("anthropic-version", "2023-06-01");
    let heard = within(async { stage.client().await.send(&ask).await }).await;
    assert_eq!((heard.status, &heard.broken, heard.header("x-own")), (304, &None, Some("kept")));
    assert_eq!((heard.header("content-length"), heard.header("proxy-connection")), (None, None));
}
