//! Quota protection: what the user wants to keep is kept, and nobody calls it a limit of the upstream.

use pointsman_loader::api::{NoticeKind, PoolState};
use pointsman_tests::setup::limited;
use pointsman_tests::{Ask, Setup, Stage};
use serde_json::json;

const HOUR: u64 = 3_600;

/// Two accounts of ten requests in an hour.
fn two(protection: serde_json::Value) -> Stage {
    let setup = Setup::new().set("strategy", "sticky").set("quota_protection", protection);
    ["a", "b"].iter().fold(setup, |setup, label| setup.anthropic(label, limited(10, HOUR))).start()
}

fn ask() -> Ask {
    Ask::messages().session("one")
}

#[tokio::test]
async fn below_the_hard_floor_an_account_is_left_out_in_words_of_its_own() {
    let stage = two(json!({"hard": "60%"}));
    for _ in 0..10 {
        stage.fetch(&ask()).await.good();
    }
    assert_eq!((stage.calls("a"), stage.calls("b")), (5, 5), "each is left at half of its quota");
    let refused = stage.fetch(&ask()).await.refused(429);
    assert!(refused.text().contains("of 2 accounts 2 kept back by quota_protection"), "{}", refused.text());
    assert!(!refused.text().contains("limited,"), "{}", refused.text());
    let seconds = refused.retry_after().expect("the reset of the window");
    assert!((HOUR - 60..=HOUR + 1).contains(&seconds), "{seconds}");
    assert_eq!((stage.calls("a"), stage.calls("b")), (5, 5), "nobody was asked");

    for refused in stage.fetch_times(4, ask).await {
        refused.refused(429);
    }
    let told = stage.told.notices();
    assert_eq!(told.len(), 1, "one event, however many are refused: {:?}", stage.told.texts());
    assert_eq!(told[0].text.as_str(), "All 2 accounts kept back by quota_protection for claude");
    assert_eq!(told[0].kind, NoticeKind::PROTECTED);

    let pool = stage.pool("a", "anthropic");
    assert_eq!(pool.state, PoolState::PROTECTED);
    let until = pool.until_unix_ms.into_option().expect("the reset of the window");
    assert!(until > stage.status().now_unix_ms);
    assert_eq!(stage.counter("upstream_429") + stage.counter("trips"), 0);
}

#[tokio::test]
async fn who_waits_for_a_protected_window_is_told_what_for() {
    let setup = Setup::new().patient().set("quota_protection", json!({"hard": "60%"}));
    let stage = setup.anthropic("a", limited(10, 2)).start();
    for answer in stage.fetch_times(6, Ask::messages).await {
        answer.good();
    }
    stage.fetch(&Ask::messages()).await.good();
    let expected = [1, 2, 3].map(|seconds| {
        format!("The only account is kept back by quota_protection for claude. Waiting {seconds}s...")
    });
    let texts = stage.told.texts();
    assert!(!texts.is_empty() && texts.iter().all(|text| expected.contains(text)), "{texts:?}");
    assert_eq!(stage.counter("upstream_429"), 0);
}

#[tokio::test]
async fn below_the_soft_floor_an_account_comes_last_and_still_serves() {
    let stage = two(json!({"soft": "60%"}));
    let mut served = Vec::new();
    for _ in 0..20 {
        served.push(stage.fetch(&ask()).await.good().account().to_owned());
    }
    assert!(served[..5].windows(2).all(|pair| pair[0] == pair[1]), "{served:?}");
    assert!(served[5..10].iter().all(|account| *account != served[0]), "{served:?}");
    let of_first = served.iter().filter(|account| **account == served[0]).count();
    assert_eq!(of_first, 10, "in the end all of it is used, of each: {served:?}");
}

/// Model before pool before account before all: each account has one request more than it would without.
#[tokio::test]
async fn the_most_special_floor_holds() {
    let protection = json!({"hard": "90%", "models": {"claude-opus-4-6": {"hard": "100%"}}});
    let stage = Setup::new()
        .set("quota_protection", protection)
        .anthropic("a", limited(10, HOUR))
        .with("quota_protection", json!({"hard": "70%"}))
        .start();
    for _ in 0..4 {
        stage.fetch(&Ask::messages()).await.good();
    }
    stage.fetch(&Ask::messages()).await.refused(429);

    let stage = Setup::new()
        .set("quota_protection", json!({"hard": "90%", "models": {"claude-opus-4-6": {"hard": "0%"}}}))
        .anthropic("a", limited(10, HOUR))
        .start();
    for _ in 0..2 {
        stage.fetch(&Ask::messages()).await.good();
    }
    stage.fetch(&Ask::messages()).await.refused(429);
    stage.fetch(&Ask::messages().model("claude-opus-4-6")).await.good();
}
