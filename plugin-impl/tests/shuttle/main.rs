//! Fleet and leases under random schedules, and naive twins that fail.
//!
//! Run with `cargo test -p pointsman-plugin --features shuttle --test shuttle`. Loom covers the cell
//! under all interleavings; here are the maps around it, which loom cannot enumerate.

#![cfg(feature = "shuttle")]

mod news;
#[path = "../../src/fleet/testing.rs"]
mod testing;
mod wait_queue;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pointsman_core::admission::cell::Limit;
use pointsman_core::admission::probe::{Early, Probe};
use pointsman_core::formats::operation::Operation;
use pointsman_core::ids::{AccountId, ModelId, WindowId};
use pointsman_core::planning::affinity::{Rules, Service};
use pointsman_core::quota::reading::Reading;
use pointsman_core::response::evidence::Evidence;
use pointsman_core::response::outcome::{Hint, HintSource, LimitKind, Outcome};
use pointsman_core::time::Millis;
use pointsman_plugin::fleet::affinity::Affinity;
use pointsman_plugin::fleet::caps::Slots;
use pointsman_plugin::fleet::lease::Target;
use pointsman_plugin::fleet::quota::{AdmissionKind, EarlyTerms};
use pointsman_plugin::fleet::{Account, Fleet, Identity, Lease, Settlement};
use shuttle::thread;
use shuttle_dashmap::DashMap;

use self::testing::provider;

const NOW: Millis = Millis(1_000);
const SCHEDULES: usize = 5_000;
const BOUND: u16 = 4;

fn check(body: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random(body, SCHEDULES);
}

fn work() -> AccountId {
    AccountId::new("acme:work")
}

fn target(fleet: &Fleet, account: Arc<Account>) -> Target {
    let endpoint = fleet.endpoint(&provider().pools[0].endpoints[0]);
    Target { account, endpoint, pool: 0, way: 0, model: ModelId::new("m"), operation: Operation::Generating }
}

fn lease(fleet: &Fleet, account: Arc<Account>) -> Option<Lease> {
    Lease::admit(target(fleet, account), Slots::default(), BOUND, AdmissionKind::Usual, NOW).ok()
}

/// Tries an account before its guessed limit ends.
fn probe_early(fleet: &Fleet, account: Arc<Account>, now: Millis) -> Option<Lease> {
    let spacing = fleet.spacing(&provider().id);
    let (apart, recheck) = (Duration::from_millis(250), Duration::ZERO);
    let entry = AdmissionKind::Probe(
        Probe::Early(Early::LastResort),
        EarlyTerms { spacing: &spacing, apart, recheck },
    );
    Lease::admit(target(fleet, account), Slots::default(), BOUND, entry, now).ok()
}

fn limited() -> Evidence {
    let hint = Hint::Until { until: Millis(60_000), source: HintSource::RetryAfter };
    Evidence::of(Outcome::Limited(LimitKind::Quota)).ending(hint)
}

/// A 429 that says nothing, from which a guess of a minute follows.
fn unexplained() -> Evidence {
    Evidence::of(Outcome::Limited(LimitKind::Quota))
}

fn is_limited(account: &Account) -> bool {
    NOW < account.pool(0).quota.until
}

#[test]
fn a_lease_of_a_replaced_account_does_not_touch_the_new_one() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        let old = lease(&fleet, fleet.enlist(&work(), Identity(1), &provider())).expect("a place");
        let relogin = {
            let fleet = fleet.clone();
            thread::spawn(move || fleet.enlist(&work(), Identity(2), &provider()))
        };
        let late = thread::spawn(move || old.settle(&limited(), NOW));
        let new = relogin.join().expect("the account");
        assert!(matches!(late.join().expect("settled"), Settlement::Limited { .. }));
        assert!(!is_limited(&new), "the limit belongs to the old login");
        assert_eq!(new.pool(0).quota.in_flight, 0);
    });
}

#[test]
fn leases_are_conserved_while_the_fleet_changes() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        let account = fleet.enlist(&work(), Identity(1), &provider());
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let (fleet, account) = (fleet.clone(), account.clone());
                thread::spawn(move || {
                    let Some(mut lease) = lease(&fleet, account) else { return };
                    match number {
                        0 => drop(lease.settle(&limited(), NOW)),
                        1 => drop(lease.settle(&Evidence::of(Outcome::ServerError), NOW)),
                        2 => drop(lease.confirm(NOW)),
                        _ => drop(lease),
                    }
                })
            })
            .collect();
        let reader = {
            let fleet = fleet.clone();
            thread::spawn(move || {
                fleet.keep_only(&BTreeSet::new());
                assert!(fleet.account(&work()).is_none());
            })
        };
        workers.into_iter().for_each(|worker| worker.join().expect("a worker"));
        reader.join().expect("the reader");
        assert_eq!(account.pool(0).quota.in_flight, 0);
    });
}

#[test]
fn of_early_probes_at_several_accounts_one_goes_and_no_place_is_lost() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        let ids = ["acme:work", "acme:home"].map(AccountId::new);
        let accounts = ids.map(|id| fleet.enlist(&id, Identity(1), &provider()));
        for account in &accounts {
            lease(&fleet, account.clone()).expect("a place").settle(&unexplained(), NOW);
        }
        let threads = accounts.iter().chain(&accounts).cloned().map(|account| {
            let fleet = fleet.clone();
            thread::spawn(move || probe_early(&fleet, account, Millis(5_000)))
        });
        let threads: Vec<_> = threads.collect();
        let leases: Vec<_> =
            threads.into_iter().filter_map(|thread| thread.join().expect("an answer")).collect();
        let in_flight = || accounts.iter().map(|account| account.pool(0).quota.in_flight).sum::<u16>();
        assert_eq!((leases.len(), in_flight()), (1, 1));
        drop(leases);
        assert_eq!(in_flight(), 0);
        let next = accounts
            .iter()
            .filter(|account| probe_early(&fleet, (*account).clone(), Millis(5_250)).is_some());
        assert_eq!(next.count(), 1, "who lost has not used up the turn of its account");
    });
}

#[test]
fn a_burst_over_many_leases_is_one_trip() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        let account = fleet.enlist(&work(), Identity(1), &provider());
        let leases: Vec<_> = (0..4).filter_map(|_| lease(&fleet, account.clone())).collect();
        let threads: Vec<_> =
            leases.into_iter().map(|lease| thread::spawn(move || lease.settle(&limited(), NOW))).collect();
        let settled: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("settled")).collect();
        let trips = settled.iter().filter(|settled| matches!(settled, Settlement::Limited { .. })).count();
        assert_eq!(trips, 1);
        assert_eq!((account.pool(0).trips, account.pool(0).limited), (1, 4));
    });
}

#[test]
fn an_outage_met_by_many_accounts_strikes_one_and_closes_the_endpoint_once() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        let leases: Vec<_> = (0..3)
            .filter_map(|number| {
                let id = AccountId::new(&format!("acme:{number}"));
                lease(&fleet, fleet.enlist(&id, Identity(number), &provider()))
            })
            .collect();
        let threads: Vec<_> = leases
            .into_iter()
            .map(|lease| thread::spawn(move || lease.settle(&Evidence::of(Outcome::ServerError), NOW)))
            .collect();
        let settled: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("settled")).collect();
        let closed = settled.iter().filter(|settled| matches!(settled, Settlement::Closed { .. })).count();
        assert_eq!(closed, 2, "one way and one endpoint: {settled:?}");
    });
}

#[test]
fn an_account_is_enlisted_once_by_whoever_comes_first() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let fleet = fleet.clone();
                thread::spawn(move || fleet.enlist(&work(), Identity(1), &provider()))
            })
            .collect();
        let accounts: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("an account")).collect();
        assert!(accounts.iter().all(|account| Arc::ptr_eq(account, &accounts[0])));
    });
}

/// Two requests of a session leave its home together; a third was served there before it was limited.
#[test]
fn a_session_that_moves_does_not_flap_back() {
    check(|| {
        let (affinity, rules) = (Arc::new(Affinity::default()), Rules::default());
        affinity.claim(7, 1, &rules, NOW);
        let threads = [2, 3, 1].map(|account| {
            let affinity = affinity.clone();
            thread::spawn(move || {
                affinity.served(7, Service { left: Some(1), account, by_choice: false }, &rules, NOW)
            })
        });
        threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
        let sticky = affinity.sticky(7, &rules, NOW).expect("a home").account;
        assert_ne!(sticky, 1, "it has moved");
    });
}

/// What a map does by itself: the last answer says where the session lives.
#[test]
#[should_panic(expected = "it has moved")]
fn the_naive_twin_that_believes_the_last_answer_flaps_back() {
    check(|| {
        let stickies = Arc::new(DashMap::new());
        stickies.insert(7, 1);
        let threads = [2, 3, 1].map(|account| {
            let stickies = stickies.clone();
            thread::spawn(move || {
                stickies.insert(7, account);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
        assert_ne!(*stickies.get(&7).expect("a home"), 1, "it has moved");
    });
}

/// What the field does: a lease remembers the account's id and settles on whoever has it then.
#[test]
#[should_panic(expected = "the limit belongs to the old login")]
fn the_naive_twin_that_settles_by_id_limits_the_new_login() {
    check(|| {
        let fleet = Arc::new(Fleet::default());
        fleet.enlist(&work(), Identity(1), &provider());
        let relogin = {
            let fleet = fleet.clone();
            thread::spawn(move || fleet.enlist(&work(), Identity(2), &provider()))
        };
        let late = {
            let fleet = fleet.clone();
            thread::spawn(move || {
                let account = fleet.account(&work()).expect("an account");
                account.recall(0, None, Limit::Reported { until: Millis(60_000) }, NOW);
            })
        };
        let new = relogin.join().expect("the account");
        late.join().expect("settled");
        assert!(!is_limited(&new), "the limit belongs to the old login");
    });
}

/// What DashMap's documents warn of: a guard that is held over another call on the map.
#[test]
#[should_panic(expected = "deadlock")]
fn the_naive_twin_that_holds_a_guard_over_an_insert_deadlocks() {
    check(|| {
        let map = Arc::new(DashMap::new());
        map.insert(1, 1);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let map = map.clone();
                thread::spawn(move || {
                    let guard = map.get(&1).expect("an entry");
                    map.insert(2, *guard);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
    });
}

/// A reading of so many thousandths, observed at so many milliseconds.
fn reading(remaining: u16, observed: u64) -> Reading {
    Reading {
        window: WindowId::new("5h"),
        model: None,
        remaining: Some(remaining),
        count: None,
        reset: None,
        observed: Millis(observed),
    }
}

#[test]
fn a_plan_sees_what_was_observed_last() {
    check(|| {
        let fleet = Fleet::default();
        let account = fleet.enlist(&work(), Identity(1), &provider());
        let threads = [(900, 1), (700, 3), (800, 2)].map(|(remaining, observed)| {
            let account = account.clone();
            let told = vec![reading(remaining, observed)];
            thread::spawn(move || account.take_in(0, told, &provider().pools[0], NOW))
        });
        threads.into_iter().for_each(|thread| thread.join().expect("a thread that returns"));
        assert_eq!(account.outlook(0, &ModelId::new("m"), NOW).at(NOW).remaining, Some(700));
    });
}

#[test]
#[should_panic(expected = "a plan sees what is no more")]
fn the_naive_twin_that_stores_after_its_lock_shows_an_old_reading() {
    use shuttle::sync::Mutex;
    use shuttle::sync::atomic::{AtomicU64, Ordering};
    check(|| {
        let (latest, word) = (Arc::new(Mutex::new(0)), Arc::new(AtomicU64::new(0)));
        let threads = [1, 3, 2].map(|observed| {
            let (latest, word) = (latest.clone(), word.clone());
            thread::spawn(move || {
                let seen = {
                    let mut latest = latest.lock().expect("no thread panics");
                    *latest = observed.max(*latest);
                    *latest
                };
                word.store(seen, Ordering::Release);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().expect("a thread that returns"));
        assert_eq!(word.load(Ordering::Acquire), 3, "a plan sees what is no more");
    });
}
