//! Fallbacks: a request goes on at another provider when its own cannot serve it, and only then.

use pointsman_loader::api::{NoticeKind, Severity};
use pointsman_tests::ask::Format;
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage};
use pointsman_upstream::{Entry, Fault, Pool, Shape};
use serde_json::{Value, json};

/// An account `home` of the format's own provider, and `away` of acme, with a chain from one to the other.
fn pair(format: Format, home: Pool, away: Pool) -> Setup {
    let (setup, kind, model) = match format {
        Format::Messages => (Setup::new().anthropic("home", home), "anthropic", "claude-sonnet-4-6"),
        Format::Chat | Format::Responses => (Setup::new().openai("home", home), "openai", "gpt-5"),
        Format::Gemini => (Setup::new().gemini("home", home), "gemini", "gemini-3-flash"),
    };
    setup.beside("acme", kind).keyed("acme", "away", away, 1).chain(model, &["acme/big-model"])
}

fn messages(home: Pool, away: Pool) -> Setup {
    pair(Format::Messages, home, away)
}

/// Returns what an account was asked.
fn asked(stage: &Stage, label: &str) -> Vec<Entry> {
    let entries = stage.upstream.ledger().entries();
    entries.into_iter().filter(|entry| entry.account.as_deref() == Some(label)).collect()
}

fn served(answer: &Heard) -> (&str, &str, &str) {
    (answer.header("x-pointsman-provider").unwrap_or_default(), answer.account(), answer.reason())
}

#[tokio::test]
async fn in_each_format_a_request_goes_on_at_the_next_provider_under_its_model() {
    for format in Format::ALL {
        for streams in [false, true] {
            let stage = pair(format, spent(60), free()).start();
            let ask = if streams { Ask::of(format).streaming() } else { Ask::of(format) };
            let answer = stage.fetch(&ask).await.good();
            assert_eq!(served(&answer), ("acme", "away", "fallback-provider"), "{format:?}");
            assert_eq!((answer.pool(), answer.attempts()), ("acme", 2));
            let [entry] = &asked(&stage, "away")[..] else { panic!("asked once") };
            assert_eq!(entry.model.as_deref(), Some("big-model"), "{format:?}");
            if format != Format::Gemini {
                let body: Value = serde_json::from_slice(&entry.body).expect("JSON");
                let mut expected: Value = serde_json::from_slice(&ask.bytes()).expect("JSON");
                expected["model"] = "big-model".into();
                assert_eq!(body, expected, "nothing but the model is another");
            }
        }
    }
}

#[tokio::test]
async fn while_its_own_provider_can_serve_nobody_leaves_it() {
    let stage = messages(free(), free()).start();
    for answer in stage.fetch_times(12, Ask::messages).await {
        assert_eq!(served(&answer.good()).0, "anthropic");
    }
    assert_eq!(stage.calls("away"), 0);
    assert_eq!(stage.counter("provider_fallbacks"), 0);
}

#[tokio::test]
async fn all_accounts_of_its_own_provider_are_tried_before_another_provider() {
    let stage = messages(spent(60), free()).anthropic("second", free()).start();
    for answer in stage.fetch_times(6, Ask::messages).await {
        assert_eq!(served(&answer.good()).0, "anthropic");
    }
    assert_eq!(stage.calls("away"), 0);
}

#[tokio::test]
async fn it_is_told_once_however_many_requests_leave() {
    for _ in 0..3 {
        let stage = messages(spent(60), free()).start();
        for answer in stage.fetch_times(8, Ask::messages).await {
            answer.good();
        }
        assert_eq!(stage.told.texts(), ["All Anthropic quota exhausted, using acme/big-model"]);
        let notice = &stage.told.notices()[0];
        assert_eq!((notice.kind, notice.severity), (NoticeKind::PROVIDER_FALLBACK, Severity::WARNING));
        assert!(notice.until_unix_ms.is_some());
        assert_eq!(stage.counter("provider_fallbacks"), 8);
    }
}

#[tokio::test]
async fn quiet_mode_leaves_the_notice_out() {
    let stage = messages(spent(60), free()).set("quiet_mode", true).start();
    stage.fetch(&Ask::messages()).await.good();
    assert_eq!(stage.told.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn trouble_that_is_no_limit_is_not_called_one() {
    let fault = Fault::status(Shape::Unauthorized).account("home");
    let stage = messages(free(), free()).fault(fault).start();
    let answer = stage.fetch(&Ask::messages()).await.good();
    assert_eq!(served(&answer), ("acme", "away", "fallback-provider"));
    let expected = [
        "No Anthropic account is available (1 rejected), using acme/big-model",
        "anthropic rejected the credential of home (401), trying next account",
    ];
    assert_eq!(stage.told.texts(), expected);
}

/// The user keeps the rest of the quota, and nobody calls it exhausted.
#[tokio::test]
async fn a_fallback_for_the_sake_of_protection_says_so() {
    let setup = messages(limited(10, 3_600), free()).set("quota_protection", json!({"hard": "60%"}));
    let stage = setup.start();
    for _ in 0..6 {
        stage.fetch(&Ask::messages()).await.good();
    }
    assert_eq!((stage.calls("home"), stage.calls("away")), (5, 1));
    let expected = "All Anthropic quota that is left is kept back by quota_protection, using acme/big-model";
    assert_eq!(stage.told.texts().last().map(String::as_str), Some(expected), "{:?}", stage.told.texts());
}

#[tokio::test]
async fn a_short_wait_is_better_than_another_provider() {
    let stage = messages(limited(1, 1), free()).patient().start();
    for _ in 0..3 {
        assert_eq!(served(&stage.fetch(&Ask::messages()).await.good()).0, "anthropic");
    }
    assert_eq!(stage.calls("away"), 0);
}

#[tokio::test]
async fn a_pinned_request_never_leaves_its_provider() {
    let stage = messages(spent(60), free()).start();
    let pinned = [
        Ask::messages().header("x-pointsman-account", "anthropic:home"),
        Ask::messages().header("x-pointsman-pool", "anthropic"),
    ];
    for ask in pinned {
        stage.fetch(&ask).await.refused(429);
    }
    assert_eq!(stage.calls("away"), 0);
}

#[tokio::test]
async fn a_provider_before_the_model_is_no_pin() {
    let stage = messages(spent(60), free()).start();
    let ask = Ask::messages().model("anthropic/claude-sonnet-4-6");
    assert_eq!(served(&stage.fetch(&ask).await.good()).0, "acme");
}

#[tokio::test]
async fn a_request_that_refers_to_something_never_leaves_its_provider() {
    let stage = pair(Format::Responses, free(), free()).start();
    stage.upstream.set_pool("home", "default", spent(60)).expect("it is in the script");
    // Nobody knows who made it: this process has just started.
    let body = json!({"model": "gpt-5", "input": "and then?", "previous_response_id": "resp_of_before"});
    stage.fetch(&Ask::responses().body(body.to_string())).await.refused(429);
    assert_eq!(stage.calls("away"), 0);
}

#[tokio::test]
async fn what_another_provider_made_is_followed_there_under_its_model() {
    let stage = pair(Format::Responses, spent(2), free()).start();
    let first = stage.fetch(&Ask::responses()).await.good();
    assert_eq!(served(&first).0, "acme");
    let id = first.json()["id"].as_str().expect("an id").to_owned();
    stage.upstream.set_pool("home", "default", free()).expect("it is in the script");
    let body = json!({"model": "gpt-5", "input": "and then?", "previous_response_id": id});
    let next = stage.fetch(&Ask::responses().body(body.to_string())).await.good();
    assert_eq!((served(&next).0, next.account()), ("acme", "away"));
    let models: Vec<_> = asked(&stage, "away").into_iter().map(|entry| entry.model).collect();
    assert_eq!(models, [Some("big-model".to_owned()), Some("big-model".to_owned())]);
}

#[tokio::test]
async fn where_all_providers_are_spent_the_refusal_counts_all_accounts() {
    let stage = messages(spent(60), spent(40)).anthropic("second", spent(50)).start();
    let refused = stage.fetch(&Ask::messages()).await.refused(429);
    let seconds = refused.retry_after().expect("it says when to come back");
    assert!((35..=41).contains(&seconds), "{seconds}: the earliest is acme's");
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains("of 3 accounts 3 limited"), "{message}");
    assert!(message.contains("after 3 attempts"), "{message}");
}

#[tokio::test]
async fn where_all_are_limited_it_waits_for_the_earliest_of_all() {
    let stage = messages(spent(60), limited(1, 1)).patient().start();
    for _ in 0..2 {
        assert_eq!(served(&stage.fetch(&Ask::messages()).await.good()).0, "acme");
    }
}

#[tokio::test]
async fn the_chain_is_gone_through_in_order_and_each_step_is_told() {
    let stage = Setup::new()
        .anthropic("home", spent(60))
        .beside("acme", "anthropic")
        .beside("beta", "anthropic")
        .keyed("acme", "away", spent(60), 1)
        .keyed("beta", "far", free(), 1)
        .chain("*", &["acme/big-model", "beta/small-model"])
        // What is written for acme's model is not what follows: chains do not recurse.
        .chain("big-model", &["acme/other-model"])
        .start();
    let answer = stage.fetch(&Ask::messages()).await.good();
    assert_eq!((served(&answer), answer.attempts()), (("beta", "far", "fallback-provider"), 3));
    assert_eq!(
        stage.told.texts(),
        [
            "All Anthropic quota exhausted, using acme/big-model",
            "All acme quota exhausted, using beta/small-model",
        ]
    );
    assert_eq!(stage.calls("away"), 1);
}

#[tokio::test]
async fn a_chain_is_for_its_model_and_its_format_alone() {
    let stage = messages(spent(60), free()).openai("other", spent(60)).start();
    stage.fetch(&Ask::messages().model("claude-opus-4-6")).await.refused(429);
    stage.fetch(&Ask::chat().model("claude-sonnet-4-6")).await.refused(429);
    assert_eq!(stage.calls("away"), 0);
}

#[tokio::test]
async fn vectors_of_another_model_are_never_given_for_all_models() {
    let setup = Setup::new().openai("home", spent(60)).beside("acme", "openai");
    let stage = setup.keyed("acme", "away", free(), 1).chain("*", &["acme/big-model"]).start();
    let body = json!({"model": "text-embedding-3-small", "input": "a text"});
    let ask = Ask::chat().to("https://api.openai.com/v1/embeddings").body(body.to_string());
    assert_eq!(served(&stage.fetch(&Ask::chat()).await.good()).0, "acme");
    let answer = stage.fetch(&ask).await;
    assert_ne!(answer.status, 200, "{}", answer.text());
    assert_eq!(stage.calls("away"), 1);
}

#[tokio::test]
async fn a_session_has_a_home_at_each_provider() {
    let setup = messages(limited(2, 60), free()).anthropic("second", limited(2, 60));
    let stage = setup.keyed("acme", "elsewhere", free(), 1).start();
    let mut accounts = Vec::new();
    for _ in 0..10 {
        let answer = stage.fetch(&Ask::messages().session("one")).await.good();
        accounts.push(answer.account().to_owned());
        stage.fetch(&Ask::messages()).await.good();
    }
    let away = &accounts[accounts.len() - 4..];
    assert!(["away", "elsewhere"].contains(&away[0].as_str()), "{accounts:?}");
    assert!(away.iter().all(|account| *account == away[0]), "{accounts:?}");
}
