//! Readings: what upstreams report of their windows is shown, and corrects what hints say.

use std::time::{Duration, Instant};

use pointsman_loader::api::{AccountState, NoticeKind};
use pointsman_tests::setup::limited;
use pointsman_tests::{Ask, Heard, Setup, Stage, within};
use pointsman_upstream::{Entry, Fault, Hint, Pool, Shape};
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

/// Tokens are counted apart from requests, and the tighter of the two is what is left.
#[tokio::test]
async fn buckets_of_tokens_are_shown() {
    let pool = limited(10, HOUR).and_tokens(1_000, Duration::from_secs(60));
    let stage = Setup::new().anthropic("a", pool.clone()).openai("o", pool).start();
    // Four bytes are a token here.
    let body = |model: &str| {
        format!(r#"{{"model":"{model}","max_tokens":1,"messages":[],"x":"{}"}}"#, "y".repeat(2_400))
    };
    stage.fetch(&Ask::messages().body(body("claude-sonnet-4-6"))).await.good();
    stage.fetch(&Ask::chat().body(body("gpt-5"))).await.good();
    for (account, pool, buckets) in
        [("a", "anthropic", &["tokens", "input-tokens"][..]), ("o", "openai", &["tokens"][..])]
    {
        let shown = shown(&stage, account, pool).await;
        let left = shown["remaining"].as_f64().expect("a share");
        assert!((0.3..0.4).contains(&left), "{shown}");
        for bucket in buckets {
            check(&shown, bucket, left, Duration::from_secs(60));
        }
        check(&shown, "requests", 0.9, Duration::from_secs(HOUR));
    }
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

/// An account of Antigravity in its envelope, whose quota endpoint may be asked every so often.
fn asked(every: &str, pool: Pool) -> Setup {
    Setup::new().enveloped().set("quota_refresh", every).antigravity("work", &[("gemini-cli", pool)])
}

fn is_question(entry: &Entry) -> bool {
    entry.path.ends_with("/v1internal:retrieveUserQuota")
}

/// Looks at a pool again and again until it is so.
async fn shown_once(stage: &Stage, pool: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    within(async {
        loop {
            let shown = shown(stage, "work", pool).await;
            if is_so(&shown) {
                return shown;
            }
        }
    })
    .await
}

/// Asks again and again until there is a good answer.
async fn served_once(stage: &Stage) -> Heard {
    within(async {
        loop {
            let answer = stage.fetch(&Ask::gemini()).await;
            if answer.status == 200 {
                return answer;
            }
        }
    })
    .await
}

/// What an endpoint tells is of single models, and it is asked once however many requests there are.
#[tokio::test]
async fn a_quota_endpoint_is_asked_while_the_account_is_in_use() {
    let stage = asked("1h", limited(10, HOUR)).start();
    assert_eq!(stage.counter("quota_questions"), 0);
    for answer in stage.fetch_times(4, Ask::gemini).await {
        answer.good();
    }
    let pool = shown_once(&stage, "gemini-cli", |pool| !pool["remaining"].is_null()).await;
    assert!((0.6..=0.9).contains(&pool["remaining"].as_f64().expect("a share")), "{pool}");
    assert!(
        pool["windows"].as_array().is_some_and(|all| all.iter().any(|one| one["model"] == "gemini-3-flash"))
    );
    let questions: Vec<_> = stage.upstream.ledger().entries().into_iter().filter(is_question).collect();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].header("authorization"), Some("Bearer hush-access-work"));
    assert_eq!(&questions[0].body[..], br#"{"project":"a-project"}"#);
    assert_eq!(stage.counter("attempts"), 4, "a question is no attempt");
}

/// The upstream refuses once without a hint, and its quota endpoint says that there is plenty.
#[tokio::test]
async fn a_reading_ends_a_guess() {
    let bare = Fault::status(Shape::Bare).path("generateContent").next(1);
    let stage = asked("20ms", limited(10, HOUR)).fault(bare).start();
    stage.fetch(&Ask::gemini()).await.refused(429);
    assert_eq!(served_once(&stage).await.reason(), "probe");
    assert_eq!((stage.counter("upstream_429"), stage.counter("limits_moved")), (1, 1));
    assert_eq!(stage.told.of_kind(NoticeKind::LIMIT_OVER), ["Gemini CLI limit is over for work"]);
}

/// Where nothing is left, a guess becomes what the endpoint says; and when it says that quota is back before
/// that, it is.
#[tokio::test]
async fn a_reading_tells_when_a_guess_ends_and_that_quota_is_back() {
    let stage = asked("20ms", limited(1, HOUR).hint(Hint::Bare)).start();
    stage.fetch(&Ask::gemini()).await.good();
    stage.fetch(&Ask::gemini()).await.refused(429);
    let known = |pool: &Value| pool["state"] == "limited";
    let ask_and_look = async {
        loop {
            stage.fetch(&Ask::gemini()).await.refused(429);
            let pool = shown(&stage, "work", "gemini-cli").await;
            if known(&pool) {
                return pool;
            }
        }
    };
    let pool = within(ask_and_look).await;
    let until = pool["until_unix_ms"].as_u64().expect("an end").saturating_sub(stage.status().now_unix_ms);
    assert!((HOUR - 60..=HOUR + 1).contains(&(until / 1_000)), "{until}");
    stage.upstream.advance(Duration::from_secs(HOUR + 1));
    served_once(&stage).await;
    assert_eq!(stage.counter("upstream_429"), 1);
}

/// A quota endpoint that fails is left alone for longer each time, and nobody hears of it.
#[tokio::test]
async fn a_quota_endpoint_that_fails_disturbs_nobody() {
    let broken = Fault::status(Shape::ServerError).path("retrieveUserQuota");
    let stage = asked("1ms", limited(100, HOUR)).fault(broken).start();
    for _ in 0..30 {
        stage.fetch(&Ask::gemini()).await.good();
    }
    let questions = stage.upstream.ledger().count(is_question);
    assert!((1..=20).contains(&questions), "{questions} questions");
    assert!(stage.told.notices().is_empty(), "{:?}", stage.told.texts());
    assert_eq!(stage.account("work").state, AccountState::READY);
}
