//! Caps: no more requests are under way than a provider, an account, a pool or a model may have.

use std::time::Duration;

use futures_util::future::join_all;
use pointsman_tests::setup::free;
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Entry, Fault, Pace, Shape};
use serde_json::json;

/// Counts how many requests the upstream had open at the same time, at the most.
fn most_at_once(entries: &[Entry], counts: impl Fn(&Entry) -> bool) -> usize {
    let counted: Vec<_> = entries.iter().filter(|entry| counts(entry)).collect();
    let open_at = |entry: &&Entry| {
        let is_open = |other: &&&Entry| {
            other.arrived <= entry.arrived && other.ended.is_none_or(|ended| ended > entry.arrived)
        };
        counted.iter().filter(is_open).count()
    };
    counted.iter().map(open_at).max().unwrap_or(0)
}

/// Answers that take a while, so that requests are under way together.
fn slow() -> Pace {
    Pace::default().head(Duration::from_millis(40))
}

fn three_accounts(concurrency: serde_json::Value) -> Stage {
    let setup = Setup::new().patient().provider("anthropic", "concurrency", concurrency).pace(slow());
    setup.anthropic("a", free()).anthropic("b", free()).anthropic("c", free()).start()
}

#[tokio::test]
async fn a_cap_of_a_provider_holds_over_all_its_accounts() {
    let stage = three_accounts(json!({"total": 4}));
    for answer in stage.fetch_times(24, Ask::messages).await {
        answer.good();
    }
    let entries = stage.upstream.ledger().entries();
    assert_eq!(entries.len(), 24, "nobody was sent twice");
    assert_eq!(most_at_once(&entries, |_| true), 4, "the cap is used and not exceeded");
    assert_eq!(stage.counter("trips"), 0);
}

#[tokio::test]
async fn a_cap_of_an_account_holds_over_all_its_pools() {
    let setup = Setup::new().patient().provider("antigravity", "concurrency", json!({"account": 2}));
    let pools = [("claude", free()), ("gemini-cli", free())];
    let stage = setup.antigravity("work", &pools).pace(slow()).start();
    let asks = (0..12)
        .map(|number| if number % 2 == 0 { Ask::gemini() } else { Ask::gemini().model("claude-sonnet-4-6") });
    for answer in stage.fetch_all(asks).await {
        answer.good();
    }
    let entries = stage.upstream.ledger().entries();
    assert_eq!(most_at_once(&entries, |_| true), 2);
    let pools = ["claude", "gemini-cli"].map(|pool| stage.calls_of_pool(pool));
    assert_eq!(pools, [6, 6]);
}

#[tokio::test]
async fn a_cap_of_models_leaves_other_models_alone() {
    let stage = three_accounts(json!({"models": {"claude-opus-*": 1}}));
    let asks = (0..12).map(|number| {
        let model = if number % 2 == 0 { "claude-opus-4-6" } else { "claude-sonnet-4-6" };
        Ask::messages().model(model)
    });
    for answer in stage.fetch_all(asks).await {
        answer.good();
    }
    let entries = stage.upstream.ledger().entries();
    let of = |model: &'static str| move |entry: &Entry| entry.model.as_deref() == Some(model);
    assert_eq!(most_at_once(&entries, of("claude-opus-4-6")), 1);
    assert!(most_at_once(&entries, of("claude-sonnet-4-6")) > 1);
}

/// Who finds a cap full is told that everybody is busy: it is no limit, and no account is at fault.
#[tokio::test]
async fn a_full_cap_is_busy_and_never_a_rate_limit() {
    let pace = Pace::spread(1_000, Duration::from_millis(20));
    let setup = Setup::new().provider("anthropic", "concurrency", json!({"total": 1}));
    let stage = setup.anthropic("a", free()).anthropic("b", free()).pace(pace).start();
    let held = stage.open(&Ask::messages().streaming()).await;
    let refused = stage.fetch(&Ask::messages()).await.refused(503);
    let text = refused.text();
    assert!(text.contains("2 busy") && !text.contains("rate"), "{text}");
    assert_eq!((stage.counter("trips"), stage.upstream.ledger().entries().len()), (0, 1));
    drop(held);
}

/// A place under a cap is given back when its stream ends or its caller goes away, and wakes who waits.
#[tokio::test]
async fn a_dropped_stream_gives_its_places_under_all_caps_back() {
    let pace = Pace::spread(1_000, Duration::from_millis(20));
    let caps = json!({"total": 1, "account": 1, "models": {"*": 1}});
    let setup = Setup::new().patient().provider("anthropic", "concurrency", caps);
    let stage = setup.anthropic("a", free()).anthropic("b", free()).pace(pace).start();
    let mut held = stage.open(&Ask::messages().streaming()).await;
    for _ in 0..3 {
        let next = stage.router.fetch(Ask::messages().streaming().request());
        drop(held);
        held = within(next).await.expect("an answer");
        assert_eq!(held.status, 200);
    }
}

/// A 429 of a rate that does not say until when halves what the pool takes at once, whether the limit closes the
/// pool or the model; one event, one halving.
#[tokio::test]
async fn a_rate_without_an_end_halves_what_is_under_way() {
    let pace = Pace::spread(1_000, Duration::from_millis(20));
    for (scope, state) in [("pool", "limited (guess)"), ("auto", "open")] {
        let setup = Setup::new().provider("gemini", "scope", scope).gemini("a", free()).pace(pace.clone());
        let stage = setup.start();
        let opened = (0..7).map(|_| stage.router.fetch(Ask::gemini().streaming().request()));
        let held: Vec<_> = within(join_all(opened)).await;
        stage.upstream.inject(Fault::status(Shape::QuotaPerMinute).next(2));
        for refused in stage.fetch_times(2, Ask::gemini).await {
            refused.refused(429);
        }
        let mut client = stage.client().await;
        let status = client.send(&Ask::messages().get().to("/account-limits")).await.good().json();
        let pool = &status["accounts"][0]["pools"][0];
        assert_eq!((&pool["state"], &pool["trips"]), (&state.into(), &1.into()), "{scope}: {pool}");
        let cap = pool["cap"].as_u64().expect("a learned bound");
        assert_eq!(cap, 4, "{scope}: half of eight or nine");
        drop(held);
    }
}

/// What is under way stands in the status beside its cap.
#[tokio::test]
async fn the_status_shows_what_is_under_way_against_its_cap() {
    let pace = Pace::spread(1_000, Duration::from_millis(20));
    let caps = json!({"total": 8, "account": 3, "models": {"claude-*": 5}});
    let setup = Setup::new().provider("anthropic", "concurrency", caps).anthropic("a", free()).pace(pace);
    let stage = setup.start();
    let opened = (0..2).map(|_| stage.router.fetch(Ask::messages().streaming().request()));
    let held = within(join_all(opened)).await;
    let mut client = stage.client().await;
    let status = client.send(&Ask::messages().get().to("/account-limits")).await.good().json();
    let provider = &status["providers"][0];
    assert_eq!((&provider["in_flight"], &provider["cap"]), (&2.into(), &8.into()));
    assert_eq!(provider["models"]["claude-*"], json!({"in_flight": 2, "cap": 5}));
    let account = &status["accounts"][0];
    assert_eq!((&account["in_flight"], &account["cap"]), (&2.into(), &3.into()));
    drop(held);
}
