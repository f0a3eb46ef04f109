//! What it costs a request that it can be explained: one record, from its beginning to its end, while the
//! journal is full and the oldest record goes.

use criterion::{BenchmarkId, Criterion};
use pointsman_bench::record::Writer;
use pointsman_bench::size;
use pointsman_plugin::runtime::journal::KEPT;

const FLEETS: [u32; 4] = [1, 4, 16, 64];

fn main() {
    if !size::is_asked_for() {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("record");
    for accounts in FLEETS {
        let writer = Writer::new(accounts);
        let mut number = 0;
        let mut write = || {
            number += 1;
            writer.write(number);
        };
        (0..KEPT).for_each(|_| write());
        group.bench_function(BenchmarkId::from_parameter(accounts), |bencher| bencher.iter(&mut write));
    }
    group.finish();
    criterion.final_summary();
}
