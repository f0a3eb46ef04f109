//! Waits for the session's sticky account.

use super::*;
use crate::planning::affinity::{Look, Room, Stake};

const STAKE: Stake = Stake { moves: 0, warmth: 7 };
const OPENS: Millis = Millis(3_000);

/// A plan for account 1 and then 2, while the sticky account opens at second 3.
fn planned_elsewhere(is_firm: bool, offer: Option<(u32, Room)>) -> Event {
    let offer = offer.map(|(account, room)| (way(account), room));
    let plan = Plan { candidates: [1, 2].map(way).into_iter().collect() };
    let wait = Some(StickyWait { opens: OPENS, is_firm, stake: STAKE, offer });
    Event::Planned(Ok(Planned { plan, wait }))
}

/// Looks among the waiters at the beginning.
fn look(room: Room) -> Step {
    let patience = T.after(PATIENCE);
    Step::Stay { stake: STAKE, look: Look { room, opens: OPENS, patience, price: PATIENCE, now: T } }
}

#[test]
fn a_held_request_waits_beside_the_line_and_plans_again() {
    let until = Millis(T.0 + 2_000);
    let dispatch = Story::new()
        .then(PLAN, planned_elsewhere(false, None))
        .then(look(Room::None), Event::Looked(Some(until)))
        .later(2_000)
        .then(Step::Hold { until }, Event::Woke)
        .sends_to(0)
        .then(Step::Send, answered(Outcome::Good))
        .ends(Step::Deliver);
    assert_eq!((dispatch.waits(), dispatch.moves_by_choice()), (0, false));
}

#[test]
fn patience_ends_with_the_longest_wait() {
    let dispatch = Story::new().dispatch;
    assert_eq!(dispatch.patience(), Millis(T.0 + 5_000));
    let patience = Duration::from_secs(60);
    let dispatch = Story::with(Terms { patience, ..terms(Jitter::default(), Hops::new(0, [], 3)) }).dispatch;
    assert_eq!(dispatch.patience(), dispatch.deadline());
}

#[test]
fn who_had_better_go_elsewhere_takes_the_best_offer_first() {
    let dispatch = Story::new()
        .then(PLAN, planned_elsewhere(false, Some((2, Room::Idle))))
        .then(look(Room::Idle), Event::Looked(None))
        .then(Step::Admit(way(2)), Event::Denied(Deny::Full))
        .ends(Step::Admit(way(1)));
    assert!(dispatch.moves_by_choice());
}

#[test]
fn a_move_is_by_choice_only_as_long_as_its_plan_lasts() {
    let dispatch = Story::new()
        .then(PLAN, planned_elsewhere(false, Some((2, Room::Open))))
        .then(look(Room::Open), Event::Looked(None))
        .then(Step::Admit(way(2)), Event::Denied(Deny::Full))
        .then(Step::Admit(way(1)), Event::Denied(Deny::Full))
        .then(PLAN, planned([1]))
        .ends(Step::Admit(way(1)));
    assert!(!dispatch.moves_by_choice());
}

#[test]
fn an_account_that_began_a_turn_is_waited_for_without_a_look_at_other_waiters() {
    Story::new()
        .then(PLAN, planned_elsewhere(true, None))
        .then(Step::Hold { until: OPENS }, Event::Woke)
        .ends(PLAN);
}

#[test]
fn who_holds_out_gives_the_place_at_the_front_to_the_next() {
    let busy = Refusal::busy(3);
    Story::new()
        .then(PLAN, Event::Planned(Err(busy)))
        .then(queue(2_000, busy), Event::Front { at_once: true })
        .then(PLAN, planned_elsewhere(true, None))
        .then(Step::Hold { until: OPENS }, Event::Woke)
        .then(PLAN, Event::Planned(Err(busy)))
        .ends(queue(2_000, busy));
}

#[test]
fn a_retry_that_leaves_the_sticky_account_is_paid_for_too() {
    Story::new()
        .sends_to(0)
        .then(Step::Send, answered(Outcome::ServerError))
        .then(PLAN, planned_elsewhere(false, Some((2, Room::Open))))
        .then(look(Room::Open), Event::Looked(None))
        .then(Step::Withdraw, Event::Withdrawn(true))
        .ends(Step::Admit(way(2)));
}
