//! Hops: when a request leaves its primary, and where it goes.

use super::*;

fn open() -> Event {
    planned([0])
}

fn closed(refusal: Refusal) -> Event {
    Event::Planned(Err(refusal))
}

fn sign_in() -> Refusal {
    refusal(None, Counts { needs_sign_in: 1, ..Counts::default() })
}

fn plan_at(hop: usize) -> Step {
    Step::Plan { hop, at_last: false }
}

/// A request with a chain over so many other providers, whose queue is empty. Its stay ends at second 6.
fn request<const N: usize>(others: [usize; N]) -> Story {
    Story::over(others).then(Step::Arrive, Event::Arrived { others_wait: false })
}

/// The request stays for the primary: it waits in the queue until an instant, or until its stay ends.
fn stays(until: u64, refusal: Refusal) -> Step {
    Step::Queue { until: Millis(until), bound: T.after(PATIENCE), refusal: Some(refusal) }
}

#[test]
fn a_short_wait_at_the_origin_is_better_than_another_provider() {
    for until in [1_500, 6_000] {
        request([1]).then(plan_at(0), closed(limited(until))).ends(stays(until, limited(until)));
    }
    let dispatch = request([1])
        .then(plan_at(0), closed(limited(6_001)))
        .then(plan_at(1), open())
        .ends(Step::Admit(way(0)));
    assert_eq!((dispatch.hop(), dispatch.left()), (1, Some(limited(6_001))));
}

#[test]
fn patience_with_a_busy_origin_has_an_end() {
    let busy = |until| Refusal { until: Some(Millis(until)), ..Refusal::busy(1) };
    let story = request([1])
        .then(plan_at(0), closed(Refusal::busy(1)))
        .then(stays(2_000, busy(2_000)), FRONT)
        .later(4_500)
        .then(plan_at(0), closed(Refusal::busy(1)))
        .then(Step::Wait { until: Millis(6_000), refusal: busy(6_000) }, Event::Woke);
    let story = story.later(500).then(plan_at(0), closed(Refusal::busy(1)));
    story.then(plan_at(1), open()).ends(Step::Admit(way(0)));
}

#[test]
fn one_busy_account_is_waited_for_whatever_the_others_are() {
    let counts = Counts { limited: 3, busy: 1, ..Counts::default() };
    request([1])
        .then(plan_at(0), closed(refusal(Some(90_000), counts)))
        .ends(stays(2_000, refusal(Some(2_000), counts)));
}

#[test]
fn nobody_waits_for_what_only_the_owner_can_mend() {
    request([1]).then(plan_at(0), closed(sign_in())).then(plan_at(1), open()).ends(Step::Admit(way(0)));
}

#[test]
fn the_first_open_leg_serves_in_the_order_written() {
    let dispatch = request([1, 2, 3])
        .then(plan_at(0), closed(limited(60_000)))
        .then(plan_at(1), closed(limited(90_000)))
        .then(plan_at(2), open())
        .ends(Step::Admit(way(0)));
    assert_eq!((dispatch.hop(), dispatch.left()), (2, Some(limited(90_000))));
}

#[test]
fn where_all_are_closed_all_are_counted_and_the_earliest_instant_is_told() {
    let counts = Counts { limited: 2, needs_sign_in: 1, ..Counts::default() };
    let dispatch = request([1, 2])
        .then(plan_at(0), closed(limited(60_000)))
        .then(plan_at(1), closed(limited(40_000)))
        .then(plan_at(2), closed(sign_in()))
        .ends(Step::Refuse(refusal(Some(40_000), counts)));
    assert_eq!(dispatch.hop(), 0);
}

#[test]
fn a_busy_leg_is_worth_another_look_before_a_limit_ends() {
    let counts = Counts { limited: 1, busy: 1, ..Counts::default() };
    request([1])
        .then(plan_at(0), closed(limited(60_000)))
        .then(plan_at(1), closed(Refusal::busy(1)))
        .ends(stays(2_000, refusal(Some(2_000), counts)));
}

#[test]
fn two_models_of_one_provider_are_counted_once() {
    request([0, 1])
        .then(plan_at(0), closed(limited(60_000)))
        .then(plan_at(1), closed(limited(50_000)))
        .then(plan_at(2), closed(limited(70_000)))
        .ends(Step::Refuse(refusal(Some(50_000), Counts { limited: 2, ..Counts::default() })));
}

#[test]
fn guesses_that_are_due_are_tried_on_each_hop_where_all_are_closed() {
    let guessed = |at| Refusal { last_resort: Some(Millis(at)), ..limited(60_000) };
    let at_last = |hop| Step::Plan { hop, at_last: true };
    let story = || {
        request([1])
            .then(plan_at(0), closed(guessed(T.0)))
            .then(plan_at(1), closed(guessed(9_000)))
            .then(at_last(0), closed(guessed(8_000)))
    };
    let dispatch = story().then(at_last(1), open()).ends(Step::Admit(way(0)));
    assert_eq!(dispatch.hop(), 1);
    let counts = Counts { limited: 2, ..Counts::default() };
    let soonest = Refusal { last_resort: Some(Millis(8_000)), ..refusal(Some(60_000), counts) };
    story().then(at_last(1), closed(guessed(9_000))).ends(stays(8_000, soonest));
}

#[test]
fn who_found_the_queue_full_tries_no_guess_of_the_primary() {
    let guessed = Refusal { last_resort: Some(T), ..limited(60_000) };
    Story::over([1])
        .then(Step::Arrive, Event::Arrived { others_wait: true })
        .then(Step::Queue { until: Millis(6_000), bound: Millis(6_000), refusal: None }, Event::Crowded)
        .then(plan_at(1), closed(guessed))
        .ends(Step::Plan { hop: 1, at_last: true });
}

#[test]
fn a_change_of_provider_is_no_retry() {
    let failed = || request([1]).sends_to_hop(0).then(Step::Send, answered(Outcome::ServerError));
    failed().then(plan_at(0), open()).ends(Step::Withdraw);
    failed().then(plan_at(0), closed(limited(60_000))).then(plan_at(1), open()).ends(Step::Admit(way(0)));
    request([0])
        .sends_to_hop(0)
        .then(Step::Send, answered(Outcome::ServerError))
        .then(plan_at(0), closed(limited(60_000)))
        .then(plan_at(1), open())
        .ends(Step::Withdraw);
}

#[test]
fn after_a_failure_elsewhere_the_primary_is_asked_first_again() {
    request([1])
        .then(plan_at(0), closed(limited(60_000)))
        .then(plan_at(1), open())
        .then(Step::Admit(way(0)), Event::Admitted)
        .then(Step::Authorize { renew: false }, Event::Authorized)
        .then(Step::Send, answered(rate_limit()))
        .ends(plan_at(0));
}

impl Story {
    /// Does as [`Story::sends_to`], for account 0 and with a chain.
    #[track_caller]
    fn sends_to_hop(self, hop: usize) -> Self {
        self.then(plan_at(hop), open())
            .then(Step::Admit(way(0)), Event::Admitted)
            .then(Step::Authorize { renew: false }, Event::Authorized)
    }
}
