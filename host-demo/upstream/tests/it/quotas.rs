//! Quotas of each account and pool, and how their refusals look.

use std::time::Duration;

use pointsman_upstream::{Account, Ending, Hint, Pace, Pool, Script};

use crate::client::{Ask, KEY, chat, every_format, messages, responses, start, upstream, within};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_pool_serves_its_limit_and_no_more_until_its_window_ends() {
    let upstream = upstream(Pool::limited(3, HOUR)).await;
    for _ in 0..3 {
        assert_eq!(messages(false).send(&upstream).await.status, 200);
    }
    assert_eq!(messages(false).send(&upstream).await.status, 429);
    upstream.advance(HOUR);
    assert_eq!(messages(false).send(&upstream).await.status, 200);
    assert_eq!(upstream.ledger().served("work", "default"), 4);
    assert_eq!(upstream.ledger().rate_limited("work", "default"), 1);
}

#[tokio::test]
async fn requests_that_start_together_share_one_allowance() {
    let upstream = upstream(Pool::limited(10, HOUR)).await;
    let ask = messages(false);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (ask, addr) = (ask.clone(), upstream.addr());
        asked.spawn(async move { ask.head(addr).await.unwrap().status().as_u16() });
    }
    let statuses = asked.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 30);
}

#[tokio::test]
async fn a_full_hint_speaks_the_callers_format() {
    let upstream = upstream(Pool::limited(0, HOUR)).await;
    for ask in every_format(true) {
        let answer = ask.send(&upstream).await;
        assert_eq!(answer.status, 429);
        let told =
            answer.body.contains("retryDelay\":\"3600s") || answer.header("retry-after") == Some("3600");
        assert!(told, "{answer:?}");
    }
}

#[tokio::test]
async fn anthropic_and_codex_report_their_windows_with_good_answers_too() {
    let upstream = upstream(Pool::limited(4, HOUR).and(8, HOUR * 24)).await;
    let answer = messages(false).send(&upstream).await;
    assert_eq!(answer.header("anthropic-ratelimit-unified-5h-utilization"), Some("0.2500"));
    assert_eq!(answer.header("anthropic-ratelimit-unified-status"), Some("allowed"));
    let answer = responses(true).send(&upstream).await;
    assert_eq!(answer.header("x-codex-primary-used-percent"), Some("50"));
    assert_eq!(answer.header("x-codex-secondary-used-percent"), Some("25"));
    let answer = chat(true).send(&upstream).await;
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("1"));
}

#[tokio::test]
async fn a_bare_hint_tells_nothing_and_a_wrong_one_lies() {
    let bare = upstream(Pool::limited(0, HOUR).hint(Hint::Bare)).await;
    for ask in every_format(false) {
        let answer = ask.send(&bare).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, None));
        assert!(!answer.body.contains("3600"), "{answer:?}");
    }
    let wrong = upstream(Pool::limited(0, HOUR).hint(Hint::Wrong(Duration::from_secs(9)))).await;
    assert_eq!(messages(false).send(&wrong).await.header("retry-after"), Some("9"));
}

#[tokio::test]
async fn the_concurrency_cap_refuses_what_is_over_it_at_once() {
    let slow = Pace::default().head(HOUR);
    let upstream = upstream(Pool::unlimited().concurrency(1).pace(slow)).await;
    let (ask, addr) = (messages(false), upstream.addr());
    let waiting = tokio::spawn(async move { ask.head(addr).await.map(|_| ()) });
    within(upstream.ledger().wait_for(|entries| entries.len() == 1)).await;
    assert_eq!(messages(false).send(&upstream).await.status, 429);
    assert_eq!(upstream.ledger().max_concurrency("work", "default"), 2);
    waiting.abort();
    within(upstream.ledger().wait_for(|entries| entries[0].ending == Ending::Aborted)).await;
    upstream.set_pool("work", "default", Pool::unlimited().concurrency(1)).unwrap();
    assert_eq!(messages(false).send(&upstream).await.status, 200);
}

#[tokio::test]
async fn pools_of_an_account_count_apart() {
    let account = Account::new("work")
        .api_key(KEY)
        .pool("antigravity", Pool::limited(1, HOUR))
        .pool("gemini-cli", Pool::limited(1, HOUR))
        .default_pool("gemini-cli");
    let other = Account::new("home").api_key("sk-home").pool("claude", Pool::unlimited());
    let upstream = start(Script::new(7).account(account).account(other)).await;
    let ask = |prefix: &str| Ask::post(&format!("{prefix}/v1beta/models/x:generateContent"), "{}").keyed();
    let first = ask("/pool-antigravity").send(&upstream).await;
    assert!(first.body.contains("pong from work/antigravity model x"), "{first:?}");
    assert_eq!(ask("/pool-antigravity").send(&upstream).await.status, 429);
    let second = ask("").send(&upstream).await;
    assert!(second.body.contains("pong from work/gemini-cli model x"), "{second:?}");
    assert_eq!(ask("/pool-gemini-cli").send(&upstream).await.status, 429);
    assert_eq!(ask("/pool-claude").send(&upstream).await.status, 403);
    assert_eq!(upstream.ledger().rate_limited("work", "antigravity"), 1);
}

#[tokio::test]
async fn counting_and_listing_cost_no_quota() {
    let upstream = upstream(Pool::limited(1, HOUR)).await;
    Ask::post("/v1/messages/count_tokens", r#"{"model":"m"}"#).keyed().send(&upstream).await;
    Ask::get("/v1/models").keyed().send(&upstream).await;
    assert_eq!(messages(false).send(&upstream).await.status, 200);
}

#[tokio::test]
async fn an_exhausted_pool_refuses_until_its_window_ends() {
    let upstream = upstream(Pool::limited(5, HOUR)).await;
    upstream.exhaust("work", "default").unwrap();
    assert_eq!(messages(false).send(&upstream).await.status, 429);
    assert_eq!(upstream.levels("work", "default").unwrap()[0].remaining(), 0);
    assert!(upstream.exhaust("work", "other").unwrap_err().to_string().contains("\"other\""));
}
