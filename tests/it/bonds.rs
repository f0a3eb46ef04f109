//! Bonds: what an account made is used by that account, or by nobody.

use pointsman_tests::raw::Raw;
use pointsman_tests::setup::{free, spent};
use pointsman_tests::{Ask, Setup, Stage};
use serde_json::json;

/// Accounts that take turns, so that nothing but its bond keeps a request from the next one.
fn turns() -> Setup {
    Setup::new().set("strategy", "round-robin").openai("a", free()).openai("b", free())
}

fn following(response: &str) -> Ask {
    let body = json!({"model": "gpt-5", "input": "and then?", "previous_response_id": response});
    Ask::responses().body(body.to_string())
}

/// Asks, and returns the id of the answer and who made it.
async fn made(stage: &Stage, ask: &Ask) -> (String, String) {
    let answer = stage.fetch(ask).await.good();
    let text = answer.text();
    let id = text.split_once("\"id\":\"resp_").and_then(|(_, rest)| rest.split_once('"')).expect("an id").0;
    (format!("resp_{id}"), answer.account().to_owned())
}

#[tokio::test]
async fn an_answer_is_followed_by_the_account_that_made_it() {
    let stage = turns().start();
    for ask in [Ask::responses(), Ask::responses().streaming()] {
        let (mut response, maker) = made(&stage, &ask).await;
        for _ in 0..4 {
            let (next, by) = made(&stage, &following(&response)).await;
            assert_eq!(by, maker);
            response = next;
        }
    }
}

#[tokio::test]
async fn a_bound_request_never_goes_to_another_account() {
    let stage = turns().start();
    let (response, maker) = made(&stage, &Ask::responses()).await;
    stage.upstream.set_pool(&maker, "default", spent(60)).expect("it is in the script");
    let other = if maker == "a" { "b" } else { "a" };
    let before = stage.calls(other);
    stage.fetch(&following(&response)).await.refused(429);
    assert_eq!(stage.calls(other), before);
}

#[tokio::test]
async fn a_request_that_two_accounts_would_have_to_serve_fails_with_the_reason() {
    let stage = turns().start();
    let (one, _) = made(&stage, &Ask::responses()).await;
    let (other, _) = made(&stage, &Ask::responses()).await;
    let body =
        json!({"model": "gpt-5", "input": [{"previous_response_id": one}], "previous_response_id": other});
    let text = stage.fetch(&Ask::responses().body(body.to_string())).await.refused(409).text();
    assert!(text.contains("no account can use both"), "{text}");
}

#[tokio::test]
async fn what_nobody_is_known_to_have_made_goes_to_anybody() {
    let stage = turns().start();
    let mut served: Vec<String> = Vec::new();
    for _ in 0..2 {
        served.push(made(&stage, &following("resp_of_another_day")).await.1);
    }
    assert_eq!(served, ["a", "b"]);
}

/// A batch names its model inside of its requests, and its id belongs to the account that took it.
#[tokio::test]
async fn a_batch_is_routed_by_its_first_request_and_stays_with_its_account() {
    let raw = Raw::json(r#"{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress"}"#);
    let setup = Setup::new().set("strategy", "round-robin").anthropic("a", free()).anthropic("b", free());
    let setup = setup.provider("anthropic", "models", json!({"mine": "claude-x"}));
    let stage = setup.provider("anthropic", "base_url", raw.base_url()).start();
    let mut client = stage.client().await;
    let key = |raw: &Raw| raw.next().values("x-api-key").concat();
    let batch = r#"{"requests":[{"custom_id":"1","params":{"model":"mine","max_tokens":9,"messages":[]}}]}"#;
    client.send(&Ask::messages().to("/v1/messages/batches").body(batch)).await.good();
    let asked = raw.next();
    assert_eq!(String::from_utf8_lossy(&asked.body), batch.replace("mine", "claude-x"));
    let maker = asked.values("x-api-key").concat();
    let path = "/v1/messages/batches/msgbatch_1";
    for rest in ["", "/results", "/cancel", "", "/results"] {
        let ask = if rest == "/cancel" { Ask::messages().body("") } else { Ask::messages().get() };
        client.send(&ask.to(&format!("{path}{rest}"))).await.good();
        assert_eq!(key(&raw), maker, "{rest}");
    }
    let refused = client.send(&Ask::messages().to("/v1/messages/batches").body("{}")).await.refused(400);
    assert!(refused.text().contains("names no `model`"), "{}", refused.text());
}

/// The other paths of the public lists: what is made is found again, and nobody is asked for a model in vain.
#[tokio::test]
async fn what_other_paths_make_stays_with_its_account() {
    let raw = Raw::json(r#"{"id":"vs_1","object":"vector_store"}"#);
    let setup = Setup::new().set("strategy", "round-robin").openai("a", free()).openai("b", free());
    let stage = setup.provider("openai", "base_url", raw.base_url()).start();
    let mut client = stage.client().await;
    client.send(&Ask::chat().to("/v1/vector_stores").body(r#"{"name":"x"}"#)).await.good();
    let maker = raw.next().values("authorization").concat();
    for _ in 0..3 {
        client.send(&Ask::chat().to("/v1/vector_stores/vs_1/search").body(r#"{"query":"q"}"#)).await.good();
        assert_eq!(raw.next().values("authorization").concat(), maker);
    }
    let form = "--X\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--X--\r\n";
    let ask = Ask::chat().to("/v1/audio/transcriptions").body(form);
    client.send(&ask.header("content-type", "multipart/form-data; boundary=X")).await.good();
    assert_eq!(String::from_utf8_lossy(&raw.next().body), form);
}
