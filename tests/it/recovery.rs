//! After a limit: accounts that were closed are used again. `cargo bench -p pointsman-tests --bench goodput --
//! --recovery` measures how much of what they allow is served.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use pointsman_tests::{Ask, Setup};
use pointsman_upstream::{Fault, Harm, Hint, Lasts, Pace, Pool, Shape};

const AGENTS: usize = 12;
/// Accounts with what each lets in a second.
const RATES: [(&str, u32); 4] = [("a0", 10), ("a1", 10), ("a2", 20), ("a3", 5)];
/// The account that is open from the start.
const OPEN: &str = "a2";
const TROUBLE: Duration = Duration::from_secs(2);
/// How many requests are looked at once a limited account has served.
const LOOKED_AT: usize = 200;

fn limited(label: &str) -> Fault {
    let harm = Harm::Status { shape: Shape::RateLimitExceeded, code: None, retry: Some(TROUBLE) };
    let lasts = Lasts::Span { after: Duration::ZERO, length: TROUBLE };
    Fault { lasts, ..Fault::new(harm).account(label) }
}

fn setup() -> Setup {
    let second = Duration::from_secs(1);
    let setup = Setup::new().patient().pace(Pace::default().head(Duration::from_millis(5)));
    let setup = RATES.iter().fold(setup, |setup, (label, rate)| {
        setup.openai(label, Pool::bucket(*rate, second).hint(Hint::HeaderOnly))
    });
    let closed = RATES.iter().filter(|(label, _)| *label != OPEN);
    closed.fold(setup, |setup, (label, _)| setup.fault(limited(label)))
}

/// Twelve agents ask without a pause, and three of four accounts are limited at first. The fourth one's queue is
/// short enough for each single wait, and yet nobody else may stay idle.
#[tokio::test]
async fn a_fleet_is_used_again_after_a_limit() {
    let stage = setup().start();
    let served = RefCell::new(Vec::new());
    let work = async |agent: usize| {
        while served.borrow().len() < LOOKED_AT {
            let answer = stage.fetch(&Ask::chat().session(&format!("agent {agent}"))).await.good();
            let mut served = served.borrow_mut();
            if answer.account() != OPEN || !served.is_empty() {
                served.push(answer.account().to_owned());
            }
        }
    };
    join_all((0..AGENTS).map(work)).await;
    let mut counts = BTreeMap::new();
    served.borrow().iter().for_each(|account| *counts.entry(account.clone()).or_insert(0) += 1);
    // The smallest account allows a ninth of it all, which is 22 of 200.
    assert!(counts.len() == RATES.len() && counts.values().all(|count| *count >= 5), "{counts:?}");
}
