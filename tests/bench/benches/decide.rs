//! A decision on one thread: snapshot, plan, admit, confirm and the lease's end, with the real fleet.

#![expect(unsafe_code, reason = "counting allocations takes an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use criterion::{BenchmarkId, Criterion};
use pointsman_bench::fleet::{Decider, NOW};
use pointsman_bench::histogram::Histogram;
use pointsman_bench::{size, table};
use pointsman_core::planning::strategy::Strategy;

#[global_allocator]
static ALLOCATOR: Counting = Counting(AtomicU64::new(0));

/// The system's allocator, with a count of what is asked of it.
struct Counting(AtomicU64);

// SAFETY: everything is handed to the system's allocator as it came, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's duty is the one of this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, and so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const FLEETS: [u32; 5] = [1, 16, 64, 1_000, 10_000];

fn main() {
    if !size::is_asked_for() {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    time(&mut criterion);
    criterion.final_summary();
    allocations();
    single_decisions();
}

fn time(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for strategy in Strategy::ALL {
        for accounts in FLEETS {
            let decider = Decider::new(accounts, strategy);
            let id = BenchmarkId::new(strategy.name(), accounts);
            let mut turn = 0;
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    turn += 1;
                    let mut lease = black_box(decider.decide(turn));
                    lease.confirm(NOW)
                });
            });
        }
    }
    group.finish();
}

fn allocations() {
    const DECISIONS: u64 = 1_000;
    let row = |strategy: Strategy, accounts| {
        let decider = Decider::new(accounts, strategy);
        let before = ALLOCATOR.0.load(Ordering::Relaxed);
        (0..DECISIONS).for_each(|turn| drop(decider.decide(turn)));
        let count = (ALLOCATOR.0.load(Ordering::Relaxed) - before) as f64 / DECISIONS as f64;
        vec![strategy.to_string(), accounts.to_string(), format!("{count:.2}")]
    };
    let rows: Vec<_> = Strategy::ALL
        .into_iter()
        .flat_map(|strategy| FLEETS.map(|accounts| row(strategy, accounts)))
        .collect();
    table::print("Allocations per decision", &["strategy", "accounts", "allocations"], &rows);
}

/// How long single decisions take, with the time of looking at the clock.
fn single_decisions() {
    const DECISIONS: u64 = 20_000;
    let row = |strategy: Strategy, accounts| {
        let decider = Decider::new(accounts, strategy);
        let mut spans = Histogram::default();
        for turn in 0..DECISIONS {
            let begun = Instant::now();
            let mut lease = black_box(decider.decide(turn));
            lease.confirm(NOW);
            drop(lease);
            spans.record(begun.elapsed());
        }
        let at = |share| format!("{:.2}", spans.quantile(share).as_nanos() as f64 / 1_000.0);
        vec![strategy.to_string(), accounts.to_string(), at(0.5), at(0.99)]
    };
    let rows: Vec<_> = Strategy::ALL
        .into_iter()
        .flat_map(|strategy| [16, 64, 1_000, 10_000].map(|accounts| row(strategy, accounts)))
        .collect();
    table::print("Single decisions, \u{b5}s", &["strategy", "accounts", "p50", "p99"], &rows);
}
