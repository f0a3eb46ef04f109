use super::*;
use crate::admission::blame::Reason;
use crate::admission::probe::Early;
use crate::planning::settings::FallbackOrder;
use crate::planning::snapshot::{AccountView, Closed, WayView, Why};
use crate::planning::strategy::Strategy;
use crate::time::Millis;

const NOW: Millis = Millis(1_000);
const AT_LAST: Probe = Probe::Early(Early::LastResort);

fn closed(until: Option<u64>, why: Why) -> Option<Closed> {
    Some(Closed { until: until.map(Millis), why })
}

/// Accounts of two pools each.
fn snapshot(accounts: &[[Option<Closed>; 2]]) -> Snapshot {
    let view = |(index, ways): (usize, &[Option<Closed>; 2])| AccountView {
        index: index as u32,
        weight: 1,
        priority: 50,
        in_flight: 0,
        agents: 0,
        attracts: false,
        ways: (0..)
            .zip(ways)
            .map(|(pool, closed)| WayView { pool, closed: *closed, ..WayView::default() })
            .collect(),
    };
    Snapshot { now: NOW, accounts: accounts.iter().enumerate().map(view).collect() }
}

fn planned(accounts: &[[Option<Closed>; 2]], order: FallbackOrder) -> Result<Vec<(u32, u16)>, Refusal> {
    let context = Context { accounts: accounts.len() as u32, ..Context::default() };
    let settings = Settings { strategy: Strategy::RoundRobin, fallback_order: order, ..Settings::default() };
    let plan = plan(&snapshot(accounts), &settings, &context)?;
    Ok(plan.candidates.iter().map(|candidate| (candidate.account, candidate.pool)).collect())
}

#[test]
fn the_account_that_began_a_turn_goes_first_whatever_the_strategy_is() {
    for strategy in Strategy::ALL {
        let context = Context { accounts: 3, sticky: Some(2), firm: true, ..Context::default() };
        let accounts = [0, 1, 2].map(|index| testing::account(index, 40 * (index / 2)));
        let order = testing::order_of(strategy, &context, accounts);
        assert_eq!((order[0], order.len()), (2, 3), "{strategy}");
    }
}

#[test]
fn what_experience_closes_is_tried_only_where_nothing_is_open() {
    let context = Context { accounts: 2, ..Context::default() };
    let limited = closed(Some(90_000), Why::Limited);
    let plan_of = |ways: [Option<Closed>; 2]| {
        let mut snapshot = snapshot(&[ways]);
        snapshot.accounts[0].ways[0].over_capacity = true;
        let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
        let plan = plan(&snapshot, &settings, &context);
        plan.map(|plan| plan.candidates.iter().map(|way| (way.pool, way.probe)).collect::<Vec<_>>())
    };
    assert_eq!(plan_of([limited, None]), Ok(vec![(1, None)]));
    assert_eq!(plan_of([limited, limited]), Ok(vec![(0, Some(Probe::OverCapacity))]));
}

/// Plans at the deadline over accounts of one way each: the end of the closure, its reason, and the
/// earliest probe of a guess.
fn at_last(ways: &[(u64, Why, Option<u64>)]) -> Result<Vec<(u32, Option<Probe>)>, Option<u64>> {
    let mut snapshot = snapshot(&vec![[None, None]; ways.len()]);
    for (account, (until, why, guess)) in snapshot.accounts.iter_mut().zip(ways) {
        account.ways.truncate(1);
        account.ways[0].closed = closed((*until > 0).then_some(*until), *why);
        account.ways[0].guess = guess.map(Millis);
    }
    let context = Context { accounts: ways.len() as u32, at_last: true, ..Context::default() };
    let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
    let plan = plan(&snapshot, &settings, &context).map_err(|refusal| refusal.last_resort.map(|at| at.0))?;
    Ok(plan.candidates.iter().map(|candidate| (candidate.account, candidate.probe)).collect())
}

#[test]
fn where_all_is_guessed_what_is_due_is_tried_at_last() {
    let tried = |account| (account, Some(AT_LAST));
    let (limited, sign_in) = (Why::Limited, Why::NeedsSignIn);
    let due = at_last(&[
        (90_000, limited, Some(900)),
        (60_000, limited, Some(7_000)),
        (0, sign_in, None),
        (50_000, limited, Some(1_000)),
    ]);
    assert_eq!(due, Ok(vec![tried(0), tried(3)]));
    assert_eq!(at_last(&[(90_000, limited, Some(7_000)), (60_000, limited, Some(5_000))]), Err(Some(5_000)));
    assert_eq!(at_last(&[(90_000, limited, Some(90_001))]), Err(None), "it ends before");
}

#[test]
fn nothing_is_tried_early_where_something_certain_comes_first() {
    let (guess, certain) = ((90_000, Why::Limited, Some(900)), |until, why| (until, why, None));
    assert_eq!(at_last(&[guess, certain(80_000, Why::Limited)]), Err(None), "a told end");
    assert_eq!(at_last(&[guess, certain(2_000, Why::Cooling(Reason::Server))]), Err(None));
    assert_eq!(at_last(&[guess, certain(0, Why::Busy)]), Err(None));
    assert_eq!(at_last(&[guess, certain(0, Why::Probing)]), Err(None));
    let tried = Ok(vec![(0, Some(AT_LAST))]);
    assert_eq!(at_last(&[guess, certain(500_000, Why::Limited)]), tried, "days are not waited for");
    assert_eq!(at_last(&[guess, certain(0, Why::Disabled)]), tried);
}

#[test]
fn a_guess_whose_check_is_due_is_planned_like_an_open_way_and_others_are_not_tried() {
    let limited = closed(Some(90_000), Why::Limited);
    let mut snapshot = snapshot(&[[None, limited], [limited, limited]]);
    snapshot.accounts[1].ways[0].recheck = true;
    snapshot.accounts[1].ways[1].guess = Some(Millis(900));
    let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
    let context = Context { turn: 1, accounts: 2, at_last: true, ..Context::default() };
    let plan = plan(&snapshot, &settings, &context).expect("two ways");
    let ways: Vec<_> = plan.candidates.iter().map(|way| (way.account, way.pool, way.probe)).collect();
    assert_eq!(ways, [(1, 0, Some(Probe::Early(Early::Recheck))), (0, 0, None)]);
}

#[test]
fn who_can_turn_to_another_provider_tries_no_guess() {
    let mut snapshot = snapshot(&[[closed(Some(90_000), Why::Limited), None]]);
    snapshot.accounts[0].ways.truncate(1);
    snapshot.accounts[0].ways[0].guess = Some(Millis(900));
    let refusal = plan(&snapshot, &Settings::default(), &Context::default()).expect_err("nothing is open");
    assert_eq!((refusal.until, refusal.last_resort), (Some(Millis(90_000)), Some(Millis(900))));
}

#[test]
fn account_first_tries_the_other_pool_of_an_account_before_the_next_account() {
    let order = planned(&[[None, None], [None, None]], FallbackOrder::AccountFirst);
    assert_eq!(order, Ok(vec![(0, 0), (0, 1), (1, 0), (1, 1)]));
}

#[test]
fn pool_first_keeps_to_the_preferred_pool_over_all_accounts() {
    let order = planned(&[[None, None], [None, None]], FallbackOrder::PoolFirst);
    assert_eq!(order, Ok(vec![(0, 0), (1, 0), (0, 1), (1, 1)]));
}

#[test]
fn closed_ways_are_left_out() {
    let limited = closed(Some(9_000), Why::Limited);
    let order = planned(&[[limited, None], [limited, limited]], FallbackOrder::AccountFirst);
    assert_eq!(order, Ok(vec![(0, 1)]));
}

#[test]
fn what_is_to_be_spared_comes_after_everything_else() {
    let mut snapshot = snapshot(&[[None, None], [None, None]]);
    (snapshot.accounts[0].ways[0].deprioritised, snapshot.accounts[1].ways[1].deprioritised) = (true, true);
    for (order, expected) in [
        (FallbackOrder::AccountFirst, [(0, 1), (1, 0), (0, 0), (1, 1)]),
        (FallbackOrder::PoolFirst, [(1, 0), (0, 1), (0, 0), (1, 1)]),
    ] {
        let settings =
            Settings { strategy: Strategy::RoundRobin, fallback_order: order, ..Settings::default() };
        let context = Context { accounts: 2, ..Context::default() };
        let plan = plan(&snapshot, &settings, &context).expect("open ways");
        let ways: Vec<_> = plan.candidates.iter().map(|way| (way.account, way.pool)).collect();
        assert_eq!(ways, expected, "{order:?}");
    }
}

#[test]
fn a_refusal_counts_each_account_once_and_tells_the_earliest_instant() {
    let refusal = planned(
        &[
            [closed(Some(9_000), Why::Limited), closed(Some(5_000), Why::Limited)],
            [closed(Some(7_000), Why::Cooling(Reason::Server)), closed(None, Why::Busy)],
            [closed(None, Why::NeedsSignIn), closed(None, Why::NeedsSignIn)],
            [closed(None, Why::Disabled), closed(None, Why::Disabled)],
        ],
        FallbackOrder::AccountFirst,
    );
    let counts = Counts {
        limited: 1,
        cooling: Cooling::by(Reason::Server, 1),
        needs_sign_in: 1,
        disabled: 1,
        ..Counts::default()
    };
    assert_eq!(refusal, Err(Refusal { until: Some(Millis(5_000)), last_resort: None, counts }));
}

#[test]
fn a_probe_under_way_is_a_hope_without_an_instant() {
    let busy = closed(None, Why::Busy);
    let refusal = planned(&[[busy, busy]], FallbackOrder::AccountFirst).expect_err("closed");
    assert_eq!((refusal.until, refusal.counts.busy), (None, 1));
}
