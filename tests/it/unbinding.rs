//! `unbind`: a request goes on without the state that only its own account can read.

use pointsman_tests::raw::{Raw, json as good};
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup, Stage};
use serde_json::{Value, json};

const REASONING: &str = "gAAAAABo1sd9Vq0b3mYb7yqYQk2o9V0mZ3pW8Jm4cR5tX6uY7vZ8wA9xB0yC1zD2eF3gH4i";

fn response(id: &str, reasoning: &str) -> Vec<u8> {
    good(
        &json!({
            "id": id, "object": "response", "status": "completed", "model": "gpt-5",
            "output": [
                {"type": "reasoning", "id": format!("rs_{id}"), "summary": [], "encrypted_content": reasoning},
                {"type": "message", "id": format!("msg_{id}"), "role": "assistant", "status": "completed",
                 "content": [{"type": "output_text", "text": "fine", "annotations": []}]},
            ],
        })
        .to_string(),
    )
}

fn failed(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    format!("{head}\r\n{headers}\r\n{body}").into_bytes()
}

fn limited() -> Vec<u8> {
    failed(
        "429 Too Many Requests",
        "retry-after: 3600\r\n",
        r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_in_seconds":3600}}"#,
    )
}

/// The next turn of an agent that keeps its conversation itself.
fn turn(extra: &Value) -> Ask {
    let mut body = json!({
        "model": "gpt-5", "store": false, "include": ["reasoning.encrypted_content"],
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": REASONING},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "shell", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
        ],
    });
    for (key, value) in extra.as_object().expect("a map") {
        body[key] = value.clone();
    }
    Ask::responses().body(body.to_string())
}

fn stage(provider: &str, unbind: bool, answers: Vec<Vec<u8>>) -> (Raw, Stage) {
    let raw = Raw::in_turn(answers);
    let setup = Setup::new().provider(provider_name(provider), "base_url", raw.base_url());
    let setup = setup.set("strategy", "round-robin").set("unbind", unbind);
    let setup = ["a", "b"].into_iter().fold(setup, |setup, label| setup.keyed(provider, label, free(), 1));
    (raw, setup.start())
}

fn provider_name(provider: &str) -> &'static str {
    match provider {
        "openai" => "openai",
        "anthropic" => "anthropic",
        _ => "gemini",
    }
}

async fn explained(stage: &Stage, answer: &Heard) -> String {
    let id = answer.header("x-pointsman-request-id").expect("an id").to_owned();
    let page = Ask::chat().get().to(&format!("/explain/{id}?format=text"));
    stage.client().await.send(&page).await.good().text()
}

fn body_of(raw: &Raw) -> Value {
    serde_json::from_slice(&raw.next().body).expect("JSON")
}

#[tokio::test]
async fn a_bound_request_is_told_what_binds_it_and_to_whom() {
    let (_raw, stage) = stage("openai", false, vec![response("resp_1", REASONING), limited()]);
    let maker = stage.fetch(&Ask::responses()).await.good().account().to_owned();
    let refused = stage.fetch(&turn(&json!({}))).await.refused(429);
    let error = &refused.json()["error"];
    if error["bound_to"].is_null() {
        // The first refusal is the account's own; the next one is ours.
        assert_eq!(refused.account(), maker);
    }
    let refused = stage.fetch(&turn(&json!({}))).await.refused(429);
    let error = &refused.json()["error"];
    let account = format!("openai:{maker}");
    assert_eq!(error["bound_to"], json!({"account": account, "by": "encrypted reasoning"}), "{error:#}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&format!("bound to {account} by encrypted reasoning")), "{message}");
    assert!(message.contains("`unbind: true`"), "{message}");
    assert!(
        explained(&stage, &refused).await.contains(&format!("bound to {account} by encrypted reasoning"))
    );
    assert!(stage.told.wait_for("can use encrypted reasoning").await.contains(&maker));
}

#[tokio::test]
async fn with_unbind_it_goes_on_elsewhere_without_its_reasoning_and_the_next_turn_keeps_the_new_one() {
    let second = REASONING.replace("Vq0b", "Xr1c");
    let answers =
        vec![response("resp_1", REASONING), limited(), response("resp_2", &second), response("resp_3", "x")];
    let (raw, stage) = stage("openai", true, answers);
    let maker = stage.fetch(&Ask::responses()).await.good().account().to_owned();
    raw.next();
    let answer = stage.fetch(&turn(&json!({}))).await.good();
    assert_ne!(answer.account(), maker);
    let (bound, free) = (body_of(&raw), body_of(&raw));
    assert!(bound.to_string().contains(REASONING) && !free.to_string().contains("encrypted_content\":\"g"));
    let kinds: Vec<_> =
        free["input"].as_array().expect("a list").iter().map(|item| item["type"].clone()).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call_output"]);
    assert_eq!(free["input"][1].get("id"), None);
    let words = format!("went on without encrypted reasoning of openai:{maker}");
    assert!(explained(&stage, &answer).await.contains(&words));
    assert!(stage.told.wait_for("Left out encrypted reasoning").await.contains(&maker));
    // Now two accounts have made what the agent keeps: the latest is kept, the others' is left out.
    let input = json!({"input": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": REASONING},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": second},
        {"type": "message", "role": "user", "content": "and then?"},
    ]});
    let next = stage.fetch(&turn(&input)).await.good();
    assert_eq!(next.account(), answer.account());
    let sent = body_of(&raw).to_string();
    assert!(sent.contains(&second) && !sent.contains(REASONING), "{sent}");
}

#[tokio::test]
async fn what_the_upstream_keeps_stays_bound_even_so() {
    let (raw, stage) = stage("openai", true, vec![response("resp_1", REASONING), limited()]);
    let maker = stage.fetch(&Ask::responses()).await.good().account().to_owned();
    raw.next();
    for _ in 0..2 {
        let refused = stage.fetch(&turn(&json!({"previous_response_id": "resp_1"}))).await.refused(429);
        let told = &refused.json()["error"]["bound_to"];
        assert!(told.is_null() || told["by"] == "an earlier answer and encrypted reasoning", "{told}");
    }
    let keys: Vec<_> = std::iter::from_fn(|| raw.next_if_any())
        .map(|asked| asked.values("authorization").concat())
        .collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| key.ends_with(&format!("-{maker}"))), "{keys:?}");
}

#[tokio::test]
async fn signatures_that_an_account_refuses_are_left_out() {
    let refused = |body: &str| failed("400 Bad Request", "", body);
    let thinking = json!({"model": "claude-sonnet-4-6", "max_tokens": 9, "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"}]});
    let answers = vec![
        refused(
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}"#,
        ),
        good(r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"fine"}]}"#),
    ];
    let (raw, claude) = stage("anthropic", true, answers.clone());
    claude.fetch(&Ask::messages().body(thinking.to_string())).await.good();
    let (first, second) = (body_of(&raw).to_string(), body_of(&raw).to_string());
    assert!(first.contains("signature") && !second.contains("signature"), "{second}");
    // Without the setting the answer is the upstream's own, after one call.
    let (_, claude) = stage("anthropic", false, answers);
    let answer = claude.fetch(&Ask::messages().body(thinking.to_string())).await.refused(400);
    assert!(answer.text().contains("Invalid `signature`") && answer.attempts() == 1);

    let answers = vec![
        refused(
            r#"{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}"#,
        ),
        good(
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"fine"}]},"finishReason":"STOP"}]}"#,
        ),
    ];
    let (raw, gemini) = stage("gemini", true, answers);
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "CiIBx"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}]});
    gemini.fetch(&Ask::gemini().body(body.to_string())).await.good();
    let (first, second) = (body_of(&raw).to_string(), body_of(&raw).to_string());
    assert!(first.contains("CiIBx") && second.contains("skip_thought_signature_validator"), "{second}");
}
