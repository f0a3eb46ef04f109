use std::time::Duration;

use pointsman_core::catalog::{Endpoint, Family, MAX_IN_FLIGHT, Pool, Scope};
use pointsman_core::cell::Limit;
use pointsman_core::format::{Envelope, WireFormat};
use pointsman_core::ids::{PoolId, ProviderId};
use pointsman_core::route::Choice;

use crate::fleet::{Fleet, Identity};

use super::*;

const NOW: Millis = Millis(1_000);
const MANY: u32 = 1_000;

fn provider() -> Provider {
    let pool = Pool {
        name: PoolId::new("default"),
        title: "Default".into(),
        endpoints: vec![Endpoint("http://upstream.example".into())],
        envelope: Envelope::None,
        models: [].into(),
        scope: Scope::Pool,
        max_in_flight: MAX_IN_FLIGHT,
    };
    Provider {
        id: ProviderId::new("acme"),
        format: WireFormat::OpenAi,
        families: vec![Family { name: "acme".into(), patterns: vec![], pools: vec![0] }],
        pools: vec![pool],
    }
}

fn roster(count: u32) -> Roster {
    let (fleet, provider) = (Fleet::default(), provider());
    let member = |number: u32| {
        let account =
            fleet.enlist(&AccountId::new(&format!("acme:{number}")), Identity(number.into()), &provider);
        let protections = Box::default();
        Member { account, weight: 1, enabled: true, max_in_flight: None, concurrency: None, protections }
    };
    let endpoints = vec![vec![fleet.endpoint(&provider.pools[0].endpoints[0])]];
    Roster::new(&provider, (0..count).map(member).collect(), endpoints)
}

fn limit(roster: &Roster, places: impl IntoIterator<Item = u32>) {
    let until = NOW.after(Duration::from_secs(60));
    for place in places {
        roster.members[place as usize].account.learn(0, Limit::Known { until }, NOW);
    }
}

/// Returns the places that a plan sees, and how many of them are open.
fn seen(roster: &Roster, context: &Context, account: Option<&str>) -> (Vec<u32>, usize) {
    let route = Route {
        provider: Arc::new(provider()),
        family: "acme".into(),
        model: "m".into(),
        choice: Choice::Preferred([0].into_iter().collect()),
        account: account.map(AccountId::new),
    };
    let snapshot = roster.snapshot(&route, &ModelId::new("m"), context, NOW);
    let places = snapshot.accounts.iter().map(|account| account.index).collect();
    (places, snapshot.accounts.iter().filter(|account| account.is_open()).count())
}

#[test]
fn a_small_fleet_is_seen_whole_and_of_a_large_one_a_few() {
    assert_eq!(seen(&roster(64), &Context::default(), None).0.len(), 64);
    let context = Context { turn: 500, accounts: MANY, home: Some(77), parent: Some(88) };
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

#[test]
fn a_pinned_account_is_seen_alone() {
    assert_eq!(seen(&roster(MANY), &Context::default(), Some("acme:750")), (vec![750], 1));
    assert_eq!(seen(&roster(MANY), &Context::default(), Some("acme:none")), (vec![], 0));
}
