//! Sessions and shares: who serves whom while all can.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use pointsman_tests::setup::{free, limited, spent};
use pointsman_tests::{Ask, Setup, Stage, within};
use pointsman_upstream::{Fault, Harm, Moment, Pace};
use serde_json::json;

fn sticky() -> Stage {
    let setup = Setup::new().set("strategy", "sticky");
    ["a", "b", "c"].iter().fold(setup, |setup, label| setup.anthropic(label, free())).start()
}

#[tokio::test]
async fn a_session_stays_on_its_account() {
    let stage = sticky();
    let mut served = BTreeSet::new();
    for turn in 0..9 {
        let answer = stage.fetch(&Ask::messages().session("one")).await.good();
        assert_eq!(answer.reason(), if turn == 0 { "preferred" } else { "sticky" });
        served.insert(answer.account().to_owned());
        // Others in between change nothing.
        stage.fetch(&Ask::messages()).await.good();
    }
    assert_eq!(served.len(), 1, "{served:?}");
}

/// opencode sends two requests of each first turn at once, the title and the answer, in one session.
#[tokio::test]
async fn two_requests_of_a_session_that_start_together_go_to_one_account() {
    let stage = sticky();
    for session in 0..20 {
        let id = format!("session {session}");
        let pair = [Ask::messages().session(&id), Ask::messages().session(&id)];
        let accounts: BTreeSet<_> = stage
            .fetch_all(pair)
            .await
            .into_iter()
            .map(|answer| answer.good().account().to_owned())
            .collect();
        assert_eq!(accounts.len(), 1, "{id}");
    }
    assert!(["a", "b", "c"].iter().all(|label| stage.calls(label) > 0), "sessions are spread");
}

/// A session whose account is limited goes on elsewhere, and stays there.
#[tokio::test]
async fn a_session_moves_when_its_account_cannot_serve_it() {
    let stage = sticky();
    let ask = || Ask::messages().session("one");
    let home = stage.fetch(&ask()).await.good().account().to_owned();
    stage.upstream.set_pool(&home, "default", spent(60)).expect("it is in the script");
    let next = stage.fetch(&ask()).await.good().account().to_owned();
    assert_ne!(next, home);
    for _ in 0..3 {
        let answer = stage.fetch(&ask()).await.good();
        assert_eq!((answer.account(), answer.reason()), (next.as_str(), "sticky"));
    }
}

/// A limit that ends within seconds is cheaper than a cold cache: the session waits, although others are
/// free.
#[tokio::test]
async fn a_session_waits_a_moment_for_its_own_account() {
    for strategy in ["hybrid", "sticky", "headroom"] {
        let setup = Setup::new().patient().set("strategy", strategy);
        let pool = || limited(1, 2);
        let stage = ["a", "b"].iter().fold(setup, |setup, label| setup.anthropic(label, pool())).start();
        let ask = || Ask::messages().session("one");
        let home = stage.fetch(&ask()).await.good().account().to_owned();
        let answer = stage.fetch(&ask()).await.good();
        assert_eq!((answer.account(), answer.reason()), (home.as_str(), "probe"), "{strategy}");
        assert!(stage.counter("holds") > 0);
        assert_eq!(stage.calls(&home), 3, "the second was refused once");
    }
}

/// Without patience the session moves at once.
#[tokio::test]
async fn patience_is_a_setting() {
    let setup = Setup::new().patient().set("strategy", "sticky");
    let setup = setup.set("affinity", json!({"patience": "0s"}));
    let stage = ["a", "b"].iter().fold(setup, |setup, label| setup.anthropic(label, free())).start();
    let ask = || Ask::messages().session("one");
    let home = stage.fetch(&ask()).await.good().account().to_owned();
    stage.upstream.set_pool(&home, "default", limited(0, 2)).expect("it is in the script");
    let answer = stage.fetch(&ask()).await.good();
    assert_ne!(answer.account(), home);
    assert_eq!(stage.counter("holds"), 0);
}

/// The default strategy, with sessions of several turns whose tokens are long spent.
#[tokio::test]
async fn hybrid_keeps_sessions_and_spreads_them() {
    let stage =
        ["a", "b", "c"].iter().fold(Setup::new(), |setup, label| setup.anthropic(label, free())).start();
    let mut homes = BTreeMap::new();
    for turn in 0..12 {
        for session in 0..9 {
            let answer = stage.fetch(&Ask::messages().session(&format!("session {session}"))).await.good();
            let home = homes.entry(session).or_insert_with(|| answer.account().to_owned());
            assert_eq!(answer.account(), home, "session {session} at turn {turn}");
        }
    }
    let used: BTreeSet<_> = homes.values().collect();
    assert_eq!(used.len(), 3, "{homes:?}");
}

#[tokio::test]
async fn weighted_turns_are_in_proportion() {
    let stage = Setup::new()
        .set("strategy", "weighted")
        .keyed("anthropic", "heavy", free(), 3)
        .keyed("anthropic", "light", free(), 1)
        .start();
    let mut served = Vec::new();
    for _ in 0..8 {
        served.push(stage.fetch(&Ask::messages()).await.good().account().to_owned());
    }
    assert_eq!(served, ["heavy", "light", "heavy", "heavy", "heavy", "light", "heavy", "heavy"]);
}

#[tokio::test]
async fn who_rested_longest_is_next() {
    // Uses within one millisecond have no order.
    let pace = Pace::default().head(Duration::from_millis(5));
    let setup = Setup::new().set("strategy", "least-recently-used").pace(pace);
    let stage = ["a", "b", "c"].iter().fold(setup, |setup, label| setup.anthropic(label, free())).start();
    let pinned = |label: &str| Ask::messages().header("x-pointsman-account", &format!("anthropic:{label}"));
    for label in ["b", "a", "c"] {
        stage.fetch(&pinned(label)).await.good();
    }
    assert_eq!(stage.fetch(&Ask::messages()).await.good().account(), "b");
}

/// What agents send as their session is understood, wherever they put it.
#[tokio::test]
async fn each_agents_session_is_recognised() {
    let claude = |id: &str| Ask::messages().header("x-claude-code-session-id", id);
    let codex = |id: &str| Ask::messages().header("session_id", id);
    let affinity = |id: &str| Ask::messages().header("x-session-affinity", id);
    for ask in [&claude as &dyn Fn(&str) -> Ask, &codex, &affinity] {
        let stage = sticky();
        let mut served = BTreeSet::new();
        for _ in 0..4 {
            served.insert(stage.fetch(&ask("7e0f")).await.good().account().to_owned());
        }
        assert_eq!(served.len(), 1);
    }
}

#[tokio::test]
async fn accounts_take_turns() {
    let setup = Setup::new().set("strategy", "round-robin");
    let stage = ["a", "b", "c"].iter().fold(setup, |setup, label| setup.anthropic(label, free())).start();
    let mut served = Vec::new();
    for _ in 0..6 {
        served.push(stage.fetch(&Ask::messages()).await.good().account().to_owned());
    }
    assert_eq!(served, ["a", "b", "c", "a", "b", "c"]);
}

/// An account of weight 3 carries three times the work of one of weight 1.
#[tokio::test]
async fn weights_share_the_work() {
    let stall = Fault::new(Harm::Stall { at: Moment::Content(1) });
    let stage = Setup::new()
        .set("strategy", "least-connections")
        .keyed("anthropic", "heavy", free(), 3)
        .keyed("anthropic", "light", free(), 1)
        .fault(stall)
        .start();
    let opened = join_all((0..12).map(|_| stage.router.fetch(Ask::messages().streaming().request())));
    let held: Vec<_> = within(opened).await.into_iter().collect::<Result<_, _>>().expect("answers");
    assert_eq!((stage.calls("heavy"), stage.calls("light")), (9, 3));
    drop(held);
}

/// A pinned account serves, and nobody else, however free the others are.
#[tokio::test]
async fn a_pinned_account_has_no_substitute() {
    let stage = Setup::new().anthropic("a", spent(60)).anthropic("b", free()).start();
    let pin = || Ask::messages().header("x-pointsman-account", "anthropic:a");
    stage.fetch(&pin()).await.refused(429);
    assert_eq!(stage.calls("b"), 0);
    let other = Ask::messages().header("x-pointsman-account", "anthropic:b");
    assert_eq!(stage.fetch(&other).await.good().account(), "b");
}
