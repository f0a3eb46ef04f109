//! Readings: what upstreams report of their windows is shown, and corrects what hints say.

use std::time::{Duration, Instant};

use pointsman_loader::api::NoticeKind;
use pointsman_tests::setup::limited;
use pointsman_tests::{Ask, Setup, Stage};
use pointsman_upstream::{Hint, Pool};
use serde_json::Value;

const HOUR: u64 = 3_600;
const WEEK: Duration = Duration::from_secs(7 * 24 * HOUR);

/// A pool of ten in an hour and a hundred in a week.
fn two_windows() -> Pool {
    limited(10, HOUR).and(100, WEEK)
}

/// Returns a pool as the page for operators shows it.
async fn shown(stage: &Stage, account: &str, pool: &str) -> Value {
    let page = stage.client().await.send(&Ask::messages().get().to("/account-limits")).await.good().json();
    let named = |list: &Value, key: &str, name: &str| {
        let list = list.as_array().into_iter().flatten();
        list.into_iter().find(|entry| entry[key] == name).cloned().expect("a known name")
    };
    named(&named(&page["accounts"], "label", account)["pools"], "name", pool)
}

/// Checks a window: what is left of it, and in how many seconds it resets.
fn check(pool: &Value, window: &str, left: f64, reset: Duration) {
    let windows = pool["windows"].as_array().expect("windows");
    let window = windows.iter().find(|known| known["name"] == window).expect("a window of that name");
    assert_eq!(window["remaining"].as_f64(), Some(left), "{window}");
    let told = |key: &str| window[key].as_u64().expect("an instant");
    let seconds = told("reset_unix_ms").saturating_sub(told("observed_unix_ms")) / 1_000;
    assert!(seconds <= reset.as_secs() + 1 && seconds + 5 >= reset.as_secs(), "{window}");
}

#[tokio::test]
async fn a_subscription_and_its_buckets_are_shown() {
    let stage = Setup::new().anthropic("a", two_windows()).start();
    stage.fetch(&Ask::messages()).await.good();
    let pool = shown(&stage, "a", "anthropic").await;
    check(&pool, "5h", 0.9, Duration::from_secs(HOUR));
    check(&pool, "7d", 0.99, WEEK);
    check(&pool, "requests", 0.9, Duration::from_secs(HOUR));
    assert_eq!(pool["remaining"], 0.9);
    let requests =
        pool["windows"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "requests"));
    let requests = requests.expect("a bucket");
    assert_eq!((&requests["remaining_count"], &requests["limit"]), (&9.into(), &10.into()));
    let table = stage.client().await.send(&Ask::messages().get().to("/account-limits?format=table")).await;
    assert!(table.text().contains("90% 1h00m") || table.text().contains("90% 59m"), "{}", table.text());
    assert_eq!(stage.pool("a", "anthropic").extensions.text("remaining"), Some("900"));
}

#[tokio::test]
async fn buckets_of_openai_and_windows_of_codex_are_shown() {
    let stage = Setup::new().openai("o", two_windows()).start();
    stage.fetch(&Ask::chat()).await.good();
    check(&shown(&stage, "o", "openai").await, "requests", 0.9, Duration::from_secs(HOUR));
    stage.fetch(&Ask::responses().streaming()).await.good();
    let pool = shown(&stage, "o", "openai").await;
    check(&pool, "primary", 0.8, Duration::from_secs(HOUR));
    check(&pool, "secondary", 0.98, WEEK);
    assert_eq!(pool["remaining"], 0.8);
}

/// A refusal is a report, too: what is left is nothing.
#[tokio::test]
async fn a_refusal_tells_that_nothing_is_left() {
    let stage = Setup::new().anthropic("a", limited(0, HOUR).and(100, WEEK)).start();
    stage.fetch(&Ask::messages()).await.refused(429);
    let pool = shown(&stage, "a", "anthropic").await;
    check(&pool, "5h", 0.0, Duration::from_secs(HOUR));
    assert_eq!((&pool["remaining"], &pool["state"]), (&0.0.into(), &"limited".into()));
}

/// The upstream says "in a day", and that the window which is used up ends in a second.
#[tokio::test]
async fn a_hint_is_capped_by_the_window_that_is_used_up() {
    let day = Hint::Overlong(Duration::from_secs(24 * HOUR));
    let pool = limited(1, 1).and(100, WEEK).hint(day);
    let stage = Setup::new().patient().anthropic("a", pool).start();
    let begun = Instant::now();
    stage.fetch(&Ask::messages()).await.good();
    stage.fetch(&Ask::messages()).await.good();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(stage.counter("upstream_429"), 1);
    assert_eq!(stage.told.of_kind(NoticeKind::LIMIT_OVER).len(), 1);
}

/// Where the window resets and the upstream refuses all the same, the hint is obeyed.
#[tokio::test]
async fn a_hint_is_doubted_once() {
    let pool = limited(0, 1).and(100, WEEK).hint(Hint::Overlong(Duration::from_secs(HOUR)));
    let stage = Setup::new().patient().anthropic("a", pool).start();
    let refused = stage.fetch(&Ask::messages()).await.refused(429);
    assert_eq!(stage.calls("a"), 2);
    assert!(refused.retry_after().is_some_and(|seconds| seconds > 3_000), "{:?}", refused.retry_after());
}
