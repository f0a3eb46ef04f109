use super::*;

const T: Millis = Millis(160_000);
const RATE: Limit = Limit::Estimated(Schedule::RATE);
const LEASE: Touch = Touch::Lease { bound: 100 };

fn at(millis: u64) -> Millis {
    Millis(T.0 + millis)
}

fn known(millis: u64) -> Limit {
    Limit::Reported { until: at(millis) }
}

fn admitted(state: CellState, now: Millis) -> (CellState, CellPermit) {
    state.admit(LEASE, now).expect("a place")
}

/// Takes `n` leases of an open cell.
fn leased(n: usize) -> (CellState, Vec<CellPermit>) {
    let mut state = CellState::default();
    let cell_permits = (0..n)
        .map(|_| {
            let (next, cell_permit) = admitted(state, T);
            state = next;
            cell_permit
        })
        .collect();
    (state, cell_permits)
}

fn tripped(limit: Limit) -> CellState {
    let (state, cell_permits) = leased(1);
    state.settle_limit(cell_permits[0], limit, T).0
}

#[test]
fn a_stale_success_does_not_lift_a_limit() {
    let (state, cell_permits) = leased(2);
    let (limited, _) = state.settle_limit(cell_permits[0], known(60_000), T);
    let (after, cell_permit, confirmed) = limited.confirm(cell_permits[1]);
    assert_eq!((after, confirmed), (limited, Confirmed::Stale));
    assert_eq!(after.release(cell_permit), CellState { in_flight: 0, ..limited });
}

#[test]
fn ten_429s_of_one_burst_are_one_trip() {
    let (state, cell_permits) = leased(10);
    let (first, settled) = state.settle_limit(cell_permits[0], RATE, T);
    assert_eq!(settled, Settled::Tripped { until: at(30_000) });
    let last = cell_permits[1..].iter().fold(first, |state, cell_permit| {
        let (state, settled) = state.settle_limit(*cell_permit, RATE, at(900));
        assert_eq!(settled, Settled::Folded);
        state
    });
    assert_eq!(last, CellState { in_flight: 0, ..first });
    assert_eq!(last.consecutive_trips, 1);
}

#[test]
fn a_limit_only_moves_forward() {
    let limited = tripped(known(60_000));
    let shorter = limited.learn(known(10_000), T).0;
    assert_eq!(shorter, limited);
    let longer = limited.learn(known(90_000), T).0;
    assert_eq!(longer.until, Word::round_up(at(90_000)));
    assert_eq!(longer.epoch, limited.epoch, "the same event, only longer");
}

#[test]
fn a_guess_of_an_earlier_life_is_a_guess_again_and_never_moves_a_limit() {
    let guess = |millis| Limit::Predicted { until: at(millis) };
    let (recalled, settled) = CellState::default().recall(guess(60_000), T);
    assert_eq!(settled, Settled::Tripped { until: recalled.until });
    assert!(recalled.is_guess(T) && recalled.last_resort(LEASE, T).is_ok());
    let told = CellState::default().recall(known(60_000), T).0;
    assert!(!told.is_guess(T) && told.last_resort(LEASE, T).is_err());
    for limited in [told, recalled] {
        assert_eq!(limited.recall(guess(90_000), T), (limited, Settled::Folded), "it knows better");
    }
    // An end between two ticks of the cell, which rounds it up.
    let over = CellState::default();
    for limit in [guess(60), known(60)] {
        assert_eq!(over.recall(limit, at(60)), (over, Settled::Folded), "it is over");
    }
    let longer = recalled.recall(known(90_000), T).0;
    assert_eq!((longer.until, longer.known), (Word::round_up(at(90_000)), true), "somebody told it");
}

#[test]
fn a_trip_never_shortens_a_limit_that_was_learned_meanwhile() {
    let (state, cell_permits) = leased(1);
    let later = CellState { until: at(500_000), known: true, ..state };
    let (state, _) = later.settle_limit(cell_permits[0], RATE, T);
    assert_eq!((state.until, state.known), (Word::round_up(at(500_000)), true));
}

#[test]
fn a_hint_of_nothing_lasts_half_a_second() {
    assert_eq!(tripped(known(0)).until, Word::round_up(at(500)));
}

#[test]
fn nobody_is_admitted_before_the_end_and_one_at_it() {
    let limited = tripped(known(60_000));
    let until = limited.until;
    assert_eq!(limited.admit(LEASE, Millis(until.0 - 1)), Err(Deny::Limited { until, known: true }));
    let (probing, cell_permit) = admitted(limited, until);
    assert!(cell_permit.is_probe());
    assert_eq!(probing.admit(LEASE, until), Err(Deny::Probing));
}

#[test]
fn a_cell_opens_by_good_heads_one_two_four_all() {
    let mut state = tripped(known(1_000));
    let now = state.until;
    for (places, confirmed) in [(1, Confirmed::Over), (2, Confirmed::Wider), (4, Confirmed::Wider)] {
        let mut cell_permits = Vec::new();
        while let Ok((next, cell_permit)) = state.admit(LEASE, now) {
            state = next;
            cell_permits.push(cell_permit);
        }
        assert_eq!(cell_permits.len(), places);
        let (next, _, what) = state.confirm(cell_permits[0]);
        assert_eq!(what, confirmed);
        state = cell_permits[1..].iter().fold(next, |state, cell_permit| state.release(*cell_permit));
    }
    assert_eq!((state.ramp, state.pending), (Ramp::Open, 0));
    assert!(!admitted(state, now).1.is_probe());
}

#[test]
fn streams_from_before_the_trip_do_not_stand_in_the_way_of_the_probe() {
    let (state, cell_permits) = leased(10);
    let (limited, _) = state.settle_limit(cell_permits[0], known(1_000), T);
    assert_eq!(limited.in_flight, 9);
    assert!(admitted(limited, limited.until).1.is_probe());
}

#[test]
fn a_probe_that_was_cancelled_gives_its_place_to_the_next() {
    let limited = tripped(known(1_000));
    let (probing, cell_permit) = admitted(limited, limited.until);
    let free = probing.release(cell_permit);
    assert_eq!(free, limited);
    assert!(admitted(free, limited.until).1.is_probe());
}

#[test]
fn a_failed_probe_grows_the_streak_and_with_it_the_guess() {
    let first = tripped(Limit::Estimated(Schedule::QUOTA));
    assert_eq!((first.consecutive_trips, first.until.since(T).as_secs()), (1, 60));
    let (probing, cell_permit) = admitted(first, first.until);
    let (second, _) = probing.settle_limit(cell_permit, Limit::Estimated(Schedule::QUOTA), first.until);
    assert_eq!((second.consecutive_trips, second.until.since(first.until).as_secs()), (2, 300));
}

#[test]
fn a_good_probe_forgets_the_streak() {
    let limited = tripped(RATE);
    let (probing, cell_permit) = admitted(limited, limited.until);
    let (state, _, confirmed) = probing.confirm(cell_permit);
    assert_eq!((confirmed, state.consecutive_trips), (Confirmed::Over, 0));
}

#[test]
fn an_old_hint_that_is_still_in_force_closes_a_cell_that_has_opened() {
    let (state, cell_permits) = leased(2);
    let (limited, _) = state.settle_limit(cell_permits[0], known(1_000), T);
    let later = at(5_000);
    let (probing, probe) = admitted(limited, later);
    let (open, _, _) = probing.confirm(probe);
    let (closed, settled) = open.settle_limit(cell_permits[1], known(60_000), later);
    assert!(matches!(settled, Settled::Tripped { .. }));
    assert_ne!(closed.epoch, open.epoch, "a success that did not know of it must not open it");
    assert_eq!(closed.consecutive_trips, 0, "and it is no strike");
}

#[test]
fn an_old_guess_adds_nothing() {
    let (state, cell_permits) = leased(2);
    let (limited, _) = state.settle_limit(cell_permits[0], RATE, T);
    let (after, settled) = limited.settle_limit(cell_permits[1], RATE, at(25_000));
    assert_eq!((after.until, settled), (limited.until, Settled::Folded));
}

#[test]
fn a_reading_ends_the_limit_that_was_seen_and_one_probe_tries() {
    let limited = tripped(RATE);
    let seen = limited.limit(T).expect("a limit");
    // At once, also within a tick of the cell's clock.
    for now in [at(800), at(801), at(815)] {
        let (over, moved) = limited.amend(seen, at(800), now);
        assert!(moved);
        let (probing, probe) = admitted(over, now);
        assert!(probe.is_probe());
        assert_eq!(probing.admit(LEASE, now), Err(Deny::Probing));
        assert_eq!(probing.settle_limit(probe, RATE, now).0.consecutive_trips, 2);
    }
}

#[test]
fn a_reading_moves_the_end_either_way() {
    let limited = tripped(RATE);
    let seen = limited.limit(T).expect("a limit");
    for end in [10_000, 90_000] {
        let (moved, _) = limited.amend(seen, at(end), at(800));
        assert_eq!((moved.until, moved.known), (Word::round_up(at(end)), true));
    }
}

#[test]
fn a_reading_leaves_a_limit_alone_that_began_or_grew_after_it() {
    let (state, cell_permits) = leased(3);
    let (first, _) = state.settle_limit(cell_permits[0], RATE, T);
    let seen = first.limit(T).expect("a limit");
    let (grown, _) = first.settle_limit(cell_permits[1], known(60_000), at(100));
    assert_eq!(grown.amend(seen, at(200), at(200)), (grown, false));
    let (probing, probe) = admitted(first, first.until);
    let (second, _) = probing.settle_limit(probe, RATE, first.until);
    assert_eq!(second.amend(seen, first.until, first.until), (second, false));
    assert_eq!(first.amend(seen, first.until, first.until), (first, false), "it is over by itself");
}

#[test]
fn a_full_cell_denies_until_a_lease_is_released() {
    let (state, cell_permits) = leased(2);
    let touch = Touch::Lease { bound: 2 };
    assert_eq!(state.admit(touch, T), Err(Deny::Full));
    assert!(state.release(cell_permits[0]).admit(touch, T).is_ok());
}

#[test]
fn a_gate_is_passed_without_being_counted() {
    let (state, cell_permit) = CellState::default().admit(Touch::Pass, T).expect("open");
    assert_eq!(state, CellState::default());
    assert_eq!(state.confirm(cell_permit).0, CellState::default());
}

#[test]
fn the_operator_opens_a_cell_and_old_leases_cannot_close_it_with_a_guess() {
    let (state, cell_permits) = leased(2);
    let (limited, _) = state.settle_limit(cell_permits[0], RATE, T);
    let open = limited.reset();
    assert_eq!((open.until, open.in_flight), (Millis::START, 1));
    assert_eq!(open.settle_limit(cell_permits[1], RATE, T).1, Settled::Folded);
}

/// A cell in a guess of half a minute with an early probe out, and the stamp of a lease from before.
fn probed_early() -> (CellState, CellPermit, CellPermit) {
    let (state, cell_permits) = leased(2);
    let (limited, _) = state.settle_limit(cell_permits[0], RATE, T);
    let (state, early) = limited.last_resort(LEASE, at(2_000)).expect("a guess");
    (state, early, cell_permits[1])
}

#[test]
fn one_may_probe_a_guess_early_and_the_limit_goes_on_for_all_others() {
    let (state, early, _) = probed_early();
    assert!(early.is_early() && early.is_probe());
    assert_eq!(state.last_resort(LEASE, at(2_000)), Err(Deny::Probing));
    let limited = Deny::Limited { until: state.until, known: false };
    assert_eq!(state.admit(LEASE, at(2_000)), Err(limited));
    assert_eq!(state.admit(LEASE, state.until), Err(Deny::Probing), "it is the probe after the end as well");
    assert!(
        state.release(early).last_resort(LEASE, at(2_000)).is_ok(),
        "who is cancelled gives the place back"
    );
}

#[test]
fn a_good_head_of_a_recheck_ends_what_was_told_then_and_nothing_that_was_told_later() {
    let told = tripped(known(60_000));
    let (out, cell_permit) = told.recheck(LEASE, at(2_000)).expect("one may");
    assert!(cell_permit.is_early() && out.recheck(LEASE, at(2_000)).is_err(), "and one only");
    let (open, _, confirmed) = out.confirm(cell_permit);
    assert_eq!((open.until, confirmed), (Millis::START, Confirmed::Over));
    let (later, _) = out.learn(known(90_000), at(2_100));
    let (after, _, confirmed) = later.confirm(cell_permit);
    assert_eq!((after.until, confirmed), (Word::round_up(at(90_000)), Confirmed::Stale));
    let (sooner, settled) = out.settle_limit(cell_permit, known(30_000), at(2_100));
    assert_eq!(
        (sooner.until, sooner.consecutive_trips, settled),
        (Word::round_up(at(30_000)), 1, Settled::Folded)
    );
}

#[test]
fn what_was_told_is_no_last_resort() {
    let told = tripped(known(60_000));
    assert_eq!(told.last_resort(LEASE, T), Err(Deny::Limited { until: told.until, known: true }));
    let (state, cell_permits) = leased(2);
    let (estimated, _) = state.settle_limit(cell_permits[0], RATE, T);
    let (told, _) = estimated.settle_limit(cell_permits[1], known(40_000), T);
    assert!(told.last_resort(LEASE, T).is_err(), "it was told later");
}

#[test]
fn a_good_head_of_an_early_probe_ends_the_guess() {
    let (state, early, _) = probed_early();
    let (open, _, confirmed) = state.confirm(early);
    assert_eq!(confirmed, Confirmed::Over);
    assert_eq!(
        (open.until, open.consecutive_trips, open.ramp, open.pending),
        (Millis::START, 0, Ramp::Two, 0)
    );
    assert!(open.admit(LEASE, at(2_100)).is_ok());
}

#[test]
fn a_refused_early_probe_is_no_strike_and_leaves_the_guess() {
    let (state, early, _) = probed_early();
    let (after, settled) = state.settle_limit(early, RATE, at(3_000));
    assert_eq!(settled, Settled::Folded);
    assert_eq!(after, state.release(early));
    assert_eq!((after.consecutive_trips, after.until), (1, Word::round_up(at(30_000))));
    assert!(after.admit(LEASE, after.until).is_ok_and(|(_, probe)| probe.is_probe()));
}

#[test]
fn what_a_refused_early_probe_is_told_replaces_the_guess_either_way() {
    for end in [10_000, 90_000] {
        let (state, early, _) = probed_early();
        let (told, settled) = state.settle_limit(early, known(end), at(3_000));
        assert_eq!(settled, Settled::Folded);
        assert_eq!((told.until, told.known, told.consecutive_trips), (Word::round_up(at(end)), true, 1));
    }
}

#[test]
fn an_early_probe_lifts_nothing_that_was_told_meanwhile() {
    let (state, early, late) = probed_early();
    let (told, _) = state.settle_limit(late, known(90_000), at(2_500));
    let (after, cell_permit, confirmed) = told.confirm(early);
    assert_eq!((confirmed, after.until, after.known), (Confirmed::Stale, Word::round_up(at(90_000)), true));
    assert_eq!((after.pending, after.release(cell_permit).in_flight), (0, 0));
    let (sooner, _) = told.settle_limit(early, known(10_000), at(3_000));
    assert_eq!(sooner.until, told.until, "and makes it no shorter");
}

#[test]
fn an_early_probe_that_is_refused_after_the_end_leaves_the_place_to_the_probe() {
    let (state, early, _) = probed_early();
    let (after, settled) = state.settle_limit(early, RATE, at(31_000));
    assert_eq!((settled, after.consecutive_trips), (Settled::Folded, 1));
    assert!(after.admit(LEASE, at(31_000)).is_ok_and(|(_, probe)| probe.is_probe()));
    let (told, settled) = state.settle_limit(early, known(60_000), at(31_000));
    assert_eq!((settled, told.known), (Settled::Tripped { until: Word::round_up(at(60_000)) }, true));
}

#[test]
fn a_last_resort_after_the_end_is_an_ordinary_probe() {
    let limited = tripped(RATE);
    let (_, probe) = limited.last_resort(LEASE, limited.until).expect("it is over");
    assert!(probe.is_probe() && !probe.is_early());
}
