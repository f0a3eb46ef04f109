//! The dashboard: a page for browsers, its events, and whom it is served to.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Ask, Client, Setup, Stage, within};
use serde_json::Value;

const PAGE: &str = "text/html,application/xhtml+xml";

fn stage() -> Stage {
    Setup::new().anthropic("a", spent(60)).anthropic("b", free()).start()
}

fn get(path: &str) -> Ask {
    Ask::messages().get().to(path)
}

/// An open page, with the events so far.
struct Page {
    body: Incoming,
    text: String,
    seen: Vec<(String, Value)>,
}

impl Page {
    async fn open(client: &mut Client) -> Self {
        let response = client.open(&get("/events")).await.expect("a head");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new(), seen: Vec::new() }
    }

    /// Returns the data of the first event of this name.
    async fn first(&mut self, name: &str) -> Value {
        self.first_where(name, |_| true).await
    }

    /// Returns the data of the first event of this name that holds.
    async fn first_where(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        within(async {
            loop {
                let found = self.seen.iter().find(|(event, data)| event == name && holds(data));
                if let Some((_, data)) = found {
                    return data.clone();
                }
                self.read().await;
            }
        })
        .await
    }

    async fn read(&mut self) {
        let piece = self.piece().await.expect("the page is open");
        self.text += std::str::from_utf8(&piece).expect("events are text");
        while let Some((event, rest)) = self.text.split_once("\n\n") {
            let (name, data) = event.split_once("\ndata: ").expect("an event has data");
            let name = name.strip_prefix("event: ").expect("an event has a name").to_owned();
            self.seen.push((name, serde_json::from_str(data).expect("an event is JSON")));
            self.text = rest.to_owned();
        }
    }

    async fn piece(&mut self) -> Option<Bytes> {
        let frame = self.body.frame().await?.expect("a whole event");
        frame.into_data().ok()
    }
}

#[tokio::test]
async fn a_browser_gets_the_page_and_a_program_a_line_of_text() {
    let stage = stage();
    let mut client = stage.client().await;
    let line = client.send(&get("/")).await.good();
    assert!(line.text().contains("account-limits"), "{}", line.text());
    let page = client.send(&get("/").header("accept", PAGE)).await.good();
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for name in ["dashboard.js", "dashboard.css"] {
        let path = format!("/dashboard/{name}");
        assert!(page.text().contains(&path), "{name} is part of the page");
        client.send(&get(&path)).await.good();
    }
    client.send(&Ask::messages().to("/dashboard/dashboard.js")).await.refused(405);
    client.send(&get("/dashboard/other.js")).await.refused(404);
}

#[tokio::test]
async fn the_page_may_load_and_run_nothing_from_elsewhere() {
    let stage = stage();
    let mut client = stage.client().await;
    for path in ["/", "/dashboard/dashboard.js", "/dashboard/dashboard.css"] {
        let page = client.send(&get(path).header("accept", PAGE)).await.good();
        let policy = page.header("content-security-policy").expect("a policy");
        for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.split("; ").any(|known| known == rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing() {
    let stage = stage();
    let mut client = stage.client().await;
    for path in ["/", "/events", "/dashboard/dashboard.js"] {
        let cross = get(path).header("accept", PAGE).header("sec-fetch-site", "cross-site");
        client.send(&cross).await.refused(403);
        let rebound = get(path).header("accept", PAGE).header("host", "evil.example");
        client.send(&rebound).await.refused(403);
    }
}

/// Whoever reaches a listener of other machines would see every account.
#[tokio::test]
async fn the_page_stays_on_this_machine() {
    let stage = Setup::new()
        .anthropic("a", free())
        .set("listen", "0.0.0.0:0")
        .set("allow_remote", true)
        .set("allow_hosts", "127.0.0.1")
        .start();
    let address = stage.router.listen("").expect("a listener");
    let port = address.rsplit(':').next().expect("a port");
    let mut client = Client::connect(&format!("127.0.0.1:{port}")).await;
    for path in ["/", "/events", "/dashboard/dashboard.js"] {
        let answer = client.send(&get(path).header("accept", PAGE)).await.refused(403);
        assert!(answer.text().contains("127.0.0.1"), "{}", answer.text());
    }
}

#[tokio::test]
async fn events_tell_the_fleet_the_requests_and_the_notices() {
    let stage = stage();
    let mut client = stage.client().await;
    let mut page = Page::open(&mut client).await;
    assert_eq!(page.first("fleet").await["accounts"].as_array().map(Vec::len), Some(2));
    assert_eq!(page.first("pulse").await["counters"]["requests"], 0);
    let ask =
        || Ask::messages().header("x-claude-code-session-id", "s").header("user-agent", "claude-cli/2.1.332");
    while stage.calls("a") == 0 {
        stage.fetch(&ask().header("x-claude-code-agent-id", "child")).await.good();
    }
    let requests = page.first("requests").await;
    let request = &requests[0];
    assert_eq!((&request["provider"], &request["status"]), (&"anthropic".into(), &200.into()));
    assert_eq!((&request["program"], &request["subagent"]), (&"claude-cli".into(), &true.into()));
    assert_ne!(request["agent"], request["root"], "a subagent is not its root session");
    let notices = page.first("notices").await;
    assert!(notices[0]["text"].as_str().is_some_and(|text| text.contains("switching")), "{notices}");
    let is_limited = |fleet: &Value| fleet["accounts"][0]["pools"][0]["state"] == "limited";
    page.first_where("fleet", is_limited).await;
}

/// A page that is opened later sees what was before.
#[tokio::test]
async fn a_page_begins_with_what_is_kept() {
    let stage = stage();
    while stage.calls("a") == 0 {
        stage.fetch(&Ask::messages()).await.good();
    }
    let mut client = stage.client().await;
    let mut page = Page::open(&mut client).await;
    assert!(page.first("requests").await.as_array().is_some_and(|requests| !requests.is_empty()));
    assert_eq!(page.first("notices").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_open_page_does_not_hold_a_shutdown_up() {
    let stage = stage();
    let mut client = stage.client().await;
    let mut page = Page::open(&mut client).await;
    page.first("pulse").await;
    within(stage.router.shutdown(Duration::from_secs(20))).await.expect("it is shut down");
    within(async { while page.piece().await.is_some() {} }).await;
}

#[tokio::test]
async fn pages_are_bounded_and_a_closed_page_makes_room() {
    let stage = stage();
    let address = stage.gateway();
    let mut open = Vec::new();
    for _ in 0..32 {
        let mut client = Client::connect(&address).await;
        open.push((Page::open(&mut client).await, client));
    }
    let mut client = Client::connect(&address).await;
    client.send(&get("/events")).await.refused(503);
    open.clear();
    within(async {
        while !client.open(&get("/events")).await.is_ok_and(|response| response.status() == 200) {
            client = Client::connect(&address).await;
        }
    })
    .await;
}
