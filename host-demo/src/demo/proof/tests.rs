use super::super::evidence::{Counted, Ending, Seen};
use super::super::scenario::{Ask, Pin, Wire};
use super::*;

/// A run in which everything happened that a proof speaks of, and nothing went wrong.
///
/// The Claude pool of `work` is limited from 1000 to 3000, by two 429s of one burst.
fn good() -> Evidence {
    let visits = vec![
        visit(1, "work", "claude", 200).spanning(500, 1_600),
        visit(2, "work", "claude", 429).spanning(1_000, 1_001).until(3_000),
        visit(3, "work", "claude", 429).spanning(1_010, 1_011).until(3_000),
        visit(2, "home", "claude", 200).spanning(1_005, 1_100),
        visit(3, "home", "claude", 200).spanning(1_015, 1_100),
        visit(4, "work", "antigravity", 200).spanning(1_500, 1_600),
        visit(5, "revoked", "claude", 401).spanning(100, 101),
        visit(5, "home", "claude", 503).spanning(103, 104),
        visit(5, "home", "claude", 200).spanning(203, 204),
    ];
    let calls = (1..=5).map(|number| call(number, pin_of(number), Ending::Answered)).collect();
    let notices = vec![notice("antigravity:revoked", "Account revoked needs to sign in again")];
    Evidence { made: 5, calls, visits, counted: counted(), notices, refused: "revoked".to_owned() }
}

fn counted() -> Counted {
    Counted {
        requests: 5,
        upstream_429: 2,
        trips: 1,
        burst_duplicates: 1,
        stale_successes: 1,
        trips_by_cell: [(cell("work", "claude"), 1), (cell("home", "claude"), 0)].into(),
    }
}

fn pin_of(number: u64) -> Option<Pin> {
    (number == 4).then_some(Pin::Prefix("antigravity"))
}

fn call(number: u64, pin: Option<Pin>, ending: Ending) -> Call {
    let ask = Ask { model: "any", wire: Wire::Google, pin, stream: true };
    Call { number, ask, ending, ended_ms: 0 }
}

fn cell(account: &str, pool: &str) -> Cell {
    Cell { account: account.to_owned(), pool: pool.to_owned() }
}

fn visit(call: u64, account: &str, pool: &str, status: u16) -> Visit {
    let family = if pool == "claude" { Family::Claude } else { Family::Gemini };
    let cell = cell(account, pool);
    Visit { call: Some(call), cell, family, at_ms: 0, ended_ms: 0, status, until_ms: None }
}

impl Visit {
    fn spanning(self, at_ms: u64, ended_ms: u64) -> Self {
        Self { at_ms, ended_ms, ..self }
    }

    fn until(self, until_ms: u64) -> Self {
        Self { until_ms: Some(until_ms), ..self }
    }
}

fn notice(account: &str, text: &str) -> Seen {
    Seen { at_ms: 0, account: account.to_owned(), severity: 2, text: text.to_owned() }
}

/// Changes the good run and checks what becomes of the one claim that begins so; no other may change.
fn check(claim: &str, verdict: Verdict, change: impl FnOnce(&mut Evidence)) {
    let mut evidence = good();
    change(&mut evidence);
    for proof in prove(&evidence) {
        let expected = if proof.claim.starts_with(claim) { verdict } else { Verdict::Holds };
        assert_eq!(proof.verdict, expected, "{}: {}", proof.claim, proof.numbers);
    }
}

#[test]
fn a_good_run_proves_everything() {
    check("every", Verdict::Holds, |_| {});
}

#[test]
fn a_request_that_got_no_whole_answer_fails_the_first_claim() {
    check("every request", Verdict::Fails, |evidence| {
        evidence.calls[0].ending = Ending::Broken("reset".to_owned());
    });
    check("every request", Verdict::Fails, |evidence| {
        evidence.calls.remove(0);
    });
    check("every request", Verdict::Fails, |evidence| evidence.counted.requests = 6);
}

#[test]
fn a_429_that_a_caller_saw_fails_two_claims() {
    let mut evidence = good();
    evidence.calls[1].ending = Ending::Refused(429);
    let failed: Vec<&str> = failed(&evidence);
    assert_eq!(failed, ["every request was answered", "no caller saw a 429"]);
}

fn failed(evidence: &Evidence) -> Vec<&'static str> {
    let proofs = prove(evidence).into_iter();
    proofs.filter(|proof| proof.verdict == Verdict::Fails).map(|proof| proof.claim).collect()
}

#[test]
fn a_request_into_a_known_limit_fails() {
    let stray = |at| visit(1, "work", "claude", 200).spanning(at, at + 10);
    check("no late success", Verdict::Fails, |evidence| evidence.visits.push(stray(1_700)));
    check("no late success", Verdict::Fails, |evidence| evidence.visits.push(stray(2_900)));
}

#[test]
fn a_request_on_its_way_or_after_the_end_is_no_stray() {
    for at in [1_100, 3_000, 3_500] {
        check("no late success", Verdict::Holds, |evidence| {
            evidence.visits.push(visit(1, "work", "claude", 200).spanning(at, at + 10));
        });
    }
}

#[test]
fn without_a_late_success_nothing_is_said_of_them() {
    check("no late success", Verdict::Unseen, |evidence| evidence.visits[0].ended_ms = 900);
}

#[test]
fn a_burst_that_was_counted_twice_fails() {
    check("a burst", Verdict::Fails, |evidence| evidence.counted.burst_duplicates = 2);
    let mut twice = good();
    twice.counted = Counted { trips: 2, burst_duplicates: 0, ..counted() };
    assert_eq!(failed(&twice), ["a burst of 429s counts once"]);
}

#[test]
fn a_429_that_the_plugin_did_not_count_fails() {
    check("a burst", Verdict::Fails, |evidence| evidence.counted.upstream_429 = 1);
}

#[test]
fn the_next_limit_of_a_cell_is_a_limit_of_its_own() {
    let mut evidence = good();
    evidence.visits.push(visit(1, "work", "claude", 429).spanning(3_500, 3_501).until(5_500));
    let ends: Vec<u64> = evidence.limits().iter().map(|limit| limit.until_ms).collect();
    assert_eq!(ends, [3_000, 5_500]);
}

#[test]
fn a_pinned_request_elsewhere_fails() {
    check("a pinned", Verdict::Fails, |evidence| evidence.visits[5].cell.pool = "gemini-cli".to_owned());
    check("a pinned", Verdict::Fails, |evidence| {
        evidence.calls[3].ask.pin = Some(Pin::Account("home"));
    });
}

#[test]
fn a_request_in_the_pool_of_another_family_fails() {
    check("a family", Verdict::Fails, |evidence| {
        evidence.visits.push(visit(1, "home", "claude", 200));
        evidence.visits.last_mut().expect("just pushed").family = Family::Gemini;
    });
}

#[test]
fn gemini_that_stops_in_a_claude_limit_leaves_the_claim_open() {
    check("a family", Verdict::Unseen, |evidence| evidence.visits[5].cell.account = "home".to_owned());
}

#[test]
fn a_request_to_the_refused_account_fails() {
    let again = |at| visit(1, "revoked", "claude", 401).spanning(at, at + 1);
    check("a refused", Verdict::Fails, |evidence| evidence.visits.push(again(900)));
    check("a refused", Verdict::Fails, |evidence| evidence.visits.push(again(30_000)));
    check("a refused", Verdict::Holds, |evidence| evidence.visits.push(again(200)));
    check("a refused", Verdict::Holds, |evidence| evidence.visits.push(again(30_101)));
}

#[test]
fn a_notice_that_calls_the_refusal_a_limit_fails() {
    check("a refused", Verdict::Fails, |evidence| {
        evidence.notices.push(notice("antigravity:revoked", "Claude quota exhausted"));
    });
    check("a refused", Verdict::Holds, |evidence| {
        evidence.notices.push(notice("antigravity:work", "Claude quota exhausted"));
    });
}

#[test]
fn an_outage_that_became_a_limit_fails() {
    check("an outage", Verdict::Fails, |evidence| {
        evidence.counted.trips_by_cell.insert(cell("home", "claude"), 1);
    });
    check("an outage", Verdict::Unseen, |evidence| evidence.visits[7].status = 200);
}
