//! EarlyProbes at a guess, before its end.

use pointsman_core::admission::cell::Confirmed;
use pointsman_core::admission::probe::{Spacing, apart};
use pointsman_core::jitter::Jitter;

use super::*;

/// A cell in a guess, with the stamp of a lease from before.
fn guessing() -> (Arc<Cell>, CellPermit) {
    let (cell, [limited, late]) = leased();
    cell.settle_limit(limited, GUESS, NOW);
    (cell, late)
}

#[test]
fn of_two_early_probes_one_goes() {
    model(|| {
        let (cell, _) = guessing();
        let admitted = together(
            [(); 3]
                .map(|()| {
                    let cell = cell.clone();
                    Box::new(move || cell.last_resort(lease(100), NOW).is_ok())
                        as Box<dyn FnOnce() -> bool + Send>
                })
                .into(),
        );
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 1);
    });
}

#[test]
fn an_early_probe_and_the_probe_after_the_end_are_never_out_together() {
    model(|| {
        let (cell, _) = guessing();
        let end = cell.state().until;
        let (one, other) = (cell.clone(), cell.clone());
        let admitted = together::<bool>(vec![
            Box::new(move || one.last_resort(lease(100), NOW).is_ok()),
            Box::new(move || other.admit(lease(100), end).is_ok()),
        ]);
        assert_eq!(admitted.into_iter().filter(|admitted| *admitted).count(), 1);
    });
}

#[test]
fn an_early_probe_never_lifts_what_was_told_meanwhile() {
    model(|| {
        let (cell, late) = guessing();
        let early = cell.last_resort(lease(100), NOW).expect("a guess");
        let (one, other) = (cell.clone(), cell.clone());
        let confirmed = together::<Option<Confirmed>>(vec![
            Box::new(move || {
                let (cell_permit, confirmed) = one.confirm(early);
                one.release(cell_permit);
                Some(confirmed)
            }),
            Box::new(move || {
                other.settle_limit(late, LIMIT, NOW);
                None
            }),
        ]);
        assert!(matches!(confirmed[0], Some(Confirmed::Over | Confirmed::Stale)), "{confirmed:?}");
        assert!(matches!(cell.admit(lease(100), NOW), Err(Deny::Limited { known: true, .. })));
        assert_eq!(cell.state().in_flight, 0);
    });
}

#[test]
fn of_several_early_probes_at_a_provider_one_goes() {
    model(|| {
        let spacing = Arc::new(Spacing::default());
        let taken = together(
            [(); 3]
                .map(|()| {
                    let spacing = spacing.clone();
                    Box::new(move || spacing.take(apart(Jitter::default()), NOW))
                        as Box<dyn FnOnce() -> Result<(), Millis> + Send>
                })
                .into(),
        );
        let due = Millis(NOW.0 + 250);
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1);
        assert!(taken.iter().all(|taken| taken.is_ok() || *taken == Err(due)), "{taken:?}");
    });
}

#[test]
#[should_panic(expected = "two probe at once")]
fn the_naive_twin_looks_at_the_clock_and_then_probes() {
    use loom::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
    model(|| {
        let due = Arc::new(AtomicU64::new(0));
        let early = |due: Arc<AtomicU64>| {
            Box::new(move || {
                let is_due = due.load(Acquire) <= NOW.0;
                if is_due {
                    due.store(NOW.0 + 250, Release);
                }
                is_due
            }) as Box<dyn FnOnce() -> bool + Send>
        };
        let probed = together(vec![early(due.clone()), early(due.clone())]);
        assert!(probed.into_iter().filter(|probed| *probed).count() <= 1, "two probe at once");
    });
}

#[test]
#[should_panic(expected = "two are out at one cell")]
fn the_naive_twin_keeps_a_flag_beside_the_cell() {
    use loom::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
    model(|| {
        let (cell, _) = guessing();
        let is_out = Arc::new(AtomicBool::new(false));
        let early = |cell: Arc<Cell>, is_out: Arc<AtomicBool>| {
            Box::new(move || {
                let goes = cell.state().is_guess(NOW) && !is_out.load(Acquire);
                if goes {
                    is_out.store(true, Release);
                }
                goes
            }) as Box<dyn FnOnce() -> bool + Send>
        };
        let out = together(vec![early(cell.clone(), is_out.clone()), early(cell.clone(), is_out.clone())]);
        assert!(out.into_iter().filter(|goes| *goes).count() <= 1, "two are out at one cell");
    });
}
