//! A decision on one thread: snapshot, plan, admit, confirm and the lease's end, with the real fleet.

#![expect(unsafe_code, reason = "counting allocations takes an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BenchmarkId, Criterion};
use pointsman_bench::fleet::{Decider, NOW};
use pointsman_bench::{size, table};
use pointsman_core::strategy::Strategy;

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

const FLEETS: [u32; 3] = [1, 16, 64];

fn main() {
    if !size::is_asked_for() {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    time(&mut criterion);
    criterion.final_summary();
    allocations();
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
