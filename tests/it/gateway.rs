//! The gateway: forty clients at once, and the pages for operators.

use futures_util::future::join_all;
use pointsman_tests::ask::Format;
use pointsman_tests::setup::{free, limited, secret, spent};
use pointsman_tests::{Ask, Client, Heard, Setup, Stage, plugin, within};
use pointsman_upstream::{Account, Fault, Pace, Script, Shape, Upstream};

/// The configuration of the documentation, for the accounts below.
fn config(base: &str) -> String {
    format!(
        r#"
quota_fallback: true
fallback_order: account-first
strategy: hybrid
quiet_mode: false
max_wait: 25s
listen: 127.0.0.1:0
store: memory
providers:
  anthropic: {{base_url: "{base}"}}
  openai: {{base_url: "{base}/v1"}}
  antigravity:
    oauth: {{client_id: my-client, client_secret: my-secret, token_url: "{base}/token"}}
    pools:
      claude:      {{base_url: "{base}/pool-claude", envelope: none}}
      antigravity: {{base_url: "{base}/pool-antigravity", envelope: none, headers: {{x-team: blue}}}}
      gemini-cli:  {{base_url: "{base}/pool-gemini-cli", envelope: none}}
accounts:
  - {{id: "anthropic:work", api_key: {work}, weight: 2}}
  - {{id: "anthropic:spare", api_key: {spare}}}
  - {{id: "openai:one", api_key: {one}}}
  - {{id: "openai:two", api_key: {two}}}
  - {{id: "antigravity:home", refresh_token: {home}, project: my-project}}
"#,
        work = secret("key", "work"),
        spare = secret("key", "spare"),
        one = secret("key", "one"),
        two = secret("key", "two"),
        home = secret("refresh", "home"),
    )
}

fn upstream() -> Upstream {
    let keyed = |label: &str, limit| {
        Account::new(label).api_key(secret("key", label)).pool("default", limited(limit, 2))
    };
    let home = Account::new("home").refresh_token(secret("refresh", "home")).default_pool("gemini-cli");
    let home = home.pool("antigravity", limited(25, 2)).pool("gemini-cli", limited(15, 2));
    let script = Script::new(7).pace(Pace::spread(4, std::time::Duration::from_millis(10)));
    let script = script.account(keyed("work", 25)).account(keyed("spare", 15));
    let script = script.account(keyed("one", 20)).account(keyed("two", 20)).account(home);
    Upstream::start_blocking(script).expect("the upstream starts")
}

/// Forty agents ask four times each, in all formats, as fast as they can. What there is suffices in the
/// end, so nobody sees a 429.
#[tokio::test]
async fn forty_clients_are_all_served() {
    let upstream = upstream();
    let config = config(&upstream.base_url());
    let stage = Stage::start(upstream, pointsman_tests::setup::options(&config));
    let address = stage.router.listen("").expect("the configured address");
    let answers = join_all((0..40).map(|client| agent(address.clone(), client))).await;
    for answer in answers.into_iter().flatten() {
        answer.good();
    }
    let counters = stage.status();
    assert_eq!((counters.counter("requests"), counters.counter("answered")), (160, 160));
    assert_eq!((counters.counter("refused"), counters.counter("failed")), (0, 0));
    assert!(counters.counter("trips") > 0, "the limits were met");
    let accounts = counters.accounts.len() as u64 + 1;
    assert!(counters.counter("plans") <= counters.counter("attempts") * accounts);
    let blue = stage.upstream.ledger().count(|entry| entry.header("x-team") == Some("blue"));
    assert_eq!(blue, stage.calls_of_pool("antigravity"));
    for account in counters.accounts {
        assert!(stage.calls(&account.label) > 0, "{} did nothing", account.id);
    }
}

async fn agent(address: String, number: usize) -> Vec<Heard> {
    let mut client = Client::connect(&address).await;
    let mut heard = Vec::new();
    for turn in 0..4 {
        let ask = Ask::of(Format::ALL[(number + turn) % 4]);
        heard.push(client.send(&if turn % 2 == 0 { ask.streaming() } else { ask }).await);
    }
    heard
}

#[tokio::test]
async fn health_says_how_many_accounts_are_ready() {
    let stage = Setup::new().anthropic("a", free()).anthropic("b", free()).start();
    let answer = stage.client().await.send(&Ask::messages().get().to("/health")).await.good().json();
    assert_eq!(answer["status"], "ok");
    assert_eq!((&answer["accounts"]["total"], &answer["accounts"]["ready"]), (&2.into(), &2.into()));
}

/// A balancer, or who waits for a start, has to tell the two apart.
#[tokio::test]
async fn health_tells_a_gateway_without_accounts_from_one_that_is_ready() {
    let stage = Setup::new().start();
    let answer = stage.client().await.send(&Ask::messages().get().to("/health")).await.refused(503).json();
    assert_eq!((&answer["status"], &answer["accounts"]["total"]), (&"no accounts".into(), &0.into()));
    let stage = Setup::new().anthropic("a", free()).fault(Fault::status(Shape::Unauthorized)).start();
    stage.fetch(&Ask::messages()).await.refused(401);
    let answer = stage.client().await.send(&Ask::messages().get().to("/health")).await.good().json();
    assert_eq!((&answer["status"], &answer["accounts"]["ready"]), (&"no account is ready".into(), &0.into()));
}

#[tokio::test]
async fn the_limits_are_shown_as_json_and_as_a_table() {
    let stage = Setup::new().anthropic("a", spent(60)).anthropic("b", free()).start();
    stage.fetch(&Ask::messages()).await.good();
    let mut client = stage.client().await;
    let limits = client.send(&Ask::messages().get().to("/account-limits")).await.good().json();
    let pool = &limits["accounts"][0]["pools"][0];
    assert_eq!((&pool["state"], &pool["trips"], &pool["limited"]), (&"limited".into(), &1.into(), &1.into()));
    assert!(pool["until_unix_ms"].as_u64() > limits["now_unix_ms"].as_u64());
    assert_eq!(limits["counters"]["trips"], 1);
    let table = client.send(&Ask::messages().get().to("/account-limits?format=table")).await.good();
    assert!(table.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert!(table.text().contains("anthropic:a") && table.text().contains("limited"), "{}", table.text());
}

#[tokio::test]
async fn models_are_listed_and_tokens_counted() {
    let stage = Setup::new().anthropic("a", free()).openai("o", free()).start();
    let mut client = stage.client().await;
    let models = client.send(&Ask::chat().get().to("/v1/models")).await.good().json();
    assert!(models["data"].is_array(), "{models}");
    let count = client.send(&Ask::messages().to("/v1/messages/count_tokens")).await.good().json();
    assert!(count["input_tokens"].is_u64(), "{count}");
}

/// One connection carries one request after the other.
#[tokio::test]
async fn a_connection_is_kept() {
    let stage = Setup::new().anthropic("a", free()).start();
    let mut client = stage.client().await;
    for _ in 0..5 {
        client.send(&Ask::messages()).await.good();
        client.send(&Ask::messages().streaming()).await.good();
        client.send(&Ask::messages().body("no json")).await.refused(400);
    }
}

#[tokio::test]
async fn two_gateways_of_one_router_share_its_limits() {
    let stage = Setup::new().anthropic("a", spent(60)).start();
    for _ in 0..2 {
        within(stage.client()).await.send(&Ask::messages()).await.refused(429);
    }
    assert_eq!(stage.calls("a"), 1);
    assert!(plugin::path().exists());
}
