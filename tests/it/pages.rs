//! Web pages: none may use the gateway, but those from where the configuration says.

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup};

fn opening(answer: &Heard) -> Vec<(String, String)> {
    let headers = answer.headers.iter();
    headers.filter(|(name, _)| name.starts_with("access-control-")).cloned().collect()
}

#[tokio::test]
async fn a_page_is_refused_unless_the_configuration_names_where_it_is_from() {
    let setup = Setup::new().anthropic("a", free());
    let stage = setup.set("allow_origins", "https://app.example").start();
    let mut client = stage.client().await;
    for path in ["/v1/messages", "/account-limits", "/"] {
        let stranger = Ask::messages().to(path).header("origin", "https://evil.example");
        let answer = client.send(&stranger).await.refused(403);
        assert!(answer.text().contains("allow_origins"), "{}", answer.text());
        assert_eq!(opening(&answer), []);
    }
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
    let page = client.send(&Ask::messages().header("origin", "https://app.example")).await.good();
    assert_eq!(page.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(page.header("vary"), Some("origin"));
}

#[tokio::test]
async fn a_browser_that_asks_beforehand_is_told() {
    let stage = Setup::new().anthropic("a", free()).set("allow_origins", "https://app.example").start();
    let mut client = stage.client().await;
    let preflight = |origin: &str| {
        let ask = Ask::messages().method("OPTIONS").header("origin", origin);
        ask.header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type, x-api-key")
    };
    let allowed = client.send(&preflight("https://app.example")).await.refused(204);
    assert_eq!(allowed.header("access-control-allow-headers"), Some("content-type, x-api-key"));
    assert!(allowed.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    assert_eq!(opening(&client.send(&preflight("https://evil.example")).await.refused(403)), []);
    client.send(&Ask::messages().method("OPTIONS")).await.refused(405);
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
}

/// Some upstreams open themselves to all pages. That is their affair, and must not open the gateway.
#[tokio::test]
async fn an_upstream_that_is_open_to_pages_does_not_open_the_gateway() {
    let body = r#"{"type":"message","content":[]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\naccess-control-allow-origin: *\r\n";
    let raw = Raw::start(vec![format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()]);
    let stage = Setup::new().anthropic("a", free()).provider("anthropic", "base_url", raw.base_url()).start();
    assert_eq!(opening(&stage.client().await.send(&Ask::messages()).await.good()), []);
}

/// A page whose name was pointed at this machine is of the gateway's own origin for the browser.
#[tokio::test]
async fn a_name_that_is_not_the_gateways_is_refused() {
    let stage = Setup::new().anthropic("a", free()).set("allow_hosts", "gateway.lan").start();
    let mut client = stage.client().await;
    for path in ["/v1/messages", "/account-limits", "/explain"] {
        let ask = Ask::messages().to(path).header("host", "rebound.example:8787");
        let answer = client.send(&ask).await.refused(403);
        assert!(answer.text().contains("allow_hosts"), "{}", answer.text());
    }
    client
        .send(&Ask::messages().header("host", "rebound.example").header("host", "localhost"))
        .await
        .refused(403);
    assert_eq!(stage.upstream.ledger().entries().len(), 0);
    for host in ["gateway.lan", "localhost:1", "127.0.0.1", "[::1]:8787"] {
        client.send(&Ask::messages().header("host", host)).await.good();
    }
}

/// Links, images and scripts of another site come without an `Origin`.
#[tokio::test]
async fn a_request_of_another_site_is_refused_without_an_origin() {
    let stage = Setup::new().anthropic("a", free()).start();
    let mut client = stage.client().await;
    for site in ["cross-site", "same-site"] {
        client.send(&Ask::messages().to("/account-limits").header("sec-fetch-site", site)).await.refused(403);
    }
    client.send(&Ask::messages().header("sec-fetch-site", "none")).await.good();
}
