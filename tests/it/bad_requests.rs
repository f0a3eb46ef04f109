//! Requests that cannot be routed: a clear answer in the caller's format, and no upstream call.

use pointsman_loader::api::{ErrorCode, Request};
use pointsman_tests::ask::Format;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup, Stage};

fn stage() -> Stage {
    let pools = [("antigravity", free()), ("claude", free()), ("gemini-cli", free())];
    Setup::new().anthropic("a", free()).openai("o", free()).antigravity("work", &pools).start()
}

/// Asks at both doors, checks that both answer the same, and that nobody upstream was bothered.
async fn refused(ask: Ask, status: u16, part: &str) {
    let stage = stage();
    let loaded = stage.fetch(&ask).await;
    let served = stage.client().await.send(&ask).await;
    for answer in [&loaded, &served] {
        assert_eq!(answer.status, status, "{ask:?}: {}", answer.text());
        assert!(message(answer).contains(part), "{}", answer.text());
        assert_eq!(answer.header("x-should-retry"), Some("false"), "it would be the same again");
    }
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
    assert_eq!(stage.counter("failed"), 2);
}

fn message(answer: &Heard) -> String {
    answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    for format in [Format::Messages, Format::Chat, Format::Responses] {
        refused(Ask::of(format).body("model=claude"), 400, "send JSON with a `model`").await;
    }
}

#[tokio::test]
async fn a_body_without_a_model_is_refused() {
    refused(Ask::messages().body(r#"{"messages":[]}"#), 400, "names no `model`").await;
}

/// Servers differ on which of two members counts, so it could be routed as one and served as the other.
#[tokio::test]
async fn a_model_that_is_named_twice_is_refused() {
    let body = r#"{"model":"claude-sonnet-4-6","messages":[],"\u006dodel":"claude-opus-4-1"}"#;
    refused(Ask::messages().body(body), 400, "names `model` twice").await;
}

#[tokio::test]
async fn a_pin_that_is_there_twice_is_refused() {
    for name in ["x-pointsman-account", "x-pointsman-pool"] {
        let ask = Ask::messages().header(name, "anthropic:a").header(name, "anthropic:b");
        refused(ask, 400, "is there twice; send it once").await;
    }
}

#[tokio::test]
async fn an_unknown_pool_in_a_pin_is_refused_with_those_that_are_known() {
    let known = "antigravity, claude, gemini-cli";
    refused(Ask::gemini().model("gemini-3-flash:nonsense"), 400, known).await;
    refused(Ask::gemini().header("x-pointsman-pool", "nonsense"), 400, known).await;
    refused(Ask::gemini().model("nonsense/gemini-3-flash"), 400, known).await;
}

#[tokio::test]
async fn a_pool_that_does_not_serve_the_model_is_refused_with_those_that_do() {
    let claude = Ask::gemini().model("claude-sonnet-4-6").header("x-pointsman-pool", "gemini-cli");
    refused(claude, 400, "pools that do: claude").await;
}

#[tokio::test]
async fn an_unknown_account_is_refused() {
    refused(Ask::messages().header("x-pointsman-account", "anthropic:nobody"), 400, "anthropic:nobody").await;
}

#[tokio::test]
async fn a_provider_without_accounts_is_named() {
    refused(Ask::chat().model("openrouter/some-model"), 503, "no account for provider `openrouter`").await;
}

#[tokio::test]
async fn a_body_that_cannot_be_unpacked_is_refused() {
    let unknown = Ask::messages().header("content-encoding", "compress").body([0x1f, 0x9d, 0x90, 0]);
    refused(unknown, 415, "`compress`").await;
    let cut = Ask::messages().header("content-encoding", "gzip").body([0x1f, 0x8b, 8, 0]);
    refused(cut, 400, "not the gzip that its content-encoding says").await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let stage = Setup::new().set("max_body", "1KiB").anthropic("a", free()).start();
    let long = Ask::messages().body(format!(r#"{{"model":"m","messages":"{}"}}"#, "x".repeat(2_000)));
    let answer = stage.client().await.send(&long).await.refused(413);
    assert!(message(&answer).contains("longer than 1024 bytes"), "{}", answer.text());
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
}

/// The longest body counts for those who load the library as well.
#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_the_library_too() {
    let stage = Setup::new().set("max_body", "1KiB").anthropic("a", free()).start();
    let long = Ask::messages().body(format!(r#"{{"model":"m","messages":"{}"}}"#, "x".repeat(2_000)));
    stage.fetch(&long).await.refused(413);
}

#[tokio::test]
async fn an_unknown_path_is_refused_with_those_that_are_served() {
    let stage = stage();
    let answer = stage.client().await.send(&Ask::messages().to("/v9/poems")).await.refused(404);
    assert!(message(&answer).contains("POST /v1/messages"), "{}", answer.text());
}

/// Where the path does not tell the format, the headers do that a service asks its clients for.
#[tokio::test]
async fn an_unknown_path_is_refused_in_the_callers_format() {
    let stage = stage();
    let mut client = stage.client().await;
    let ask = |header: &str| Ask::messages().to("/v1/unknown").header(header, "x");
    let anthropic = client.send(&ask("anthropic-version")).await.refused(404).json();
    assert_eq!(
        (&anthropic["type"], &anthropic["error"]["type"]),
        (&"error".into(), &"not_found_error".into())
    );
    let gemini = client.send(&ask("x-goog-api-key")).await.refused(404).json();
    assert_eq!((&gemini["error"]["code"], &gemini["error"]["status"]), (&404.into(), &"NOT_FOUND".into()));
    let openai = client.send(&ask("authorization")).await.refused(404).json();
    assert_eq!(openai["error"]["code"], "invalid_request_error");
}

#[tokio::test]
async fn what_is_no_http_is_an_error_of_the_call() {
    let stage = stage();
    for request in [
        Request::post("no url", ""),
        Request::post("/v1/messages", ""),
        Request { method: "NO METHOD".into(), ..Request::post("https://api.anthropic.com/v1/messages", "") },
        Request::post("https://api.anthropic.com/v1/messages", "").header("bad name", "x"),
        Request::post("https://api.anthropic.com/v1/messages", "").header("x-value", "bad\nvalue"),
    ] {
        let error = stage.router.fetch(request.clone()).await.expect_err("no HTTP");
        assert_eq!(error.code, ErrorCode::BAD_REQUEST, "{request:?}: {error}");
    }
}

/// A 400 of the upstream is the caller's own affair: it passes as it is, and is tried nowhere else.
#[tokio::test]
async fn a_fault_of_the_request_is_not_tried_elsewhere() {
    let fault = pointsman_upstream::Fault::status(pointsman_upstream::Shape::PromptTooLong);
    let stage = Setup::new().anthropic("a", free()).anthropic("b", free()).fault(fault).start();
    let answer = stage.fetch(&Ask::messages()).await.refused(400);
    assert!(message(&answer).contains("prompt is too long"), "{}", answer.text());
    assert_eq!(answer.attempts(), 1);
    assert_eq!(stage.told.texts(), Vec::<String>::new());
}

/// An upstream resolves dot segments, so such a path would reach another endpoint with the credential.
#[tokio::test]
async fn a_path_with_dot_segments_never_goes_out() {
    let stage = stage();
    let mut client = stage.client().await;
    for path in
        ["/v1/messages/../../../admin/keys", "/v1/messages/%2e%2e/%2e%2e/admin/keys", "/v1/files/..%2fx"]
    {
        let answer = client.send(&Ask::messages().to(path)).await.refused(400);
        assert!(message(&answer).contains("dot segment"), "{}", answer.text());
        let url = format!("https://api.anthropic.com{path}");
        stage.fetch(&Ask::messages().to(&url)).await.refused(400);
    }
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
}

/// `TRACE` would come back with the credential; other methods would go past the routing by model.
#[tokio::test]
async fn a_method_outside_of_the_api_never_goes_out() {
    for method in ["TRACE", "PUT", "post", "PROPFIND"] {
        refused(Ask::messages().method(method), 405, method).await;
    }
}
