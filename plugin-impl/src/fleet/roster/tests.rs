use std::time::Duration;

use pointsman_core::admission::cap::ModelPattern;
use pointsman_core::admission::cell::{Confirmed, Limit};
use pointsman_core::admission::probe::{Early, Probe};
use pointsman_core::formats::operation::Operation;
use pointsman_core::planning::plan::plan;
use pointsman_core::planning::settings::Settings;
use pointsman_core::planning::strategy::Strategy;
use pointsman_core::request::route::Choice;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{LimitKind, Outcome};

use crate::fleet::testing::provider;
use crate::fleet::{Fleet, Identity, Settlement};

use super::*;

const NOW: Millis = Millis(1_000);
const MANY: u32 = 1_000;

fn roster(count: u32) -> Roster {
    let (fleet, provider) = (Fleet::default(), provider());
    let member = |number: u32| {
        let account =
            fleet.enlist(&AccountId::new(&format!("acme:{number}")), Identity(number.into()), &provider);
        let protections = Box::default();
        Member {
            account,
            weight: 1,
            priority: 50,
            models: AllowedModels::default(),
            enabled: true,
            max_in_flight: None,
            concurrency: None,
            protections,
        }
    };
    let endpoints = vec![vec![fleet.endpoint(&provider.pools[0].endpoints[0])]];
    Roster::new(&provider, (0..count).map(member).collect(), endpoints)
}

fn limit(roster: &Roster, places: impl IntoIterator<Item = u32>) {
    let until = NOW.after(Duration::from_secs(60));
    for place in places {
        roster.members[place as usize].account.recall(0, None, Limit::Reported { until }, NOW);
    }
}

fn route(account: Option<&str>) -> Route {
    Route {
        provider: Arc::new(provider()),
        family: "acme".into(),
        model: "m".into(),
        choice: Choice::Preferred([0].into_iter().collect()),
        account: account.map(AccountId::new),
    }
}

/// Returns the places that a plan sees, and how many of them are open.
fn seen(roster: &Roster, context: &Context, account: Option<&str>) -> (Vec<u32>, usize) {
    let snapshot = roster.snapshot(&route(account), &ModelId::new("m"), context, NOW);
    let places = snapshot.accounts.iter().map(|account| account.index).collect();
    (places, snapshot.accounts.iter().filter(|account| account.is_open()).count())
}

#[test]
fn a_small_fleet_is_seen_whole_and_of_a_large_one_a_few() {
    assert_eq!(seen(&roster(64), &Context::default(), None).0.len(), 64);
    let context =
        Context { turn: 500, accounts: MANY, sticky: Some(77), parent: Some(88), ..Context::default() };
    let (places, open) = seen(&roster(MANY), &context, None);
    assert!(places.len() <= 11 && places.len() == open, "{places:?}");
    assert!([77, 88, 500].iter().all(|place| places.contains(place)), "{places:?}");
}

#[test]
fn whoever_is_open_is_found_however_few_they_are() {
    for last in [3, 400, 999] {
        let roster = roster(MANY);
        limit(&roster, (0..MANY).filter(|place| *place != last));
        for turn in 0..20 {
            let (places, open) = seen(&roster, &Context { turn, accounts: MANY, ..Context::default() }, None);
            assert_eq!(open, 1, "only {last} is open, in turn {turn}");
            assert!(turn == 0 || places.len() <= 11, "it is remembered where somebody was open: {places:?}");
        }
    }
}

#[test]
fn a_plan_that_is_refused_has_seen_everybody() {
    let roster = roster(MANY);
    limit(&roster, 0..MANY);
    let (places, open) = seen(&roster, &Context::default(), None);
    assert_eq!((places, open), ((0..MANY).collect(), 0));
}

/// The account that callers use with their own credentials is seen by whoever has one, however large the fleet is.
#[test]
fn an_account_of_callers_is_seen_by_its_caller_and_by_nobody_else() {
    for (count, place) in [(3, 1), (MANY, 500)] {
        let roster = roster(count);
        let callers = Arc::new(Callers::new(roster.members[place as usize].account.clone()));
        let roster = roster.with_callers(place, callers);
        let own = roster.own(&"alice", NOW).expect("callers have a place");
        let sees = |own: Option<&Own>, turn| {
            let context =
                Context { turn, accounts: count, own: own.map(|own| own.place), ..Context::default() };
            let snapshot = roster.snapshot_for(own, &route(None), &ModelId::new("m"), &context, NOW);
            snapshot.accounts.iter().any(|account| account.index == place)
        };
        assert!((0..10).all(|turn| sees(Some(&own), turn)));
        assert!((495..505).all(|turn| !sees(None, turn)));
        let candidate = Candidate { account: place, ..Candidate::default() };
        assert_eq!(admitted(&roster, &candidate, NOW).err(), Some(Deny::Full));
        limit(&roster, (0..count).filter(|other| *other != place));
        let (places, open) = seen(&roster, &Context { accounts: count, ..Context::default() }, None);
        assert_eq!((places.len(), open), (count as usize - 1, 0));
    }
}

#[test]
fn a_pinned_account_is_seen_alone() {
    assert_eq!(seen(&roster(MANY), &Context::default(), Some("acme:750")), (vec![750], 1));
    assert_eq!(seen(&roster(MANY), &Context::default(), Some("acme:none")), (vec![], 0));
}

fn later(millis: u64) -> Millis {
    Millis(NOW.0 + millis)
}

fn admitted(roster: &Roster, candidate: &Candidate, now: Millis) -> Result<Lease, Deny> {
    roster.admit(candidate, &ModelId::new("m"), Operation::Generating, Jitter::default(), now)
}

/// Lets an account meet a 429 without a hint, from which a guess of a minute follows.
fn meet_a_guess(roster: &Roster, account: u32) {
    let lease = admitted(roster, &Candidate { account, ..Candidate::default() }, NOW).expect("it is open");
    let limited = Evidence::of(Outcome::Limited(LimitKind::Quota));
    lease.settle(&limited, NOW);
}

/// Plans as somebody who has nobody else to turn to.
fn planned(roster: &Roster, now: Millis) -> Result<Vec<Candidate>, Option<Millis>> {
    let route = Route {
        provider: Arc::new(provider()),
        family: "acme".into(),
        model: "m".into(),
        choice: Choice::Preferred([0].into_iter().collect()),
        account: None,
    };
    let accounts = roster.members.len() as u32;
    let context = Context { accounts, at_last: true, ..Context::default() };
    let settings = Settings { strategy: Strategy::RoundRobin, ..Settings::default() };
    let snapshot = roster.snapshot(&route, &ModelId::new("m"), &context, now);
    let plan = plan(&snapshot, &settings, &context).map_err(|refusal| refusal.last_resort)?;
    Ok(plan.candidates.into_vec())
}

fn places(candidates: &[Candidate]) -> Vec<(u32, Option<Probe>)> {
    candidates.iter().map(|candidate| (candidate.account, candidate.probe)).collect()
}

#[test]
fn guesses_are_tried_at_last_one_at_a_time_and_apart() {
    let roster = roster(2);
    (0..2).for_each(|account| meet_a_guess(&roster, account));
    assert_eq!(planned(&roster, later(3_749)), Err(Some(later(3_750))), "a sixteenth of the guess");
    let due = planned(&roster, later(3_750)).expect("it is time");
    let tried = |account| (account, Some(Probe::Early(Early::LastResort)));
    assert_eq!(places(&due), [tried(0), tried(1)]);
    let refused = admitted(&roster, &due[0], later(3_750)).expect("nobody probes early");
    assert!(refused.is_early_probe() && refused.is_probe());
    let apart = Deny::Limited { until: later(4_000), known: false };
    assert_eq!(admitted(&roster, &due[1], later(3_750)).map(|_| ()), Err(apart));
    assert_eq!(planned(&roster, later(3_800)), Err(Some(later(4_000))), "the other one is tried next");
    assert_eq!(planned(&roster, later(4_000)).map(|due| places(&due)), Ok(vec![tried(1)]));
    let limited = Evidence::of(Outcome::Limited(LimitKind::Quota));
    assert_eq!(refused.settle(&limited, later(3_900)), Settlement::Folded);
    let mut lets_in = admitted(&roster, &due[1], later(4_000)).expect("nobody probes early");
    assert_eq!(planned(&roster, later(4_100)), Err(Some(later(18_750))), "the pause grows");
    assert_eq!(lets_in.confirm(later(4_200)), Confirmed::Over);
    assert_eq!(
        planned(&roster, later(4_200)).map(|open| places(&open)),
        Ok(vec![(1, None)]),
        "one was let in; there may be more"
    );
}

#[test]
fn what_an_upstream_told_is_never_tried_early() {
    let roster = roster(1);
    limit(&roster, [0]);
    assert_eq!(planned(&roster, later(30_000)), Err(None));
    let early = Candidate { probe: Some(Probe::Early(Early::LastResort)), ..Candidate::default() };
    let told = Deny::Limited { until: planned_end(&roster), known: true };
    assert_eq!(admitted(&roster, &early, later(30_000)).map(|_| ()), Err(told));
}

#[test]
fn a_told_limit_is_tried_again_each_recheck_and_never_before() {
    let (minute, limited) = (60_000, Evidence::of(Outcome::Limited(LimitKind::Quota)));
    for (told, rechecked) in [(59, false), (120, true)] {
        let roster = roster(1).with_early_probes(Arc::default(), Duration::from_secs(600));
        let until = later(told * minute);
        roster.members[0].account.recall(0, None, Limit::Reported { until }, NOW);
        assert!(planned(&roster, later(10 * minute - 16)).is_err(), "never before");
        let Ok(due) = planned(&roster, later(10 * minute)) else {
            assert!(!rechecked, "{told} minutes");
            continue;
        };
        assert!(rechecked && due[0].probe == Some(Probe::Early(Early::Recheck)), "{told} minutes");
        let check = admitted(&roster, &due[0], later(10 * minute)).expect("nobody checks");
        assert_eq!(check.settle(&limited, later(10 * minute + 100)), Settlement::Folded);
        assert!(planned(&roster, later(20 * minute - 16)).is_err(), "one each recheck");
        let due = planned(&roster, later(20 * minute)).expect("it is due again");
        let mut check = admitted(&roster, &due[0], later(20 * minute)).expect("nobody checks");
        assert_eq!(check.confirm(later(20 * minute + 100)), Confirmed::Over);
    }
}

fn planned_end(roster: &Roster) -> Millis {
    roster.members[0].account.pool(0).quota.until
}

/// Lets in whoever goes first after a guess.
fn let_one_in(roster: &Roster, now: Millis) {
    let after = &planned(roster, now).expect("the guess is over")[0];
    let over = admitted(roster, after, now).map(|mut lease| lease.confirm(Millis(now.0 + 50)));
    assert_eq!(over, Ok(Confirmed::Over));
}

#[test]
fn what_experience_predicts_is_never_tried_early() {
    let roster = roster(1);
    meet_a_guess(&roster, 0);
    let limited = Evidence::of(Outcome::Limited(LimitKind::Quota));
    let mut reset = later(60_016);
    // One window may have been used by others; the second makes its capacity sure.
    for _ in 0..2 {
        let_one_in(&roster, reset);
        let after = Millis(reset.0 + 200);
        let next = &planned(&roster, after).expect("it is open")[0];
        admitted(&roster, next, after).expect("it is open").settle(&limited, Millis(after.0 + 100));
        reset = planned_end(&roster);
    }
    let_one_in(&roster, reset);
    let soon = Millis(reset.0 + 1_000);
    assert_eq!(planned(&roster, soon), Err(None), "one in a minute: that was seen twice");
    let early = Candidate { probe: Some(Probe::Early(Early::LastResort)), ..Candidate::default() };
    assert!(admitted(&roster, &early, soon).is_err());
}

#[test]
fn a_long_guess_is_checked_again_by_one_request_while_others_are_open() {
    let roster = roster(2).with_early_probes(Arc::default(), Duration::from_secs(10));
    meet_a_guess(&roster, 0);
    let open = |now| planned(&roster, now).map(|open| places(&open));
    assert_eq!(open(later(9_999)), Ok(vec![(1, None)]));
    let due = planned(&roster, later(10_000)).expect("one is open");
    assert_eq!(places(&due), [(0, Some(Probe::Early(Early::Recheck))), (1, None)]);
    let check = admitted(&roster, &due[0], later(10_000)).expect("nobody checks");
    assert!(check.is_early_probe());
    assert_eq!(admitted(&roster, &due[0], later(10_300)).map(|_| ()), Err(Deny::Probing));
    assert_eq!(open(later(10_300)), Ok(vec![(1, None)]));
    drop(check);
    assert_eq!(open(later(19_999)), Ok(vec![(1, None)]), "even where it came to nothing");
    assert_eq!(open(later(20_000)).map(|due| due.len()), Ok(2));
}

#[test]
fn an_account_is_closed_for_a_model_that_it_is_not_used_for() {
    let mut roster = roster(2);
    roster.members[1].models =
        AllowedModels { never: vec![ModelPattern::new("m*")], ..AllowedModels::default() };
    let snapshot = roster.snapshot(&route(None), &ModelId::new("m"), &Context::default(), NOW);
    let closed = |at: usize| snapshot.accounts[at].ways[0].closed.map(|closed| (closed.until, closed.why));
    assert_eq!((closed(0), closed(1)), (None, Some((None, Why::Excluded))));
    let refusal = plan(
        &Snapshot { accounts: [snapshot.accounts[1].clone()].into_iter().collect(), ..snapshot },
        &Settings::default(),
        &Context::default(),
    )
    .expect_err("nobody may");
    assert_eq!((refusal.until, refusal.counts.excluded, refusal.counts.total()), (None, 1, 1));
}

#[test]
fn tiers_are_seen_whole_however_large_the_fleet_is() {
    let of = |roster: &Roster| seen(roster, &Context { accounts: MANY, ..Context::default() }, None).0.len();
    assert!(of(&roster(MANY)) < 20);
    let first = roster(1).members.remove(0);
    let members =
        (0..MANY).map(|at| Member { priority: 50 - u8::from(at == 400), ..first.clone() }).collect();
    let plain = roster(1);
    assert_eq!(of(&Roster::new(&provider(), members, plain.endpoints)), MANY as usize);
}
