//! The four races that routers of many accounts have.

use std::time::Duration;

use futures_util::future::join_all;
use pointsman_loader::api::{AccountState, PoolState};
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Heard, Setup, Stage, within};
use pointsman_upstream::{Fault, Harm, Hint, Moment, Pace, Shape};

/// Race #1: the success of B clears the limit of A.
///
/// A was sent before the limit was known, and its answer comes after. It must change nothing.
#[tokio::test]
async fn race_1_a_late_success_does_not_lift_a_limit() {
    let slow = Pace::default().head(Duration::from_millis(400));
    let stage = Setup::new().anthropic("only", limited(1, 60)).pace(slow).start();
    let late = tokio::spawn(stage.router.fetch(Ask::messages().request()));
    stage.wait_for(|entries| entries.len() == 1).await;

    stage.fetch(&Ask::messages()).await.refused(429);
    let late = within(late).await.expect("the task ends").expect("an answer");
    Heard::all(late).await.good();

    assert_eq!(stage.counter("stale_successes"), 1);
    assert_eq!(stage.pool("only", "anthropic").state, PoolState::LIMITED);
    stage.fetch(&Ask::messages()).await.refused(429);
    assert_eq!(stage.calls("only"), 2, "the limit was lifted by a success that did not know it");
}

/// Race #1, the other way round: nothing but a success clears anything. A 400 and a 500 do not.
#[tokio::test]
async fn race_1_an_answer_that_is_no_success_does_not_lift_a_limit() {
    for shape in [Shape::InvalidArgument, Shape::ServerError] {
        let stage = Setup::new().anthropic("only", limited(0, 60)).start();
        stage.upstream.inject(Fault::new(Harm::Hang).next(1));
        let late = tokio::spawn(stage.router.fetch(Ask::messages().request()));
        stage.wait_for(|entries| entries.len() == 1).await;
        stage.fetch(&Ask::messages()).await.refused(429);
        stage.upstream.inject(Fault::status(shape));
        late.abort();
        stage.fetch(&Ask::messages()).await.refused(429);
        assert_eq!(stage.pool("only", "anthropic").state, PoolState::LIMITED, "{shape:?}");
        assert_eq!(stage.calls("only"), 2, "{shape:?}");
    }
}

/// Race #2: what goes wrong in one family or pool is held against another.
///
/// The project of the Claude pool is refused; Gemini goes on as if nothing had happened.
#[tokio::test]
async fn race_2_an_error_of_claude_says_nothing_on_gemini() {
    let stage = Setup::new().antigravity("work", &[("claude", free()), ("gemini-cli", free())]).start();
    stage.upstream.inject(Fault::status(Shape::Unlicensed).pool("claude"));
    let refused = stage.fetch(&Ask::gemini().model("claude-sonnet-4-6")).await;
    assert_ne!(refused.status, 200);
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.account("work").state, AccountState::READY);
    assert_eq!(stage.pool("work", "gemini-cli").state, PoolState::OPEN);
}

/// Race #2: a limit of Claude's pool leaves Gemini's pools open, whatever model met it.
#[tokio::test]
async fn race_2_a_limit_of_claude_leaves_gemini_open() {
    let stage = Setup::new().antigravity("work", &[("claude", spent(60)), ("gemini-cli", free())]).start();
    for _ in 0..2 {
        stage.fetch(&Ask::gemini().model("claude-sonnet-4-6")).await.refused(429);
    }
    assert_eq!(stage.calls("work"), 1, "it is closed");
    stage.fetch(&Ask::gemini()).await.good();
    assert_eq!(stage.pool("work", "gemini-cli").trips, 0);
}

/// Race #2: a rejected credential closes the account, and is no limit of any of its pools.
#[tokio::test]
async fn race_2_an_auth_error_limits_no_pool() {
    let stage = Setup::new().antigravity("work", &[("claude", free()), ("gemini-cli", free())]).start();
    stage.upstream.inject(Fault::status(Shape::Unauthorized).pool("claude").next(1));
    stage.fetch(&Ask::gemini().model("claude-sonnet-4-6")).await.refused(401);
    assert_eq!(stage.account("work").reason, "refused, in doubt why");
    for pool in stage.account("work").pools {
        assert_eq!((pool.state, pool.trips), (PoolState::OPEN, 0), "{}", pool.name);
    }
}

/// Race #3: the counters of one event are counted up by every request that meets it.
///
/// Twelve requests meet one limit at the same time. It is one trip with a streak of one, and the test
/// requires that several of them really met it.
#[tokio::test]
async fn race_3_many_429s_of_one_event_are_one_trip() {
    let mut most = 0;
    for _ in 0..20 {
        let stage = Setup::new().anthropic("only", limited(0, 60).hint(Hint::Bare)).start();
        for refused in stage.fetch_times(12, Ask::messages).await {
            refused.refused(429);
        }
        let pool = stage.pool("only", "anthropic");
        assert_eq!((stage.counter("trips"), pool.trips, pool.consecutive_trips), (1, 1, 1));
        let (met, duplicates) = (stage.counter("upstream_429"), stage.counter("burst_duplicates"));
        assert_eq!(met, duplicates + 1, "each 429 is the trip or one of the same event");
        assert_eq!(pool.limited, met);
        most = most.max(met);
        if most >= 3 {
            return;
        }
    }
    panic!("no burst met the limit together: {most} at most");
}

/// Race #4: requests that start together all choose the same account.
///
/// Five requests on three free accounts use all three, whatever the strategy. Their streams are held open,
/// so that the answer to one cannot make room for another.
#[tokio::test]
async fn race_4_five_requests_use_three_free_accounts() {
    for strategy in ["round-robin", "sticky", "least-connections"] {
        let stage = three_free(strategy);
        let opened = join_all((0..5).map(|_| stage.router.fetch(Ask::messages().streaming().request())));
        let held: Vec<_> = within(opened).await.into_iter().collect::<Result<_, _>>().expect("five answers");
        let calls = ["a", "b", "c"].map(|label| stage.calls(label));
        assert!(calls.iter().all(|calls| (1..=2).contains(calls)), "{strategy}: {calls:?}");
        drop(held);
    }
}

/// Race #4: with one account limited, the burst spreads over those that are left.
#[tokio::test]
async fn race_4_a_burst_that_meets_a_limit_spreads_over_the_others() {
    for strategy in ["round-robin", "sticky", "least-connections"] {
        let stage = three_free(strategy);
        stage.upstream.set_pool("a", "default", spent(60)).expect("it is in the script");
        let opened = join_all((0..6).map(|_| stage.router.fetch(Ask::messages().streaming().request())));
        let held: Vec<_> = within(opened).await.into_iter().collect::<Result<_, _>>().expect("six answers");
        assert!(held.iter().all(|answer| answer.status == 200), "{strategy}");
        let served = ["b", "c"].map(|label| stage.upstream.ledger().served(label, "default"));
        assert!(served.iter().all(|served| *served >= 2), "{strategy}: {served:?}");
        assert_eq!(served.iter().sum::<usize>(), 6);
    }
}

fn three_free(strategy: &str) -> Stage {
    let stall = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let setup = Setup::new().set("strategy", strategy).fault(stall);
    setup.anthropic("a", free()).anthropic("b", free()).anthropic("c", free()).start()
}
