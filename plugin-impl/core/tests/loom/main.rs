//! What threads share, under every interleaving of them, and naive twins that fail.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p pointsman-core --test loom --release`. A twin is what
//! tools of this field do today: separate fields, check and then act. That each twin fails proves that
//! the model can see the race at all.

#![cfg(loom)]

mod early_probes;
mod naive;

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use pointsman_core::admission::allowance::Allowance;
use pointsman_core::admission::backoff::Schedule;
use pointsman_core::admission::budget::{Budget, Terms};
use pointsman_core::admission::cap::InFlight;
use pointsman_core::admission::cell::{Cell, CellPermit, Deny, Limit, Settled, Touch};
use pointsman_core::admission::health_stats::{HealthStats, Rates, Sign};
use pointsman_core::admission::throttle::Throttle;
use pointsman_core::admission::timetable::Timetable;
use pointsman_core::time::Millis;

const NOW: Millis = Millis(1_000_000);
const LIMIT: Limit = Limit::Reported { until: Millis(1_060_000) };
const GUESS: Limit = Limit::Estimated(Schedule::RATE);

fn lease(bound: u16) -> Touch {
    Touch::Lease { bound }
}

/// A cell with as many leases as threads will settle.
fn leased<const N: usize>() -> (Arc<Cell>, [CellPermit; N]) {
    let cell = Arc::new(Cell::default());
    let cell_permits = [(); N].map(|()| cell.admit(lease(100), NOW).expect("an open cell"));
    (cell, cell_permits)
}

/// Runs the closures on threads of their own and returns what they came to.
fn together<T: 'static>(acts: Vec<Box<dyn FnOnce() -> T + Send>>) -> Vec<T>
where
    T: Send,
{
    let threads: Vec<_> = acts.into_iter().map(|act| thread::spawn(act)).collect();
    threads.into_iter().map(|thread| thread.join().expect("a thread that returns")).collect()
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn a_stale_success_never_lifts_a_limit() {
    model(|| {
        let (cell, [limited, good]) = leased();
        let (one, other) = (cell.clone(), cell.clone());
        together::<()>(vec![
            Box::new(move || {
                one.settle_limit(limited, LIMIT, NOW);
            }),
            Box::new(move || {
                let (cell_permit, _) = other.confirm(good);
                other.release(cell_permit);
            }),
        ]);
        assert!(matches!(cell.admit(lease(100), NOW), Err(Deny::Limited { .. })));
        assert_eq!(cell.state().in_flight, 0);
    });
}

#[test]
fn a_burst_is_one_strike() {
    model(|| {
        let (cell, cell_permits) = leased::<3>();
        let settled = together(
            cell_permits
                .map(|cell_permit| {
                    let cell = cell.clone();
                    Box::new(move || cell.settle_limit(cell_permit, GUESS, NOW))
                        as Box<dyn FnOnce() -> Settled + Send>
                })
                .into(),
        );
        let trips = settled.iter().filter(|settled| matches!(settled, Settled::Tripped { .. })).count();
        assert_eq!((trips, cell.state().consecutive_trips), (1, 1));
    });
}

#[test]
fn one_probe_after_a_limit() {
    model(|| {
        let (cell, [limited]) = leased();
        cell.settle_limit(limited, LIMIT, NOW);
        let later = cell.state().until;
        let admitted = together(
            [(); 3]
                .map(|()| {
                    let cell = cell.clone();
                    Box::new(move || cell.admit(lease(100), later).is_ok())
                        as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 1);
    });
}

#[test]
fn the_bound_is_never_exceeded() {
    model(|| {
        let cell = Arc::new(Cell::default());
        let admitted = together(
            [(); 3]
                .map(|()| {
                    let cell = cell.clone();
                    Box::new(move || cell.admit(lease(2), NOW).is_ok()) as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 2);
        assert_eq!(cell.state().in_flight, 2);
    });
}

#[test]
fn a_probe_that_is_cancelled_while_another_limit_arrives_leaves_one_place() {
    model(|| {
        let (cell, [limited, late]) = leased();
        cell.settle_limit(limited, LIMIT, NOW);
        let later = cell.state().until;
        let probe = cell.admit(lease(100), later).expect("the probe");
        let (one, other) = (cell.clone(), cell.clone());
        together::<()>(vec![
            Box::new(move || one.release(probe)),
            Box::new(move || {
                let longer = Limit::Reported { until: Millis(later.0 + 60_000) };
                other.settle_limit(late, longer, later);
            }),
        ]);
        let end = cell.state().until;
        assert!(end > later);
        assert!(cell.admit(lease(100), end).is_ok_and(|cell_permit| cell_permit.is_probe()));
        assert_eq!(cell.admit(lease(100), end), Err(Deny::Probing));
    });
}

/// Asks for a place under both caps, as an admission does, and gives the first back where the second is full.
fn take_both(outer: &InFlight, inner: &InFlight) -> bool {
    if !outer.take(Some(2)) {
        return false;
    }
    let taken = inner.take(Some(1));
    if !taken {
        outer.give();
    }
    taken
}

#[test]
fn no_cap_is_exceeded_and_no_place_is_lost() {
    model(|| {
        let caps = Arc::new((InFlight::default(), InFlight::default()));
        let taken = together(
            [(); 3]
                .map(|()| {
                    let caps = caps.clone();
                    Box::new(move || take_both(&caps.0, &caps.1)) as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        let taken = taken.into_iter().filter(|taken| *taken).count() as u32;
        assert!(taken <= 1);
        assert_eq!((caps.0.count(), caps.1.count()), (taken, taken));
    });
}

/// Returns what is left of the tokens and of the health, in whole units.
fn left(health_stats: &HealthStats, now: Millis) -> (u32, u32) {
    let (view, rates) = (health_stats.view(), Rates::default());
    let tokens = view.tokens().expect("somebody took one").amount(rates.tokens, now);
    let health = view.health().map_or(rates.health.fresh(), |level| level.amount(rates.health, now));
    (tokens / 1_000, health / 1_000)
}

#[test]
fn no_token_and_no_sign_is_lost() {
    model(|| {
        let health_stats = Arc::new(HealthStats::default());
        let [one, other] = [(); 2].map(|()| health_stats.clone());
        together::<()>(vec![
            Box::new(move || {
                one.take(&Rates::default(), NOW);
                one.mark(Sign::Limited, &Rates::default(), NOW);
            }),
            Box::new(move || {
                other.take(&Rates::default(), Millis(NOW.0 + 7));
                other.mark(Sign::Failed, &Rates::default(), Millis(NOW.0 + 7));
            }),
        ]);
        assert_eq!(left(&health_stats, Millis(NOW.0 + 7)), (48, 40));
        assert_eq!(health_stats.view().used, Millis(NOW.0 + 7));
    });
}

#[test]
#[should_panic(expected = "the cap is exceeded")]
fn the_naive_twin_looks_and_then_takes() {
    model(|| {
        let cap = Arc::new(InFlight::default());
        let taken = together(
            [(); 2]
                .map(|()| {
                    let cap = cap.clone();
                    Box::new(move || !cap.is_full(Some(1)) && cap.take(None))
                        as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert!(taken.into_iter().filter(|taken| *taken).count() <= 1, "the cap is exceeded");
    });
}

/// An allowance of `capacity` in its third window, with the probe as its only admission. Two windows met the same
/// limit, since one alone leaves the capacity unsure.
fn taught(capacity: u32) -> Arc<Allowance> {
    let allowance = Arc::new(Allowance::default());
    let minute = 60_000;
    for (begin, until) in [(NOW.0 - minute, NOW), (NOW.0, Millis(NOW.0 + minute))] {
        for _ in 0..capacity {
            let allowance_permit = allowance.admit(false, Millis(begin)).expect("there is room");
            allowance.confirm(allowance_permit);
        }
        let limited = allowance.admit(false, Millis(begin + 1)).expect("nobody knows the limit for sure");
        allowance.refuse(limited, Some(until), until, Millis(begin + 1));
    }
    let probe = allowance.admit(false, Millis(NOW.0 + minute)).expect("the probe");
    allowance.confirm(probe);
    allowance
}

#[test]
fn no_more_are_admitted_than_was_learned() {
    model(|| {
        let (allowance, now) = (taught(3), Millis(NOW.0 + 61_000));
        let admitted = together(
            [(); 3]
                .map(|()| {
                    let allowance = allowance.clone();
                    Box::new(move || allowance.admit(false, now).is_ok()) as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 2, "the probe was the first");
        assert!(matches!(allowance.denial(now), Some(Deny::Predicted { .. })), "and who looks sees it");
    });
}

#[test]
fn one_probe_goes_after_a_learned_limit() {
    model(|| {
        let allowance = taught(1);
        let reset = Millis(NOW.0 + 200_000);
        let admitted = together(
            [(); 2]
                .map(|()| {
                    let allowance = allowance.clone();
                    Box::new(move || allowance.admit(false, reset).is_ok())
                        as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 1);
    });
}

#[test]
#[should_panic(expected = "the capacity is exceeded")]
fn the_naive_twin_that_looks_and_then_counts_exceeds_the_capacity() {
    model(|| {
        let used = Arc::new(loom::sync::atomic::AtomicU64::new(0));
        together::<()>(
            [(); 2]
                .map(|()| {
                    let used = used.clone();
                    Box::new(move || {
                        if used.load(loom::sync::atomic::Ordering::SeqCst) < 1 {
                            used.fetch_add(1, loom::sync::atomic::Ordering::SeqCst);
                        }
                    }) as Box<dyn FnOnce() + Send>
                })
                .into(),
        );
        assert!(used.load(loom::sync::atomic::Ordering::SeqCst) <= 1, "the capacity is exceeded");
    });
}

#[test]
#[should_panic(expected = "a token was taken twice")]
fn the_naive_twin_takes_one_token_twice() {
    use loom::sync::atomic::{AtomicU64, Ordering};
    model(|| {
        let tokens = Arc::new(AtomicU64::new(50));
        let take = |tokens: Arc<AtomicU64>| {
            Box::new(move || {
                let left = tokens.load(Ordering::Acquire);
                tokens.store(left - 1, Ordering::Release);
            }) as Box<dyn FnOnce() + Send>
        };
        together(vec![take(tokens.clone()), take(tokens.clone())]);
        assert_eq!(tokens.load(Ordering::Acquire), 48, "a token was taken twice");
    });
}

#[test]
fn a_reading_never_ends_a_limit_that_grew_after_it() {
    model(|| {
        let (cell, [first, late]) = leased();
        cell.settle_limit(first, GUESS, NOW);
        let seen = cell.state().limit(NOW).expect("a limit");
        let (one, other) = (cell.clone(), cell.clone());
        together::<()>(vec![
            Box::new(move || {
                one.amend(seen, NOW, NOW);
            }),
            Box::new(move || {
                other.settle_limit(late, LIMIT, NOW);
            }),
        ]);
        assert!(matches!(cell.admit(lease(100), NOW), Err(Deny::Limited { known: true, .. })));
    });
}

#[test]
fn two_never_ask_at_once() {
    model(|| {
        let timetable = Arc::new(Timetable::default());
        let taken = together(
            [(); 3]
                .map(|()| {
                    let timetable = timetable.clone();
                    Box::new(move || timetable.take(NOW)) as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
    });
}

#[test]
fn a_retry_budget_is_never_overdrawn() {
    model(|| {
        let terms = Terms { share: 1_000, floor: 1 };
        let budget = Arc::new(Budget::default());
        let taken = together(
            [(); 3]
                .map(|()| {
                    let budget = budget.clone();
                    Box::new(move || budget.withdraw(terms, NOW)) as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
        budget.deposit(terms, NOW);
        assert!(budget.withdraw(terms, NOW), "a payment was lost");
    });
}

#[test]
#[should_panic(expected = "the budget is overdrawn")]
fn the_naive_twin_reads_a_balance_and_then_takes() {
    model(|| {
        use loom::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};
        let balance = Arc::new(AtomicU64::new(1));
        let take = |balance: Arc<AtomicU64>| {
            let has_one = balance.load(Acquire) > 0;
            if has_one {
                balance.fetch_sub(1, AcqRel);
            }
            has_one
        };
        let taken = together(
            [(); 2]
                .map(|()| {
                    let balance = balance.clone();
                    Box::new(move || take(balance)) as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert!(taken.into_iter().filter(|taken| *taken).count() <= 1, "the budget is overdrawn");
    });
}

#[test]
fn no_good_answer_and_no_event_is_lost_to_a_throttle() {
    model(|| {
        let throttle = Arc::new(Throttle::default());
        throttle.halve(4, NOW);
        let (one, other) = (throttle.clone(), throttle.clone());
        let grown = together::<bool>(vec![Box::new(move || one.grow()), Box::new(move || other.grow())]);
        assert_eq!(grown.into_iter().filter(|grown| *grown).count(), 1);
        assert_eq!(throttle.bound(100, NOW), 3, "a round of two lets one more go, once");
        let (one, other) = (throttle.clone(), throttle.clone());
        together::<()>(vec![
            Box::new(move || one.halve(2, NOW)),
            Box::new(move || {
                other.grow();
            }),
        ]);
        assert!(throttle.bound(100, NOW) <= 2, "the event was lost");
    });
}

#[test]
#[should_panic(expected = "a good answer was lost")]
fn the_naive_twin_counts_answers_apart_from_its_bound() {
    model(|| {
        use loom::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
        let fields = Arc::new((AtomicU64::new(2), AtomicU64::new(0)));
        let grow = |fields: Arc<(AtomicU64, AtomicU64)>| {
            let good = fields.1.load(Acquire) + 1;
            let is_round = good >= fields.0.load(Acquire);
            fields.1.store(if is_round { 0 } else { good }, Release);
            if is_round {
                fields.0.store(fields.0.load(Acquire) + 1, Release);
            }
        };
        let (one, other) = (fields.clone(), fields.clone());
        together::<()>(vec![Box::new(move || grow(one)), Box::new(move || grow(other))]);
        assert_eq!(fields.0.load(Acquire), 3, "a good answer was lost");
    });
}
