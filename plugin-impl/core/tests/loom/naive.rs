//! Twins of the cell that fail: what the field does.

use super::*;

/// What the field does: fields that are changed one by one, and no stamp on a lease.
#[derive(Default)]
struct Naive {
    until: loom::sync::atomic::AtomicU64,
    consecutive_trips: loom::sync::atomic::AtomicU64,
    in_flight: loom::sync::atomic::AtomicU64,
}

impl Naive {
    fn admit(&self, bound: u64, now: Millis) -> bool {
        use loom::sync::atomic::Ordering::{Acquire, Release};
        if self.until.load(Acquire) > now.0 || self.in_flight.load(Acquire) >= bound {
            return false;
        }
        let count = self.in_flight.load(Acquire);
        self.in_flight.store(count + 1, Release);
        true
    }

    fn success(&self) {
        use loom::sync::atomic::Ordering::Release;
        self.until.store(0, Release);
        self.consecutive_trips.store(0, Release);
    }

    fn limited(&self, now: Millis, span: Duration) {
        use loom::sync::atomic::Ordering::{AcqRel, Release};
        self.consecutive_trips.fetch_add(1, AcqRel);
        self.until.store(now.after(span).0, Release);
    }
}

#[test]
#[should_panic(expected = "a late success lifted the limit")]
fn the_naive_twin_lifts_a_limit_by_a_stale_success() {
    model(|| {
        let cell = Arc::new(Naive::default());
        let (one, other) = (cell.clone(), cell.clone());
        together::<()>(vec![
            Box::new(move || one.limited(NOW, Duration::from_secs(60))),
            Box::new(move || other.success()),
        ]);
        assert!(!cell.admit(100, NOW), "a late success lifted the limit");
    });
}

#[test]
#[should_panic(expected = "an old reading lifted the limit")]
fn the_naive_twin_lifts_a_limit_by_an_old_reading() {
    use loom::sync::atomic::Ordering::{Acquire, Release};
    model(|| {
        let cell = Arc::new(Naive::default());
        cell.limited(NOW, Duration::from_secs(30));
        let seen = cell.until.load(Acquire);
        let (one, other) = (cell.clone(), cell.clone());
        together::<()>(vec![
            Box::new(move || {
                if one.until.load(Acquire) == seen {
                    one.until.store(NOW.0, Release);
                }
            }),
            Box::new(move || other.limited(NOW, Duration::from_secs(60))),
        ]);
        assert!(!cell.admit(100, NOW), "an old reading lifted the limit");
    });
}

#[test]
#[should_panic(expected = "two ask at once")]
fn the_naive_twin_asks_twice() {
    use loom::sync::atomic::Ordering::{Acquire, Release};
    model(|| {
        let due = Arc::new(loom::sync::atomic::AtomicU64::new(0));
        let take = |due: Arc<loom::sync::atomic::AtomicU64>| {
            Box::new(move || {
                let is_due = due.load(Acquire) <= NOW.0;
                if is_due {
                    due.store(u64::MAX, Release);
                }
                is_due
            }) as Box<dyn FnOnce() -> bool + Send>
        };
        let taken = together(vec![take(due.clone()), take(due.clone())]);
        assert!(taken.into_iter().filter(|taken| *taken).count() <= 1, "two ask at once");
    });
}

#[test]
#[should_panic(expected = "one event, many strikes")]
fn the_naive_twin_counts_a_burst_as_many_strikes() {
    model(|| {
        let cell = Arc::new(Naive::default());
        let (one, other) = (cell.clone(), cell.clone());
        together::<()>(vec![
            Box::new(move || one.limited(NOW, Duration::from_secs(60))),
            Box::new(move || other.limited(NOW, Duration::from_secs(60))),
        ]);
        let consecutive_trips = cell.consecutive_trips.load(loom::sync::atomic::Ordering::Acquire);
        assert_eq!(consecutive_trips, 1, "one event, many strikes");
    });
}

#[test]
#[should_panic(expected = "the bound is exceeded")]
fn the_naive_twin_exceeds_its_bound() {
    model(|| {
        let cell = Arc::new(Naive::default());
        let (one, other) = (cell.clone(), cell.clone());
        let admitted = together::<bool>(vec![
            Box::new(move || one.admit(1, NOW)),
            Box::new(move || other.admit(1, NOW)),
        ]);
        assert!(admitted.into_iter().filter(|admitted| *admitted).count() <= 1, "the bound is exceeded");
    });
}
