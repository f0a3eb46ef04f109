//! Waits in the queue, on arrival and later.

use super::*;

const BUSY: Event = Event::Arrived { others_wait: true };

/// Joins the queue on arrival, until an instant.
fn queue_on_arrival(bound: u64) -> Step {
    Step::Queue { until: Millis(bound), bound: Millis(bound), refusal: None }
}

#[test]
fn a_request_that_queued_on_arrival_has_waited() {
    let dispatch = Story::over([])
        .then(Step::Arrive, BUSY)
        .then(queue_on_arrival(11_000), FRONT)
        .sends_to(0)
        .then(Step::Send, answered(Outcome::Good))
        .ends(Step::Deliver);
    assert_eq!(dispatch.waits(), 1);
}

#[test]
fn who_found_nobody_ahead_has_not_waited() {
    let at_once = Event::Front { at_once: true };
    let dispatch = Story::over([])
        .then(Step::Arrive, BUSY)
        .then(queue_on_arrival(11_000), at_once.clone())
        .then(PLAN, planned([0]))
        .ends(Step::Admit(way(0)));
    assert_eq!(dispatch.waits(), 0, "the last in the queue went in the meantime");
    let dispatch = Story::new()
        .then(PLAN, Event::Planned(Err(Refusal::busy(3))))
        .then(queue(2_000, Refusal::busy(3)), at_once)
        .then(PLAN, planned([0]))
        .ends(Step::Admit(way(0)));
    assert_eq!(dispatch.waits(), 0, "a place came free in the meantime");
}

#[test]
fn at_the_front_it_waits_for_the_clock_and_every_change() {
    let busy = Refusal::busy(3);
    let dispatch = Story::new()
        .then(PLAN, Event::Planned(Err(busy)))
        .then(queue(2_000, busy), Event::Front { at_once: true })
        .then(PLAN, Event::Planned(Err(busy)))
        .then(Step::Wait { until: Millis(2_000), refusal: busy }, Event::Woke)
        .later(500)
        .then(PLAN, Event::Planned(Err(busy)))
        .then(Step::Wait { until: Millis(2_500), refusal: busy }, Event::Woke)
        .ends(PLAN);
    assert_eq!(dispatch.waits(), 2);
}

#[test]
fn who_was_let_in_joins_the_queue_anew() {
    let busy = Refusal::busy(3);
    Story::new()
        .then(PLAN, Event::Planned(Err(busy)))
        .then(queue(2_000, busy), FRONT)
        .sends_to(0)
        .then(Step::Send, answered(rate_limit()))
        .then(PLAN, Event::Planned(Err(busy)))
        .ends(queue(2_000, busy));
}

#[test]
fn who_never_came_to_the_front_plans_once_more_and_gives_up() {
    let limited = limited(30_000);
    Story::over([])
        .then(Step::Arrive, BUSY)
        .later(10_000)
        .then(queue_on_arrival(11_000), Event::Late)
        .then(PLAN, Event::Planned(Err(limited)))
        .ends(Step::Refuse(limited));
}

#[test]
fn a_full_queue_turns_away() {
    Story::over([])
        .then(Step::Arrive, BUSY)
        .then(queue_on_arrival(11_000), Event::Crowded)
        .ends(Step::TurnAway);
    let busy = Refusal::busy(3);
    Story::new()
        .then(PLAN, Event::Planned(Err(busy)))
        .then(queue(2_000, busy), Event::Crowded)
        .ends(Step::TurnAway);
}

#[test]
fn who_finds_the_queue_full_looks_at_the_other_hops_once_and_not_at_the_primary() {
    let busy = Refusal::busy(4);
    let after_both = || {
        Story::over([1])
            .then(Step::Arrive, BUSY)
            .then(queue_on_arrival(6_000), Event::Crowded)
            .then(Step::Plan { hop: 1, at_last: false }, Event::Planned(Err(Refusal::busy(1))))
            .then(
                Step::Queue {
                    until: Millis(2_000),
                    bound: Millis(6_000),
                    refusal: Some(Refusal { until: Some(Millis(2_000)), ..busy }),
                },
                Event::Crowded,
            )
    };
    after_both().ends(Step::TurnAway);
    let dispatch = Story::over([1])
        .then(Step::Arrive, BUSY)
        .then(queue_on_arrival(6_000), Event::Crowded)
        .then(Step::Plan { hop: 1, at_last: false }, planned([7]))
        .ends(Step::Admit(way(7)));
    assert_eq!((dispatch.hop(), dispatch.left()), (1, Some(Refusal::busy(3))));
}

#[test]
fn who_found_room_in_the_queue_after_all_plans_at_the_primary_again() {
    let all = Refusal { until: Some(Millis(2_000)), ..Refusal::busy(4) };
    Story::over([1])
        .then(Step::Arrive, BUSY)
        .then(queue_on_arrival(6_000), Event::Crowded)
        .then(Step::Plan { hop: 1, at_last: false }, Event::Planned(Err(Refusal::busy(1))))
        .then(Step::Queue { until: Millis(2_000), bound: Millis(6_000), refusal: Some(all) }, FRONT)
        .ends(Step::Plan { hop: 0, at_last: false });
}

#[test]
fn people_are_told_of_an_end_in_reach() {
    let dispatch = Story::new().dispatch;
    let told = |until, last_resort: Option<u64>| {
        let refusal = Refusal {
            until: Some(Millis(until)),
            last_resort: last_resort.map(Millis),
            ..Refusal::default()
        };
        dispatch.told_end(&refusal)
    };
    assert_eq!(told(9_000, Some(2_000)), Some(Millis(9_000)));
    assert_eq!(told(90_000, Some(2_000)), Some(Millis(2_000)), "the guess is tried before");
    assert_eq!(told(90_000, Some(80_000)), Some(Millis(90_000)));
}
