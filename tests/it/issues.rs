//! The six faults that routers of many accounts and pools have without any race.

use std::time::{Duration, Instant};

use pointsman_loader::api::{AccountState, NoticeKind, PoolState};
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage};
use pointsman_upstream::{Fault, Harm, Hint, Pool, Shape, TokenMode};

/// As long as a request may take to leave an account that does not serve.
const SOON: Duration = Duration::from_secs(2);

/// Issue #1: the check that selects and the check that sends contradict each other, and the router selects
/// one and the same account for ever.
///
/// Selections per upstream call stay within accounts + 1, with limits, fallbacks and waits.
#[tokio::test]
async fn issue_1_selections_per_upstream_call_are_bounded() {
    for strategy in ["round-robin", "sticky", "least-connections"] {
        let stage = Setup::new()
            .set("strategy", strategy)
            .falling_back("account-first")
            .patient()
            .antigravity("a", &[("antigravity", limited(2, 1)), ("gemini-cli", limited(2, 1))])
            .antigravity("b", &[("antigravity", limited(2, 1)), ("gemini-cli", limited(2, 1))])
            .antigravity("c", &[("antigravity", limited(2, 1)), ("gemini-cli", limited(2, 1))])
            .start();
        for answer in stage.fetch_times(16, Ask::gemini).await {
            answer.good();
        }
        let (plans, attempts) = (stage.counter("plans"), stage.counter("attempts"));
        assert!(stage.counter("trips") > 0 && attempts >= 16, "{strategy}: the limits were met");
        assert!(plans <= attempts * 4, "{strategy}: {plans} selections for {attempts} calls");
    }
}

/// Issue #1: an account that is limited in the pool that is asked for is not selected again and again
/// because its other pool is free.
#[tokio::test]
async fn issue_1_a_free_pool_that_may_not_be_used_selects_nobody() {
    let stage = Setup::new()
        .antigravity("a", &[("antigravity", free()), ("gemini-cli", spent(60))])
        .antigravity("b", &[("antigravity", free()), ("gemini-cli", free())])
        .start();
    for _ in 0..5 {
        assert_eq!(stage.fetch(&Ask::gemini()).await.good().account(), "b");
    }
    assert_eq!((stage.calls("a"), stage.counter("plans")), (1, 6));
}

/// Issue #2: the fallback from pool to pool is written and never called.
#[tokio::test]
async fn issue_2_the_other_pool_of_the_account_serves() {
    let stage = Setup::new()
        .falling_back("account-first")
        .antigravity("work", &[("antigravity", free()), ("gemini-cli", spent(60))])
        .start();
    let answer = stage.fetch(&Ask::gemini()).await.good();
    assert_eq!((answer.pool(), answer.reason(), answer.attempts()), ("antigravity", "fallback-pool", 2));
    assert_eq!(stage.counter("pool_fallbacks"), 1);
}

/// Issue #3: what is no 429 is announced and treated as a rate limit.
///
/// The token endpoint is down in each of the ways it can be. Nobody hears of a rate.
#[tokio::test]
async fn issue_3_a_token_outage_is_never_a_rate_limit() {
    for mode in [TokenMode::ServerError, TokenMode::Html] {
        let stage = two_refreshing();
        stage.upstream.set_token_mode(mode);
        let answers = stage.fetch_times(5, Ask::gemini).await;
        check_outage(&stage, &answers);
        assert!(stage.upstream.token_calls() <= 2, "one call for each account: {mode:?}");
    }
}

/// Issue #3, with a token endpoint that takes requests and never answers.
#[tokio::test]
async fn issue_3_a_token_endpoint_that_hangs_is_never_a_rate_limit() {
    let stage = Setup::new().refreshing("a", &[("gemini-cli", free())]).start();
    stage.upstream.set_token_mode(TokenMode::Hang);
    let answers = stage.fetch_times(3, Ask::gemini).await;
    check_outage(&stage, &answers);
}

/// Issue #3, with all other failures that are not quota.
#[tokio::test]
async fn issue_3_failures_that_are_not_quota_limit_nobody() {
    let failures = [
        Fault::status(Shape::ServerError),
        Fault::status(Shape::Unavailable),
        Fault::status(Shape::Capacity),
        Fault::status(Shape::Unauthorized),
        Fault::status(Shape::GenerateChatDenied),
        Fault::new(Harm::Reset),
        Fault::new(Harm::Garbage),
    ];
    for failure in failures {
        let stage = Setup::new().antigravity("a", &[("gemini-cli", free())]).fault(failure.clone()).start();
        let answer = stage.fetch(&Ask::gemini()).await;
        assert!(!matches!(answer.status, 200 | 429), "{failure:?}: {}", answer.text());
        let pool = stage.pool("a", "gemini-cli");
        assert_eq!((pool.state, pool.trips), (PoolState::OPEN, 0), "{failure:?}");
        assert_no_limit(&stage.told.texts().join("\n"));
    }
}

/// Issue #4: falling back spends another quota, so it is for the user to ask for. By default there is none.
#[tokio::test]
async fn issue_4_without_quota_fallback_no_other_pool_is_touched() {
    let stage = Setup::new()
        .antigravity("a", &[("antigravity", free()), ("gemini-cli", spent(60))])
        .antigravity("b", &[("antigravity", free()), ("gemini-cli", spent(60))])
        .start();
    stage.fetch(&Ask::gemini()).await.refused(429);
    assert_eq!(stage.calls_of_pool("antigravity"), 0);
}

/// Issue #4: account-first goes through the pools of an account, then to the next account.
#[tokio::test]
async fn issue_4_account_first_uses_an_account_up() {
    let order = order_of_fallback("account-first").await;
    assert_eq!(order, ["a/gemini-cli", "a/antigravity", "b/gemini-cli", "b/antigravity"]);
}

/// Issue #4: pool-first goes through the accounts with the preferred pool, then to the next pool.
#[tokio::test]
async fn issue_4_pool_first_uses_a_pool_up() {
    let order = order_of_fallback("pool-first").await;
    assert_eq!(order, ["a/gemini-cli", "b/gemini-cli", "a/antigravity", "b/antigravity"]);
}

/// Issue #5: all kinds of trouble look the same to people, or they hear of none.
#[tokio::test]
async fn issue_5_each_kind_of_trouble_has_a_notice_of_its_own() {
    let pools = |gemini| [("antigravity", spent(60)), ("gemini-cli", gemini)];
    let stage = Setup::new()
        .falling_back("account-first")
        .antigravity("work", &pools(spent(60)))
        .antigravity("lapsed", &pools(free()))
        .antigravity("home", &pools(free()))
        .fault(Fault::status(Shape::Unauthorized).account("lapsed"))
        .start();
    assert_eq!(stage.fetch(&Ask::gemini()).await.good().account(), "home");
    let kinds: Vec<_> = stage.told.notices().iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::POOL_FALLBACK, NoticeKind::ACCOUNT_EXHAUSTED, NoticeKind::COOLDOWN]);
}

/// Issue #6: a pool that the request names is only a wish.
///
/// However it is named, and although fallbacks are on, the other pool never sees the request.
#[tokio::test]
async fn issue_6_a_pinned_request_never_reaches_another_pool() {
    let pins = [
        Ask::gemini().model("antigravity-gemini-3-flash"),
        Ask::gemini().model("gemini-3-flash:antigravity"),
        Ask::gemini().model("antigravity/gemini-3-flash"),
        Ask::gemini().header("x-pointsman-pool", "antigravity"),
    ];
    for pin in pins {
        let stage = pinned_and_spent();
        stage.fetch(&pin).await.refused(429);
        assert_eq!(stage.calls_of_pool("gemini-cli"), 0, "{pin:?}");
        assert_eq!(stage.calls_of_pool("antigravity"), 2, "{pin:?}: both accounts were tried");
    }
}

/// Issue #6: the pin is taken out of the model's name, and the pool's own name for the model is used.
#[tokio::test]
async fn issue_6_the_upstream_gets_the_model_as_the_pool_names_it() {
    let stage = Setup::new().antigravity("a", &[("antigravity", free()), ("gemini-cli", free())]).start();
    stage.fetch(&Ask::gemini().model("antigravity-gemini-3-flash")).await.good();
    stage.fetch(&Ask::gemini().model("gemini-cli-gemini-3-flash")).await.good();
    let models: Vec<_> = stage.upstream.ledger().entries().into_iter().map(|entry| entry.model).collect();
    let names = ["gemini-3-flash", "gemini-3-flash-preview"].map(|name| Some(name.to_owned()));
    assert_eq!(models, names);
}

/// A 503 that lasts, and a 429 that does not say how long, are left for the healthy account at once.
#[tokio::test]
async fn an_account_that_does_not_serve_is_left_within_two_seconds() {
    let bare = limited(0, 60).hint(Hint::Bare);
    check_leaves(spent_is(bare), "a 429 without a hint").await;
    for shape in [Shape::Unavailable, Shape::Capacity, Shape::Overloaded, Shape::ServerError] {
        let setup = spent_is(free()).fault(Fault::status(shape).account("bad"));
        check_leaves(setup, &format!("{shape:?}")).await;
    }
}

/// The one healthy account is reached although the others need their owners.
#[tokio::test]
async fn an_account_that_was_disabled_by_its_provider_is_left_alone() {
    let setup = spent_is(free()).fault(Fault::status(Shape::Disabled).account("bad"));
    let stage = check_leaves(setup, "disabled").await;
    assert_eq!(stage.account("bad").state, AccountState::NEEDS_SIGN_IN);
    assert_eq!(stage.calls("bad"), 1);
}

fn spent_is(pool: Pool) -> Setup {
    Setup::new().anthropic("bad", pool).anthropic("good", free())
}

async fn check_leaves(setup: Setup, what: &str) -> Stage {
    let stage = setup.start();
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(stage.fetch(&Ask::messages()).await.good().account(), "good", "{what}");
    }
    assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
    assert!(stage.calls("bad") >= 1, "{what}: the bad account was tried");
    stage
}

async fn order_of_fallback(order: &str) -> Vec<String> {
    let pools = [("antigravity", spent(60)), ("gemini-cli", spent(60))];
    let stage = Setup::new()
        .set("strategy", "round-robin")
        .falling_back(order)
        .antigravity("a", &pools)
        .antigravity("b", &pools)
        .start();
    stage.fetch(&Ask::gemini()).await.refused(429);
    let entries = stage.upstream.ledger().entries().into_iter();
    entries.map(|entry| [entry.account, entry.pool].map(Option::unwrap_or_default).join("/")).collect()
}

fn pinned_and_spent() -> Stage {
    let pools = [("antigravity", spent(60)), ("gemini-cli", free())];
    Setup::new().falling_back("account-first").antigravity("a", &pools).antigravity("b", &pools).start()
}

fn two_refreshing() -> Stage {
    Setup::new().refreshing("a", &[("gemini-cli", free())]).refreshing("b", &[("gemini-cli", free())]).start()
}

#[track_caller]
fn check_outage(stage: &Stage, answers: &[Heard]) {
    for answer in answers {
        assert!((500..600).contains(&answer.status), "{} {}", answer.status, answer.text());
        assert_no_limit(&answer.text());
    }
    assert!(!stage.told.texts().is_empty(), "people hear of it");
    assert_no_limit(&stage.told.texts().join("\n"));
    assert_eq!((stage.counter("trips"), stage.counter("upstream_429")), (0, 0));
}

/// Checks that a text does not speak of limits. Whole words: there is a rate in `generate`.
#[track_caller]
fn assert_no_limit(text: &str) {
    let words = text.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_ascii_lowercase);
    let found: Vec<_> = words
        .filter(|word| ["rate", "limit", "limited", "quota", "exhausted"].contains(&word.as_str()))
        .collect();
    assert!(found.is_empty(), "{found:?} in {text}");
}
