//! Explanations: an operator can read why a request went where it went.

use pointsman_tests::setup::{free, limited, secret, spent};
use pointsman_tests::{Ask, Client, Heard, Setup, Stage, within};
use serde_json::Value;

fn setup() -> Setup {
    Setup::new().set("strategy", "least-connections")
}

async fn page(stage: &Stage, path: &str) -> Heard {
    let mut client: Client = stage.client().await;
    client.send(&Ask::chat().get().to(path)).await
}

async fn explained(stage: &Stage, answer: &Heard) -> Value {
    let id = answer.header("x-pointsman-request-id").expect("an id");
    page(stage, &format!("/explain/{id}")).await.good().json()
}

/// Returns the steps of one kind.
fn steps<'a>(explanation: &'a Value, kind: &str) -> Vec<&'a Value> {
    let steps = explanation["steps"].as_array().expect("steps");
    steps.iter().filter(|step| step["step"] == kind).collect()
}

#[tokio::test]
async fn every_candidate_has_its_rank_or_why_it_is_closed() {
    let stage = setup().anthropic("a", spent(60)).anthropic("b", free()).anthropic("c", free()).start();
    while stage.calls("a") == 0 {
        stage.fetch(&Ask::messages()).await.good();
    }
    let answer = stage.fetch(&Ask::messages()).await.good();
    let explanation = explained(&stage, &answer).await;
    assert_eq!(explanation["strategy"], "least-connections");
    assert_eq!(explanation["end"]["account"], answer.header("x-pointsman-account").expect("an account"));
    assert_eq!(explanation["end"]["reason"], answer.reason());
    let [plan] = steps(&explanation, "plan")[..] else { panic!("one plan: {explanation:#}") };
    let [first, second, closed] = &plan["candidates"].as_array().expect("candidates")[..] else {
        panic!("three candidates: {plan:#}")
    };
    assert_eq!(first["account"], explanation["end"]["account"]);
    assert_eq!((&first["rank"], &second["rank"]), (&1.into(), &2.into()));
    assert_eq!(
        (second["passed_over_by"].as_str(), &second["goes_by"]["load"]),
        (Some("turn"), &1_000.into())
    );
    assert_eq!(
        (closed["account"].as_str(), closed["closed"].as_str()),
        (Some("anthropic:a"), Some("limited"))
    );
    let until = closed["until_unix_ms"].as_u64().expect("an instant");
    assert!(until > explanation["began_unix_ms"].as_u64().expect("an instant") + 30_000);
}

#[tokio::test]
async fn attempts_tell_what_they_came_to_and_what_that_changed() {
    let stage = setup().anthropic("a", spent(60)).anthropic("b", free()).start();
    let mut answer = stage.fetch(&Ask::messages()).await.good();
    if answer.attempts() == 1 {
        answer = stage.fetch(&Ask::messages()).await.good();
    }
    let explanation = explained(&stage, &answer).await;
    let [first, second] = steps(&explanation, "attempt")[..] else { panic!("{explanation:#}") };
    assert_eq!(
        (first["account"].as_str(), first["end"]["outcome"].as_str()),
        (Some("anthropic:a"), Some("limited"))
    );
    assert!(first["end"]["changed"].as_str().is_some_and(|text| text.starts_with("the pool is closed for ")));
    assert_eq!(
        (second["account"].as_str(), second["end"]["outcome"].as_str()),
        (Some("anthropic:b"), Some("good"))
    );
    assert_eq!(explanation["end"]["reason"], "next-account");
}

#[tokio::test]
async fn a_person_reads_it_in_lines() {
    let setup = setup().anthropic("a", spent(60)).beside("acme", "anthropic").keyed("acme", "b", free(), 1);
    let stage = setup.chain("claude-sonnet-4-6", &["acme/big-model"]).start();
    stage.fetch(&Ask::messages()).await.good();
    let text = page(&stage, "/explain/last?format=text").await.good().text();
    for part in [
        ": claude-sonnet-4-6 at anthropic, ",
        "answered 200 by acme:b in acme after 2 attempts and ",
        ": fallback-provider (no account of its own provider could serve it, and one of its chain could)",
        "plan by least-connections over 1 account of anthropic\n",
        "RANK  ACCOUNT      POOL       STATE  WHY\n",
        "1     anthropic:a  anthropic  open   first: load 1000, turn 0, pool order 0\n",
        "sent to anthropic:a in anthropic: limited (",
        "the pool is closed for ",
        "limited for ",
        "plan by least-connections over 1 account of acme for big-model\n",
        "sent to acme:b in acme: good after ",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[tokio::test]
async fn waits_and_refusals_are_told() {
    let stage = setup().patient().anthropic("a", limited(1, 1)).start();
    for _ in 0..2 {
        stage.fetch(&Ask::messages()).await.good();
    }
    let waited = page(&stage, "/explain/last").await.good().json();
    // It comes to the front of the line, looks again, and waits there.
    let [.., wait] = steps(&waited, "wait")[..] else { panic!("{waited:#}") };
    assert_eq!(wait["refusal"]["limited"], 1);
    assert!(wait["over_unix_ms"].as_u64() > wait["at_unix_ms"].as_u64());

    let stage = setup().anthropic("a", spent(60)).start();
    stage.fetch(&Ask::messages()).await.refused(429);
    let refused = page(&stage, "/explain/last").await.good().json();
    assert_eq!(
        (refused["state"].as_str(), &refused["end"]["refusal"]["limited"]),
        (Some("refused"), &1.into())
    );
}

#[tokio::test]
async fn a_request_can_be_explained_while_it_waits_and_after_its_caller_went_away() {
    let stage = setup().patient().anthropic("a", spent(15)).start();
    let waiting = tokio::spawn(stage.router.fetch(Ask::messages().request()));
    let waits = |told: &Value| told["state"] == "waiting" && !steps(told, "wait").is_empty();
    let told = explained_so(&stage, waits).await;
    assert_eq!(told["end"], Value::Null);
    waiting.abort();
    let told = explained_so(&stage, |told| told["state"] == "cancelled").await;
    assert_eq!(told["end"]["attempts"], 1);
}

/// Asks for the last request again and again until what is told of it is so.
async fn explained_so(stage: &Stage, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut client = stage.client().await;
    within(async {
        loop {
            let answer = client.send(&Ask::chat().get().to("/explain/last")).await;
            if answer.status == 200 && is_so(&answer.json()) {
                return answer.json();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn the_last_requests_are_listed_the_newest_first() {
    let stage = setup().anthropic("a", free()).start();
    let first = stage.fetch(&Ask::messages()).await.good();
    let second = stage.fetch(&Ask::messages().model("claude-opus-4-6")).await.good();
    let list = page(&stage, "/explain").await.good().json();
    let ids: Vec<_> =
        list["requests"].as_array().expect("a list").iter().map(|it| it["id"].as_str()).collect();
    let id = |answer: &Heard| answer.header("x-pointsman-request-id").map(str::to_owned);
    assert_eq!(ids, [id(&second).as_deref(), id(&first).as_deref()]);
    assert_eq!((&list["kept"], &list["at_most"]), (&2.into(), &1_000.into()));
    let text = page(&stage, "/explain?format=text").await.good().text();
    let columns: Vec<_> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(columns, ["ID", "AGE", "MODEL", "REASON", "ACCOUNT", "CALLS"]);
    assert!(text.contains("claude-opus-4-6") && text.contains("anthropic:a"), "{text}");
}

#[tokio::test]
async fn an_unknown_id_is_told_how_many_are_kept() {
    let stage = setup().anthropic("a", free()).start();
    let text = page(&stage, "/explain/last").await.refused(404).text();
    assert!(text.contains("no request `last`: no request has been routed yet"), "{text}");
    stage.fetch(&Ask::messages()).await.good();
    for id in ["pm-1-99", "nonsense"] {
        let text = page(&stage, &format!("/explain/{id}")).await.refused(404).text();
        assert!(text.contains(&format!("no request `{id}`: 1 request is kept")), "{text}");
    }
}

#[tokio::test]
async fn no_page_has_a_secret_or_words_of_the_conversation() {
    let stage = setup().anthropic("a", spent(60)).anthropic("b", free()).start();
    let ask = Ask::messages().header("authorization", "Bearer hush-callers-own");
    for _ in 0..2 {
        stage.fetch(&ask).await.good();
    }
    for path in ["/explain", "/explain?format=text", "/explain/last", "/explain/last?format=text"] {
        let text = page(&stage, path).await.good().text();
        for hidden in [&secret("key", "a"), &secret("key", "b"), "hush", "question"] {
            assert!(!text.contains(hidden), "{path}: {text}");
        }
    }
}
