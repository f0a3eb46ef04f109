//! What the user says himself: `errors` of a provider, `models` and `priority` of accounts, `drain`.

use pointsman_tests::raw::{Raw, json as good};
use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage};
use serde_json::{Value, json};

const SERVED: &str = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"fine"}}]}"#;

/// An error that no table knows.
fn odd(status: u16) -> Vec<u8> {
    let body = r#"{"error":{"message":"The blue moon is out","code":"moon"}}"#;
    let head =
        format!("HTTP/1.1 {status} Odd\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// Two accounts, a rule for the odd error, and what the upstream answers in turn.
fn ruled(rule: Value, answers: Vec<Vec<u8>>) -> (Raw, Stage) {
    let raw = Raw::in_turn(answers);
    let setup = Setup::new().provider("openai", "base_url", raw.base_url());
    let setup = setup.provider("openai", "errors", json!([rule])).set("strategy", "round-robin");
    let stage = setup.openai("a", free()).openai("b", free()).start();
    (raw, stage)
}

async fn explained(stage: &Stage, answer: &Heard) -> (Value, String) {
    let id = answer.header("x-pointsman-request-id").expect("an id").to_owned();
    let mut client = stage.client().await;
    let page = client.send(&Ask::chat().get().to(&format!("/explain/{id}"))).await.good().json();
    let text = client.send(&Ask::chat().get().to(&format!("/explain/{id}?format=text"))).await;
    (page, text.good().text())
}

async fn limits(stage: &Stage) -> String {
    stage.client().await.send(&Ask::chat().get().to("/account-limits")).await.good().text()
}

#[tokio::test]
async fn an_error_means_the_request_or_nothing_and_is_delivered_after_one_call() {
    for means in ["request", "ignore"] {
        // Without the rule a 500 is tried elsewhere.
        let (raw, stage) =
            ruled(json!({"status": 500, "code": "moon", "means": means}), vec![odd(500), good(SERVED)]);
        let answer = stage.fetch(&Ask::chat()).await.refused(500);
        assert!(answer.text().contains("blue moon"), "{means}");
        raw.next();
        assert!(raw.next_if_any().is_none(), "{means}: one call");
        let (_, text) = explained(&stage, &answer).await;
        assert!(text.contains("your own rule errors[0]"), "{text}");
        stage.fetch_times(2, Ask::chat).await.into_iter().for_each(|answer| drop(answer.good()));
    }
}

#[tokio::test]
async fn an_error_means_the_account_and_the_account_rests_for_as_long_as_the_rule_says() {
    let rule = json!({"status": 400, "text": "Blue MOON", "means": "account", "for": "10m"});
    let (_raw, stage) = ruled(rule, vec![odd(400), good(SERVED)]);
    let answer = stage.fetch(&Ask::chat()).await.good();
    assert_eq!(answer.attempts(), 2);
    let other = answer.account().to_owned();
    for answer in stage.fetch_times(4, Ask::chat).await {
        assert_eq!(answer.good().account(), other);
    }
    assert!(limits(&stage).await.contains("not allowed by project or plan"));
}

#[tokio::test]
async fn an_error_means_the_model_and_other_models_go_on_there() {
    let rule = json!({"code": "moon", "means": "model", "for": "10m"});
    let (_raw, stage) = ruled(rule, vec![odd(400), good(SERVED)]);
    let first = stage.fetch(&Ask::chat().model("gpt-5")).await.good().account().to_owned();
    for answer in stage.fetch_times(3, || Ask::chat().model("gpt-5")).await {
        assert_eq!(answer.good().account(), first);
    }
    let others = stage.fetch_times(2, || Ask::chat().model("gpt-4.1")).await;
    assert!(others.into_iter().any(|answer| answer.good().account() != first));
}

#[tokio::test]
async fn an_error_means_a_limit_which_goes_elsewhere_at_once_and_tells_its_end() {
    let rule = json!({"status": 418, "means": "limit", "for": "30m"});
    let (_raw, stage) = ruled(rule, vec![odd(418), good(SERVED), odd(418)]);
    let answer = stage.fetch(&Ask::chat()).await.good();
    assert_eq!(answer.attempts(), 2);
    let refused = stage.fetch(&Ask::chat()).await.refused(429);
    let end = refused.json()["error"]["message"].to_string();
    assert!(end.contains("in 29m") || end.contains("in 30m"), "{end}");
    assert!(limits(&stage).await.contains("limited"));
}

#[tokio::test]
async fn an_error_means_want_of_room_which_is_no_limit_of_the_account() {
    let rule = json!({"status": 400, "code": "moon", "means": "capacity", "for": "5m"});
    let (_raw, stage) = ruled(rule, vec![odd(400), good(SERVED)]);
    let answer = stage.fetch(&Ask::chat().model("gpt-5")).await.good();
    assert_eq!(answer.attempts(), 2);
    assert!(limits(&stage).await.contains("no capacity"));
    let others = stage.fetch_times(2, || Ask::chat().model("gpt-4.1")).await;
    assert!(others.into_iter().any(|other| other.good().account() != answer.account()));
}

#[tokio::test]
async fn an_account_is_used_for_its_models_only_and_a_refusal_says_so() {
    let setup = Setup::new().set("strategy", "round-robin");
    let setup =
        setup.openai("a", free()).with("models", json!({"only": ["gpt-5*"], "never": ["gpt-5-mini"]}));
    let stage = setup.openai("b", free()).with("models", json!({"never": ["gpt-5*"]})).start();
    for (model, account) in [("gpt-5", "a"), ("gpt-5-codex", "a"), ("gpt-4.1", "b"), ("gpt-5", "a")] {
        assert_eq!(stage.fetch(&Ask::chat().model(model)).await.good().account(), account, "{model}");
    }
    let refused = stage.fetch(&Ask::chat().model("gpt-5-mini")).await;
    assert!(refused.status >= 400, "{}", refused.status);
    let words = "2 kept from the model by `models`";
    assert!(refused.text().contains(words), "{}", refused.text());
    let (page, _) = explained(&stage, &refused).await;
    assert!(page.to_string().contains("kept from this model by its `models`"), "{page:#}");
}

#[tokio::test]
async fn the_lowest_tier_goes_first_and_the_next_while_the_first_is_closed() {
    let setup = Setup::new().set("strategy", "least-connections").openai("a", free());
    let stage =
        setup.openai("b", free()).with("priority", 10).openai("c", free()).with("priority", 20).start();
    for answer in stage.fetch_times(4, Ask::chat).await {
        assert_eq!(answer.good().account(), "b");
    }
    let answer = stage.fetch(&Ask::chat()).await.good();
    let (_, text) = explained(&stage, &answer).await;
    assert!(text.contains("its `priority` goes first"), "{text}");
    stage.upstream.set_pool("b", "default", spent(3_600)).expect("it is in the script");
    for answer in stage.fetch_times(3, Ask::chat).await {
        assert_eq!(answer.good().account(), "c");
    }
}
