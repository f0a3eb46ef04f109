//! `/v1/models`: one list of what all providers of the caller's format have.

use std::time::Duration;

use pointsman_tests::raw::{Raw, json};
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Heard, Setup};
use pointsman_upstream::{Fault, Harm, Shape};
use serde_json::{Value, json as value};

const ACME: &str = r#"{"object":"list","data":[{"id":"big-model","object":"model","owned_by":"acme"},
    {"id":"gpt-5","object":"model","owned_by":"acme"}]}"#;

fn ids(answer: &Heard) -> Vec<String> {
    let list = answer.json();
    let models = ["data", "models"].iter().find_map(|key| list[*key].as_array()).expect("a list").clone();
    let id = |model: &Value| ["id", "name"].iter().find_map(|key| model[*key].as_str()).map(str::to_owned);
    models.iter().map(|model| id(model).expect("an id")).collect()
}

/// `gpt-5` is at both, and each id leads to the provider that listed it.
#[tokio::test]
async fn all_providers_of_a_format_are_one_list_and_each_id_works_as_it_stands() {
    let raw = Raw::start(vec![json(ACME)]);
    let setup = Setup::new().openai("o", free()).keyed("acme", "a", free(), 1).anthropic("c", free());
    let setup = setup.beside("acme", "openai").provider("acme", "base_url", raw.base_url());
    let stage = setup.start();
    let mut client = stage.client().await;
    let answer = client.send(&Ask::chat().get().to("/v1/models")).await.good();
    assert_eq!(answer.json()["object"], "list");
    assert_eq!(answer.header("x-pointsman-provider"), Some("openai, acme"));
    assert_eq!((answer.attempts(), answer.header("x-pointsman-left-out")), (2, None));
    let own: Vec<_> = ids(&answer).into_iter().filter(|id| !id.starts_with("acme/")).collect();
    assert!(own.contains(&"gpt-5".to_owned()), "{own:?}");
    let theirs: Vec<_> = ids(&answer).into_iter().filter(|id| id.starts_with("acme/")).collect();
    assert_eq!(theirs, ["acme/big-model", "acme/gpt-5"]);
    assert_eq!(raw.next().values("authorization"), ["Bearer hush-key-a"]);
    let listed = answer.json()["data"].as_array().expect("a list").last().cloned();
    assert_eq!(listed, Some(value!({"id": "acme/gpt-5", "object": "model", "owned_by": "acme"})));

    for (id, provider) in [("gpt-5", "openai"), ("acme/gpt-5", "acme")] {
        let asked = client.send(&Ask::chat().model(id)).await;
        assert_eq!(asked.header("x-pointsman-provider"), Some(provider), "{id}");
    }
    assert_eq!(raw.next().head[0], "POST /v1/chat/completions HTTP/1.1");
}

/// Whatever an upstream has in its list beside the models, its only caller gets.
#[tokio::test]
async fn the_list_of_a_single_provider_passes_byte_for_byte() {
    let body = "{ \"data\" : [ ],\r\n\t\"x\": 1.0e0 }";
    let raw = Raw::json(body);
    let setup = Setup::new().openai("o", free()).anthropic("c", free());
    let stage = setup.provider("openai", "base_url", raw.base_url()).start();
    let answer = stage.client().await.send(&Ask::chat().get().to("/v1/models?limit=1")).await.good();
    assert_eq!(answer.text(), body);
    assert_eq!(raw.next().head[0], "GET /v1/models?limit=1 HTTP/1.1");
}

/// The one gives its list in two parts, and the caller takes it in pages of its own.
#[tokio::test]
async fn anthropics_pages_go_through_the_whole_list() {
    let part = |ids: &[&str], more: bool| {
        let models: Vec<_> = ids.iter().map(|id| value!({"type": "model", "id": id})).collect();
        let last = ids.last().expect("a model");
        json(&value!({"data": models, "has_more": more, "first_id": ids[0], "last_id": last}).to_string())
    };
    let own = Raw::in_turn(vec![part(&["claude-a"], true), part(&["claude-b"], false)]);
    let acme = Raw::start(vec![part(&["claude-a", "big"], false)]);
    let setup = Setup::new().anthropic("o", free()).keyed("acme", "a", free(), 1).beside("acme", "anthropic");
    let setup =
        setup.provider("acme", "base_url", acme.base_url()).provider("anthropic", "base_url", own.base_url());
    let stage = setup.start();
    let mut client = stage.client().await;
    let mut page = async |query: &str| {
        let ask = Ask::messages().get().to(&format!("/v1/models?{query}"));
        client.send(&ask.header("anthropic-version", "2023-06-01")).await
    };
    let first = page("limit=3&beta=true").await.good();
    assert_eq!(ids(&first), ["claude-a", "claude-b", "acme/claude-a"]);
    let list = first.json();
    assert_eq!((&list["has_more"], &list["last_id"]), (&true.into(), &"acme/claude-a".into()));
    assert_eq!(own.next().head[0], "GET /v1/models?beta=true&limit=1000 HTTP/1.1");
    assert_eq!(own.next().head[0], "GET /v1/models?beta=true&limit=1000&after_id=claude-a HTTP/1.1");
    let rest = page("limit=3&after_id=acme%2Fclaude-a").await.good();
    assert_eq!((ids(&rest), &rest.json()["has_more"]), (vec!["acme/big".to_owned()], &false.into()));
    let refused = page("after_id=nobody").await.refused(400).json();
    assert_eq!(
        (&refused["type"], &refused["error"]["type"]),
        (&"error".into(), &"invalid_request_error".into())
    );
    page("limit=0").await.refused(400);
}

#[tokio::test]
async fn geminis_list_has_names_and_tokens() {
    let raw = Raw::json(r#"{"models":[{"name":"models/g-1","version":"1"},{"name":"models/g-2"}]}"#);
    let setup = Setup::new().gemini("g", free()).keyed("acme", "a", free(), 1).beside("acme", "gemini");
    let stage = setup.provider("acme", "base_url", raw.base_url()).start();
    let mut client = stage.client().await;
    let all = client.send(&Ask::gemini().get().to("/v1beta/models")).await.good();
    assert_eq!(ids(&all).last().map(String::as_str), Some("models/acme/g-2"));
    let mut token = String::new();
    let mut seen = Vec::new();
    while seen.len() < ids(&all).len() {
        let ask = Ask::gemini().get().to(&format!("/v1beta/models?pageSize=2&pageToken={token}"));
        let page = client.send(&ask).await.good();
        seen.extend(ids(&page));
        token = page.json()["nextPageToken"].as_str().unwrap_or_default().replace('/', "%2F");
    }
    assert_eq!((seen, token), (ids(&all), String::new()));
}

/// Code Assist has no list in the format of Gemini, and nobody is asked for one.
#[tokio::test]
async fn of_code_assist_accounts_the_configured_names_are_listed() {
    let pools = [("gemini-cli", free()), ("antigravity", free())];
    let setup = Setup::new().enveloped().antigravity("work", &pools);
    let known = ["gemini-3-flash", "gemini-3-flash-preview", "gemini-3-pro", "gemini-3-pro-preview"];
    let list = Ask::gemini().get().to("/v1beta/models");
    let stage = setup.clone().start();
    let mut client = stage.client().await;
    let answer = client.send(&list).await.good();
    assert_eq!(ids(&answer), known.map(|name| format!("models/{name}")));
    assert_eq!((answer.attempts(), stage.calls("work")), (0, 0));

    let stage = setup.gemini("g", free()).start();
    let mut client = stage.client().await;
    let answer = client.send(&list).await.good();
    assert_eq!(answer.header("x-pointsman-provider"), Some("gemini, antigravity"));
    let of_code_assist = known.map(|name| format!("models/antigravity/{name}"));
    assert!(ids(&answer).ends_with(&of_code_assist), "{:?}", ids(&answer));
    let asked = client.send(&Ask::gemini().model("antigravity/gemini-3-flash")).await.good();
    assert_eq!(asked.account(), "work");
}

/// A caller would rather have a menu with a gap than none.
#[tokio::test]
async fn a_provider_that_gives_no_list_is_left_out_and_named() {
    let broken = Raw::start(vec![b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()]);
    let odd = Raw::json("<html>");
    let setup = Setup::new().openai("o", free()).keyed("acme", "a", free(), 1).keyed("odd", "b", free(), 1);
    let setup = setup.beside("acme", "openai").provider("acme", "base_url", broken.base_url());
    let stage = setup.beside("odd", "openai").provider("odd", "base_url", odd.base_url()).start();
    let answer = stage.client().await.send(&Ask::chat().get().to("/v1/models")).await.good();
    assert_eq!(answer.header("x-pointsman-left-out"), Some("acme (404), odd (no list)"));
    assert_eq!(answer.header("x-pointsman-provider"), Some("openai"));
    assert!(ids(&answer).contains(&"gpt-5".to_owned()));
}

/// The caller's own provider is limited, and the other one is out.
#[tokio::test]
async fn where_nobody_gives_a_list_the_first_refusal_is_the_answer() {
    let setup = Setup::new().openai("o", free()).keyed("acme", "a", free(), 1).beside("acme", "openai");
    let harm = Harm::Status { shape: Shape::Overloaded, code: Some(503), retry: None };
    let minute = Some(Duration::from_secs(60));
    let limit = Harm::Status { shape: Shape::UsageLimit, code: Some(429), retry: minute };
    let stage = setup
        .fault(Fault::new(harm).account("a").path("/models"))
        .fault(Fault::new(limit).account("o").path("/models"))
        .start();
    let answer = stage.client().await.send(&Ask::chat().get().to("/v1/models")).await.refused(429);
    assert!(answer.retry_after().is_some_and(|seconds| seconds > 0), "{:?}", answer.headers);
}

/// What was read from the list can be asked for by its id, as libraries write it into a path.
#[tokio::test]
async fn one_model_is_asked_of_its_provider() {
    let raw = Raw::start(vec![json(r#"{"id":"big/model"}"#)]);
    let setup = Setup::new().openai("o", free()).keyed("acme", "a", free(), 1).beside("acme", "openai");
    let stage = setup.provider("acme", "base_url", raw.base_url()).start();
    let mut client = stage.client().await;
    for path in ["/v1/models/acme/big%2Fmodel", "/v1/models/acme%2Fbig%2Fmodel"] {
        client.send(&Ask::chat().get().to(path)).await.good();
        assert_eq!(raw.next().head[0], "GET /v1/models/big%2Fmodel HTTP/1.1");
    }
}

/// A pin is a pin: the list is that of the account.
#[tokio::test]
async fn a_pinned_list_is_that_of_one_provider() {
    let raw = Raw::json(ACME);
    let setup = Setup::new().openai("o", free()).keyed("acme", "a", free(), 1).beside("acme", "openai");
    let stage = setup.provider("acme", "base_url", raw.base_url()).start();
    let ask = Ask::chat().get().to("/v1/models").header("x-pointsman-account", "acme:a");
    let answer = stage.client().await.send(&ask).await.good();
    assert_eq!(answer.text(), ACME);
}

/// An upstream whose list has always one page more is asked ten times, and what is missing is told.
#[tokio::test]
async fn a_list_that_is_cut_says_so() {
    let raw =
        Raw::json(r#"{"data":[{"type":"model","id":"m"}],"has_more":true,"first_id":"m","last_id":"m"}"#);
    let setup = Setup::new().anthropic("c", free()).keyed("acme", "a", free(), 1).beside("acme", "anthropic");
    let stage = setup.provider("acme", "base_url", raw.base_url()).start();
    let ask = Ask::messages().get().to("/v1/models").header("anthropic-version", "2023-06-01");
    let answer = stage.client().await.send(&ask).await.good();
    assert_eq!(answer.header("x-pointsman-left-out"), Some("acme (all after its first 10 models)"));
    assert_eq!(std::iter::from_fn(|| raw.next_if_any()).count(), 10);
}
