//! The retry budget: an outage is not multiplied by those who try again.

use pointsman_tests::setup::{free, limited};
use pointsman_tests::{Ask, Setup, Stage};
use pointsman_upstream::{Fault, Shape};
use serde_json::json;

const LABELS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn six_accounts(budget: serde_json::Value) -> Setup {
    let setup = Setup::new().set("retry_budget", budget).set("strategy", "round-robin");
    LABELS.iter().fold(setup, |setup, label| setup.anthropic(label, free()))
}

/// Fails the next request, whoever it goes to. A good answer in between keeps the endpoint open.
fn fail_one(stage: &Stage, shape: Shape) {
    stage.upstream.inject(Fault::status(shape).next(1));
}

#[tokio::test]
async fn a_failure_is_tried_again_while_there_is_a_budget_and_then_delivered() {
    for shape in [Shape::ServerError, Shape::Overloaded] {
        let stage = six_accounts(json!({"share": "0%", "floor": 2})).start();
        for _ in 0..2 {
            fail_one(&stage, shape);
            assert_eq!(stage.fetch(&Ask::messages()).await.good().attempts(), 2);
        }
        fail_one(&stage, shape);
        let failed = stage.fetch(&Ask::messages()).await;
        assert!(failed.status >= 500, "{shape:?}: {}", failed.status);
        assert_eq!((failed.reason(), failed.attempts()), ("retry-budget", 1));
        assert_eq!((stage.counter("retries"), stage.counter("retries_withheld")), (2, 1));
        stage.fetch(&Ask::messages()).await.good();
    }
}

/// Five requests pay for one retry, and what they paid in fades within seconds.
#[tokio::test]
async fn requests_pay_for_retries() {
    let stage = six_accounts(json!({"share": "20%", "floor": 0})).start();
    fail_one(&stage, Shape::ServerError);
    assert_eq!(stage.fetch(&Ask::messages()).await.reason(), "retry-budget", "nobody has paid yet");
    for _ in 0..10 {
        stage.fetch(&Ask::messages()).await.good();
    }
    fail_one(&stage, Shape::ServerError);
    assert_eq!(stage.fetch(&Ask::messages()).await.good().attempts(), 2);
}

/// A limit is no trouble of the upstream: moving on from it needs no budget.
#[tokio::test]
async fn moving_away_from_a_limit_needs_no_budget() {
    let setup =
        Setup::new().set("retry_budget", json!({"share": "0%", "floor": 0})).set("strategy", "sticky");
    let setup = LABELS[..5].iter().fold(setup, |setup, label| setup.anthropic(label, limited(0, 60)));
    let stage = setup.anthropic("f", free()).start();
    stage.fetch(&Ask::messages()).await.good();
    assert_eq!((stage.counter("retries"), stage.counter("retries_withheld")), (0, 0));
}

/// Forty requests meet an outage of everything: no more calls than one each, a fifth of them and the floor.
#[tokio::test]
async fn an_outage_is_not_multiplied() {
    let stage =
        six_accounts(json!({"share": "20%", "floor": 3})).fault(Fault::status(Shape::ServerError)).start();
    for failed in stage.fetch_times(40, Ask::messages).await {
        assert!(failed.status >= 500);
    }
    let calls = stage.upstream.ledger().entries().len();
    assert!(calls <= 40 + 8 + 3, "{calls} calls");
}

/// Two accounts that fail convict the endpoint. Who waits for it to open needs no budget to be served.
#[tokio::test]
async fn who_waits_for_the_end_of_an_outage_is_served_without_a_budget() {
    let setup = Setup::new().set("retry_budget", json!({"share": "0%", "floor": 0})).patient();
    let setup = setup.set("strategy", "round-robin").anthropic("a", free()).anthropic("b", free());
    let stage = setup.fault(Fault::status(Shape::ServerError).next(2)).start();
    assert_eq!(stage.fetch(&Ask::messages()).await.reason(), "retry-budget", "another account is open");
    assert_eq!(stage.fetch(&Ask::messages()).await.good().attempts(), 2);
    assert_eq!((stage.counter("retries"), stage.counter("retries_withheld")), (0, 1));
}
