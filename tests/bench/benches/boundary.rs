//! What a call through the boundary costs against plain reqwest with the same settings.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pointsman_bench::artifacts::{Artifacts, sweep};
use pointsman_bench::caller::{Caller, Elsewhere, Linked, Loaded, Plain, on, runtime};
use pointsman_bench::process::cpu;
use pointsman_bench::rounds::{Arm, Series, interleave};
use pointsman_bench::{servers, size, table, wire};
use serde_json::json;
use tokio::runtime::Runtime;

const CALLS: u32 = 400;

fn main() -> io::Result<()> {
    if !size::is_asked_for() {
        return Ok(());
    }
    let artifacts = Artifacts::build()?;
    let scratch = artifacts.scratch()?;
    let upstream = servers::upstream(&artifacts, &scratch, &json!({"total-bytes": 700}), None)?;
    sweep(&scratch);
    let library = pointsman_loader::load(&artifacts.library()).map_err(io::Error::other)?;
    for workers in [1, std::thread::available_parallelism()?.get()] {
        let host = runtime(workers);
        let (plain, elsewhere) = (Plain::new(&upstream.address), Elsewhere::new(&upstream.address, workers));
        let (linked, loaded) = (Linked::new(&upstream.address), Loaded::new(&library, &upstream.address));
        for (what, measure) in [("time", wall as Measure), ("processor time of the process", busy as Measure)]
        {
            let arms = &mut [
                Arm::new("plain reqwest", || measure(&|| calls(&host, &plain))),
                Arm::new("plain reqwest on another runtime", || measure(&|| calls(&host, &elsewhere))),
                Arm::new("the plugin, without the boundary", || measure(&|| calls(&host, &linked))),
                Arm::new("the plugin, through the boundary", || measure(&|| calls(&host, &loaded))),
            ];
            let series = interleave(size::rounds(9), arms);
            print(
                &format!("1 KB, one call after the other, host with {workers} worker(s): {what} per call"),
                &series,
            );
        }
    }
    Ok(())
}

fn print(title: &str, series: &[Series]) {
    table::print(title, &["arm", "µs (quartiles)", "to the first"], &table::ratios(series, 1));
}

type Measure = fn(&dyn Fn()) -> f64;

fn wall(act: &dyn Fn()) -> f64 {
    let start = Instant::now();
    act();
    per_call(start.elapsed())
}

fn busy(act: &dyn Fn()) -> f64 {
    let before = cpu(std::process::id());
    act();
    per_call(cpu(std::process::id()) - before)
}

fn per_call(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0 / f64::from(CALLS)
}

fn calls(host: &Runtime, caller: &impl Caller) {
    let (caller, body) = (caller.clone(), Bytes::from(wire::body(1_024, false)));
    on(host, async move {
        for _ in 0..CALLS {
            let read = caller.call(body.clone(), |_| {}).await;
            assert!(read.bytes > 0);
        }
    });
}
