//! Notices: the very words, and one for each event however many requests met it.

use pointsman_loader::api::NoticeKind;
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Setup, Stage};
use pointsman_upstream::{Fault, Pool, Shape, TokenMode};

fn pools(antigravity: Pool, gemini_cli: Pool) -> [(&'static str, Pool); 2] {
    [("antigravity", antigravity), ("gemini-cli", gemini_cli)]
}

/// The local upstream calls a window of hours a quota, and a shorter one a rate.
const HOURS: u64 = 5 * 3_600;

fn texts(stage: &Stage) -> Vec<String> {
    stage.told.texts()
}

#[tokio::test]
async fn a_fallback_to_another_pool_is_told() {
    let setup = Setup::new().falling_back("account-first");
    let stage = setup.antigravity("work", &pools(free(), spent(HOURS))).start();
    for answer in stage.fetch_times(8, Ask::gemini).await {
        answer.good();
    }
    assert_eq!(texts(&stage), ["Gemini CLI quota exhausted, using Antigravity quota"]);
    let notice = &stage.told.notices()[0];
    assert_eq!((notice.kind, notice.account.as_str()), (NoticeKind::POOL_FALLBACK, "antigravity:work"));
    assert_eq!(notice.pool, "gemini-cli");
    assert!(notice.until_unix_ms.is_some() && !notice.dedupe_key.is_empty());
}

/// Only what the upstream calls a quota is called one.
#[tokio::test]
async fn a_rate_is_never_told_as_a_quota() {
    let two = pools(spent(60), spent(60));
    let setup = Setup::new().falling_back("account-first").antigravity("work", &two);
    let setup = setup.antigravity("home", &pools(free(), spent(60)));
    let stage = setup.start();
    stage.fetch(&Ask::gemini()).await.good();
    stage.fetch(&Ask::gemini().model("antigravity-gemini-3-flash")).await.good();
    let told = texts(&stage);
    assert!(told.iter().all(|text| !text.contains("quota") && text.contains("rate-limited")), "{told:?}");
    assert!(told.len() >= 2, "{told:?}");
    let stage = Setup::new().antigravity("work", &pools(spent(60), spent(60))).start();
    let refused = stage.fetch(&Ask::gemini()).await.refused(429);
    assert!(!refused.text().contains("quota") && refused.text().contains("limited"), "{}", refused.text());
}

#[tokio::test]
async fn quiet_mode_drops_the_fallback_and_nothing_else() {
    let setup = Setup::new().falling_back("account-first").set("quiet_mode", true);
    let setup = setup.antigravity("work", &pools(spent(HOURS), spent(HOURS)));
    let stage = setup.antigravity("home", &pools(free(), free())).start();
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(texts(&stage), ["Both quotas exhausted for work, switching to next account"]);
}

#[tokio::test]
async fn both_pools_of_an_account_are_told_together() {
    let setup = Setup::new().falling_back("account-first");
    let setup = setup.antigravity("work", &pools(spent(HOURS), spent(HOURS)));
    let stage = setup.antigravity("home", &pools(free(), free())).start();
    for answer in stage.fetch_times(6, Ask::gemini).await {
        answer.good();
    }
    let both = stage.told.of_kind(NoticeKind::ACCOUNT_EXHAUSTED);
    assert_eq!(both, ["Both quotas exhausted for work, switching to next account"]);
}

#[tokio::test]
async fn a_pinned_pool_is_told_by_its_name() {
    let setup = Setup::new().antigravity("work", &pools(spent(HOURS), free()));
    let stage = setup.antigravity("home", &pools(free(), free())).start();
    for _ in 0..3 {
        stage.fetch(&Ask::gemini().model("antigravity-gemini-3-flash")).await.good();
    }
    assert_eq!(texts(&stage), ["Antigravity quota exhausted, switching to next account"]);
    assert_eq!(stage.told.notices()[0].kind, NoticeKind::PINNED_EXHAUSTED);
}

#[tokio::test]
async fn a_cooldown_is_told_with_its_reason() {
    let fault = Fault::status(Shape::Unauthorized).account("work");
    let stage = Setup::new().anthropic("work", free()).anthropic("home", free()).fault(fault).start();
    for answer in stage.fetch_times(6, Ask::messages).await {
        answer.good();
    }
    assert_eq!(texts(&stage), ["anthropic rejected the credential of work (401), trying next account"]);
}

#[tokio::test]
async fn all_limited_is_told_once_with_the_wait() {
    let setup = Setup::new().patient().set("strategy", "round-robin");
    let setup = ["a", "b", "c"]
        .iter()
        .fold(setup, |setup, label| setup.antigravity(label, &pools(free(), limited(1, 2))));
    let stage = setup.start();
    for answer in stage.fetch_times(5, Ask::gemini).await {
        answer.good();
    }
    let all = stage.told.of_kind(NoticeKind::ALL_LIMITED);
    let expected = [1, 2, 3].map(|s| format!("All 3 accounts rate-limited for gemini. Waiting {s}s..."));
    assert!(!all.is_empty() && all.iter().all(|text| expected.contains(text)), "{all:?}");
    assert!(all.len() <= 2, "one for each time that all were limited: {all:?}");
}

#[tokio::test]
async fn all_in_cooldown_is_told_as_trouble_and_not_as_a_limit() {
    let stage = Setup::new().patient().refreshing("a", &pools(free(), free())).start();
    stage.upstream.set_token_mode(TokenMode::ServerError);
    let waiting = tokio::spawn(stage.router.fetch(Ask::gemini().request()));
    let text = stage.told.wait_for("No account can serve").await;
    let causes = "No account can serve gemini now: 1 in cooldown after a token service error.";
    let expected = [2, 3].map(|s| format!("{causes} Waiting {s}s..."));
    assert!(expected.contains(&text), "{text}");
    stage.upstream.set_token_mode(TokenMode::Ok);
    let answer = pointsman_tests::within(waiting).await.expect("the task ends").expect("an answer");
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_account_without_a_grant_is_told_to_sign_in_once() {
    let stage = Setup::new()
        .refreshing("work", &pools(free(), free()))
        .refreshing("home", &pools(free(), free()))
        .start();
    stage.upstream.set_token_mode_of("work", TokenMode::InvalidGrant).expect("it is in the script");
    for answer in stage.fetch_times(6, Ask::gemini).await {
        answer.good();
    }
    assert_eq!(texts(&stage), ["Account work needs to sign in again"]);
}

#[tokio::test]
async fn the_end_of_a_limit_is_told() {
    let stage = Setup::new().patient().antigravity("work", &pools(limited(1, 1), free())).start();
    for _ in 0..2 {
        stage.fetch(&Ask::gemini().model("antigravity-gemini-3-flash")).await.good();
    }
    assert_eq!(stage.told.of_kind(NoticeKind::LIMIT_OVER), ["Antigravity limit is over for work"]);
}

/// Ten requests meet one event together, many times over: one notice for each event.
#[tokio::test]
async fn one_event_is_one_notice_however_many_requests_met_it() {
    for _ in 0..5 {
        let stage = Setup::new().anthropic("a", spent(60)).anthropic("b", free()).start();
        for answer in stage.fetch_times(10, Ask::messages).await {
            answer.good();
        }
        assert_eq!(texts(&stage).len(), 1, "{:?}", texts(&stage));
        assert_eq!(stage.counter("notices"), 1);
    }
}
