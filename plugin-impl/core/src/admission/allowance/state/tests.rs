use crate::admission::probe::Early;
use std::time::Duration;

use super::*;

const T: Millis = Millis(1_000_000);

fn at(seconds: u64) -> Millis {
    T.after(Duration::from_secs(seconds))
}

fn admitted(state: &mut AllowanceState, now: Millis) -> AllowancePermit {
    state.admit(false, now).expect("a place")
}

const BEGIN: Millis = Millis(T.0 - 60_000);

/// Meets a limit of three requests in a window of a minute, and returns how it is at the reset.
fn taught_once() -> AllowanceState {
    let mut state = AllowanceState::default();
    let allowance_permits = [(); 4].map(|()| admitted(&mut state, BEGIN));
    for allowance_permit in &allowance_permits[..3] {
        state.confirm(*allowance_permit);
    }
    state.refuse(allowance_permits[3], Some(at(0)), at(0), BEGIN);
    state
}

/// The same, in the window after the reset, of which the probe has taken one.
fn unsure() -> AllowanceState {
    let mut state = taught_once();
    let probe = admitted(&mut state, at(0));
    assert!(state.confirm(probe), "more may go than before");
    state
}

/// Meets the same limit in a second window, which makes the capacity sure.
fn taught() -> AllowanceState {
    let mut state = unsure();
    for _ in 0..2 {
        let allowance_permit = admitted(&mut state, at(0));
        state.confirm(allowance_permit);
    }
    let refused = admitted(&mut state, at(1));
    state.refuse(refused, Some(at(60)), at(60), at(1));
    state
}

/// Returns the taught state in the window after the reset; the probe has taken the first of three
/// requests.
fn second_window() -> AllowanceState {
    let mut state = taught();
    let probe = admitted(&mut state, at(60));
    assert!(state.confirm(probe), "more may go than before");
    state
}

fn learned(until: Millis, over_capacity: bool) -> Option<Deny> {
    Some(Deny::Predicted { until, over_capacity })
}

#[test]
fn until_a_limit_is_met_everybody_may_go() {
    let mut state = AllowanceState::default();
    for _ in 0..10_000 {
        let allowance_permit = admitted(&mut state, at(0));
        assert!(!state.confirm(allowance_permit));
    }
    assert_eq!((state.denial(at(0)), state.experience().capacity), (None, None));
}

#[test]
fn what_went_well_before_a_limit_is_all_that_the_next_window_lets_in() {
    let mut state = second_window();
    assert_eq!(state.experience().capacity, Some(3));
    let _ = [admitted(&mut state, at(61)), admitted(&mut state, at(62))];
    assert!(matches!(state.denial(at(63)), Some(Deny::Predicted { until, .. }) if until == at(120)));
    assert!(state.denial(at(120)).is_none(), "the next reset is predicted");
}

#[test]
fn a_capacity_that_one_limit_has_taught_grows_by_1_2_4_and_all() {
    let mut state = unsure();
    for _ in 0..2 {
        let allowance_permit = admitted(&mut state, at(1));
        state.confirm(allowance_permit);
    }
    for allowed in [1, 2, 4, 8] {
        let allowance_permits: Vec<_> = (0..allowed).map(|_| admitted(&mut state, at(2))).collect();
        assert_eq!(state.denial(at(2)), Some(Deny::Probing), "{allowed} have no answer yet");
        let freed =
            allowance_permits.into_iter().filter(|allowance_permit| state.confirm(*allowance_permit)).count();
        assert!(freed > 0, "{allowed} were answered");
    }
}

/// Lets so many in after the probe of a window, and meets a limit until another instant.
fn use_up(state: &mut AllowanceState, well: u32, begin: u64, until: u64) {
    let probe = admitted(state, at(begin));
    state.confirm(probe);
    for _ in 1..well {
        let allowance_permit = admitted(state, at(begin + 1));
        state.confirm(allowance_permit);
    }
    let refused = admitted(state, at(begin + 2));
    state.refuse(refused, Some(at(until)), at(until), at(begin + 2));
}

#[test]
fn a_capacity_that_is_much_less_than_it_was_is_no_bound_until_it_is_met_again() {
    let mut state = taught_once();
    use_up(&mut state, 20, 0, 60);
    use_up(&mut state, 5, 60, 120);
    let probe = admitted(&mut state, at(120));
    state.confirm(probe);
    for _ in 1..19 {
        let allowance_permit = admitted(&mut state, at(121));
        state.confirm(allowance_permit);
    }
    assert_eq!(state.experience().capacity, Some(5), "others may have used the rest");
    let refused = admitted(&mut state, at(122));
    state.refuse(refused, Some(at(180)), at(180), at(122));
    let probe = admitted(&mut state, at(180));
    state.confirm(probe);
    assert_eq!(state.experience().capacity, Some(19));
}

#[test]
fn an_account_that_was_closed_from_outside_teaches_no_capacity() {
    let mut state = AllowanceState::default();
    let refused = admitted(&mut state, at(0));
    state.refuse(refused, Some(at(12)), at(12), at(0));
    let probe = admitted(&mut state, at(12));
    state.confirm(probe);
    assert_eq!(state.experience().capacity, None);
    for _ in 0..20 {
        let allowance_permit = admitted(&mut state, at(13));
        state.confirm(allowance_permit);
    }
}

#[test]
fn an_over_capacity_probe_that_goes_well_makes_the_capacity_unsure() {
    let mut state = second_window();
    for _ in 0..2 {
        let allowance_permit = admitted(&mut state, at(61));
        state.confirm(allowance_permit);
    }
    let exceeding = state.admit(true, at(62)).expect("an over-capacity probe");
    state.confirm(exceeding);
    let next = state.admit(false, at(63)).expect("nobody has to exceed it");
    state.confirm(next);
    let more = [(); 2].map(|()| state.admit(false, at(63)));
    assert!(more.iter().all(Result::is_ok), "two, after one went well: {more:?}");
}

#[test]
fn those_that_are_not_answered_yet_are_counted() {
    let mut state = second_window();
    let _ = [admitted(&mut state, at(61)), admitted(&mut state, at(61))];
    assert!(state.admit(false, at(61)).is_err());
}

#[test]
fn one_probe_goes_after_a_reset_until_it_is_answered_or_very_late() {
    let mut state = taught();
    let probe = admitted(&mut state, at(60));
    assert!(probe.is_probe());
    assert_eq!(state.denial(at(61)), Some(Deny::Probing));
    assert!(state.admit(false, at(64)).is_ok_and(AllowancePermit::is_probe), "a good head may be late");
    assert!(state.confirm(probe));
    assert_eq!(state.experience().used, 2, "both probes are of the window that has begun");
}

#[test]
fn a_probe_that_is_refused_leaves_the_window_shut() {
    let mut state = taught();
    let probe = admitted(&mut state, at(60));
    state.refuse(probe, Some(at(70)), at(70), at(61));
    assert_eq!(state.denial(at(69)), learned(at(70), false));
    let probe = admitted(&mut state, at(70));
    state.confirm(probe);
    assert_eq!(state.experience().capacity, Some(3));
}

#[test]
fn a_probe_that_was_cancelled_gives_its_place_to_the_next() {
    let mut state = taught();
    let probe = admitted(&mut state, at(60));
    state.abandon(probe);
    assert!(state.admit(false, at(60)).is_ok_and(AllowancePermit::is_probe));
}

#[test]
fn one_more_than_the_capacity_goes_where_there_is_no_other_way_and_one_at_a_time() {
    let mut state = second_window();
    let _ = [admitted(&mut state, at(61)), admitted(&mut state, at(61))];
    assert_eq!(state.denial(at(62)), learned(at(120), true));
    let exceeding = state.admit(true, at(62)).expect("an over-capacity probe");
    assert!(state.admit(true, at(62)).is_err());
    assert!(state.confirm(exceeding));
    assert_eq!(state.experience().capacity, Some(4));
    assert!(state.admit(true, at(63)).is_ok(), "there may be more");
}

#[test]
fn a_refused_over_capacity_probe_makes_the_next_one_rarer() {
    let mut state = second_window();
    let mut pauses = Vec::new();
    let mut pause = 0;
    for window in 1..20 {
        let now = at(60 * window);
        while state.denial(now).is_none() {
            let allowance_permit = admitted(&mut state, now);
            state.confirm(allowance_permit);
        }
        match state.admit(true, now) {
            Ok(exceeding) => {
                state.refuse(exceeding, Some(at(60 * window + 60)), now, now);
                pauses.push(std::mem::take(&mut pause));
            }
            Err(_) => pause += 1,
        }
    }
    assert_eq!(pauses, [0, 1, 3, 7]);
}

#[test]
fn news_of_an_earlier_window_says_nothing_on_this_one() {
    let mut state = AllowanceState::default();
    let allowance_permits = [(); 5].map(|()| admitted(&mut state, at(0)));
    state.refuse(allowance_permits[4], Some(at(60)), at(60), at(1));
    let probe = admitted(&mut state, at(60));
    state.confirm(probe);
    let before = state;
    assert!(!state.confirm(allowance_permits[0]));
    state.abandon(allowance_permits[1]);
    state.forgive(allowance_permits[2]);
    assert_eq!(state, before);
    assert_eq!(state.refuse(allowance_permits[3], None, at(90), at(61)), None);
    assert_eq!(state.denial(at(61)), None);
}

#[test]
fn what_the_upstream_has_not_counted_is_taken_back_and_a_cancelled_request_is_not() {
    let mut state = second_window();
    let [one, other] = [admitted(&mut state, at(61)), admitted(&mut state, at(61))];
    state.abandon(one);
    assert!(state.denial(at(62)).is_some());
    state.forgive(other);
    assert!(state.denial(at(62)).is_none());
}

/// Meets a limit of three requests without a reported end.
fn guessing() -> AllowanceState {
    let mut state = AllowanceState::default();
    let allowance_permits = [(); 4].map(|()| admitted(&mut state, at(0)));
    allowance_permits[..3].iter().for_each(|allowance_permit| assert!(!state.confirm(*allowance_permit)));
    assert_eq!(state.refuse(allowance_permits[3], None, at(600), at(5)), Some(at(60)));
    state
}

#[test]
fn an_early_probe_that_is_let_in_begins_another_window() {
    let mut state = guessing();
    assert!(!state.foresees());
    let early = state.probe_early(Early::LastResort, at(20)).expect("the end is a guess");
    assert!(state.confirm(early), "more may go than before");
    let Experience { capacity, used, span, .. } = state.experience();
    assert_eq!((capacity, used, span), (Some(3), 1, None));
    assert!(state.probe_early(Early::LastResort, at(21)).is_none(), "it is open");
}

#[test]
fn an_early_probe_that_is_refused_or_cancelled_leaves_the_guess() {
    let mut state = guessing();
    for give_up in [AllowanceState::abandon, AllowanceState::forgive] {
        let early = state.probe_early(Early::LastResort, at(20)).expect("the end is a guess");
        give_up(&mut state, early);
    }
    let early = state.probe_early(Early::LastResort, at(20)).expect("the end is a guess");
    assert_eq!(state.refuse(early, None, at(620), at(21)), None);
    assert_eq!((state.denial(at(59)), state.denial(at(60))), (learned(at(60), false), None));
    let early = state.probe_early(Early::LastResort, at(30)).expect("the end is a guess");
    assert_eq!(state.refuse(early, Some(at(40)), at(40), at(31)), Some(at(40)), "it was told");
    assert_eq!((state.denial(at(39)), state.denial(at(40))), (learned(at(40), false), None));
}

#[test]
fn what_experience_predicts_is_not_probed_early() {
    assert!(taught().probe_early(Early::LastResort, at(30)).is_none());
    assert!(second_window().probe_early(Early::LastResort, at(61)).is_none(), "nor what is open");
}

#[test]
fn without_a_word_on_the_end_usual_lengths_are_tried_first() {
    let mut state = AllowanceState::default();
    let allowance_permit = admitted(&mut state, at(0));
    assert_eq!(state.refuse(allowance_permit, None, at(300), at(5)), Some(at(60)));
    let probe = admitted(&mut state, at(60));
    assert_eq!(state.refuse(probe, None, at(90), at(61)), Some(at(90)), "a guess that is sooner");
}

#[test]
fn after_a_limit_no_more_go_at_once_than_have_gone_well_until_the_capacity_is_sure() {
    let mut state = AllowanceState::default();
    let allowance_permits = [(); 9].map(|()| admitted(&mut state, at(0)));
    state.refuse(allowance_permits[8], None, at(30), at(1));
    let probe = admitted(&mut state, at(30));
    state.confirm(probe);
    let first = [(); 4].map(|()| admitted(&mut state, at(31)));
    assert_eq!(state.denial(at(31)), Some(Deny::Probing), "four have no answer yet");
    assert!(state.confirm(first[0]), "an answer lets the next one go");
    assert_eq!(state.denial(at(31)), None);
    let _ = admitted(&mut state, at(32));
    assert!(state.denial(at(32)).is_some() && state.denial(at(36)).is_none(), "answers may be very late");
}

#[test]
fn a_window_of_the_wall_is_told_from_one_that_its_first_request_begins() {
    let mut state = AllowanceState::default();
    // The first requests come later and later in their minute; its end is told each time.
    for (minute, first) in [(0, 10), (1, 25), (2, 40)] {
        let begin = 60 * minute + first;
        let allowance_permit = admitted(&mut state, at(begin));
        state.confirm(allowance_permit);
        for _ in 0..2 {
            let allowance_permit = admitted(&mut state, at(begin + 1));
            state.confirm(allowance_permit);
        }
        if let Ok(limited) = state.admit(true, at(begin + 2)) {
            let _ = state.refuse(limited, Some(at(60 * minute + 60)), at(999), at(begin + 2));
        }
    }
    let probe = admitted(&mut state, at(200));
    state.confirm(probe);
    let _ = [admitted(&mut state, at(201)), admitted(&mut state, at(201))];
    assert_eq!(
        state.denial(at(202)).map(|deny| matches!(deny, Deny::Predicted { until, .. } if until == at(240))),
        Some(true)
    );
}
