//! What a piece of a stream costs through the boundary: saturated, paced, and a gigabyte of it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pointsman_bench::artifacts::{Artifacts, sweep};
use pointsman_bench::caller::{Caller, Loaded, Plain, on, runtime};
use pointsman_bench::closed::Connections;
use pointsman_bench::histogram::Histogram;
use pointsman_bench::process::{cpu, memory};
use pointsman_bench::rounds::{Arm, interleave};
use pointsman_bench::{canned, servers, size, table, wire};
use pointsman_loader::Library;
use serde_json::json;
use tokio::runtime::Runtime;

const CHUNKS: usize = 100_000;
const EVENTS: usize = 500;
const GAP: Duration = Duration::from_micros(500);
const GIGABYTE: u64 = 1 << 30;
/// How often memory is looked at while the gigabyte passes.
const LOOK: usize = 16 << 20;

fn main() -> io::Result<()> {
    canned::serve_if_told()?;
    if !size::is_asked_for() {
        return Ok(());
    }
    let artifacts = Artifacts::build()?;
    let library = pointsman_loader::load(&artifacts.library()).map_err(io::Error::other)?;
    if size::is_wanted("saturated") {
        saturated(&library)?;
    }
    if size::is_wanted("paced") {
        paced(&library)?;
    }
    if size::is_wanted("gigabyte") {
        gigabyte(&artifacts, &library)?;
    }
    Ok(())
}

fn saturated(library: &Library) -> io::Result<()> {
    let upstream = canned::start(canned::Answer { events: CHUNKS, gap: Duration::ZERO }, None)?;
    let (plain, loaded) = (Plain::new(&upstream.address), Loaded::new(library, &upstream.address));
    let host = runtime(1);
    for (what, measure) in [("time", wall as Measure), ("processor time of the process", busy as Measure)] {
        let arms = &mut [
            Arm::new("plain reqwest", || measure(&|| drain(&host, &plain))),
            Arm::new("through the boundary", || measure(&|| drain(&host, &loaded))),
        ];
        let series = interleave(size::rounds(9), arms);
        let title = format!("{CHUNKS} chunks of {} bytes, saturated: {what} per chunk", canned::CHUNK);
        table::print(&title, &["arm", "ns (quartiles)", "to the first"], &table::ratios(&series, 0));
    }
    Ok(())
}

type Measure = fn(&dyn Fn()) -> f64;

fn wall(act: &dyn Fn()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_nanos() as f64 / CHUNKS as f64
}

fn busy(act: &dyn Fn()) -> f64 {
    let before = cpu(std::process::id());
    act();
    (cpu(std::process::id()) - before).as_nanos() as f64 / CHUNKS as f64
}

fn drain(host: &Runtime, caller: &impl Caller) {
    let caller = caller.clone();
    let read = on(host, async move { caller.call(message(), |_| {}).await });
    assert_eq!(read.bytes, CHUNKS * canned::CHUNK);
}

fn message() -> Bytes {
    wire::body(1_024, true).into()
}

/// Events one by one: how long each is on its way.
fn paced(library: &Library) -> io::Result<()> {
    let upstream = canned::start(canned::Answer { events: EVENTS, gap: GAP }, None)?;
    let (plain, loaded) = (Plain::new(&upstream.address), Loaded::new(library, &upstream.address));
    let host = runtime(1);
    for share in [0.5, 0.99] {
        let arms = &mut [
            Arm::new("plain reqwest", || on_its_way(&host, &plain, share)),
            Arm::new("through the boundary", || on_its_way(&host, &loaded, share)),
        ];
        let series = interleave(size::rounds(5), arms);
        let title = format!(
            "{EVENTS} events {} µs apart: p{} of the time on their way",
            GAP.as_micros(),
            share * 100.0
        );
        table::print(&title, &["arm", "µs (quartiles)", "to the first"], &table::ratios(&series, 0));
    }
    Ok(())
}

fn on_its_way(host: &Runtime, caller: &impl Caller, share: f64) -> f64 {
    let caller = caller.clone();
    let ages = on(host, async move {
        let mut ages = Histogram::default();
        caller.call(message(), |piece| canned::ages(piece).for_each(|age| ages.record(age))).await;
        ages
    });
    ages.quantile(share).as_nanos() as f64 / 1_000.0
}

fn gigabyte(artifacts: &Artifacts, library: &Library) -> io::Result<()> {
    let scratch = artifacts.scratch()?;
    let pace = json!({"total-bytes": GIGABYTE, "chunk-bytes": 65_536});
    let upstream = servers::upstream(artifacts, &scratch, &pace, None)?;
    let gateway = servers::gateway(artifacts, &scratch, &upstream.address, None)?;
    sweep(&scratch);
    let rows = vec![through_the_boundary(library, &upstream.address), through_the_gateway(&gateway)?];
    let head = [
        "way",
        "before, KiB",
        "after its beginning, KiB",
        "peak, KiB",
        "growth after its beginning, KiB",
        "s",
    ];
    table::print("Memory while 1 GiB passes", &head, &rows);
    Ok(())
}

/// Memory at some moments of a passage, in KiB.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    before: u64,
    /// After the first part: all buffers are there.
    begun: u64,
    peak: u64,
}

fn through_the_boundary(library: &Library, address: &str) -> Vec<String> {
    let (host, loaded, own) = (runtime(1), Loaded::new(library, address), std::process::id());
    let mut seen = Seen { before: memory(own, "VmRSS"), ..Seen::default() };
    let start = Instant::now();
    let seen = on(&host, async move {
        let (mut passed, mut due) = (0, LOOK);
        let look = |piece: &[u8]| {
            passed += piece.len();
            if passed >= due {
                due += LOOK;
                seen.look(memory(own, "VmRSS"));
            }
        };
        let read = loaded.call(message(), look).await;
        assert!(read.bytes as u64 >= GIGABYTE);
        seen
    });
    seen.row("the boundary (the whole process of the host)", start.elapsed())
}

fn through_the_gateway(gateway: &servers::Server) -> io::Result<Vec<String>> {
    let process = gateway.process.id();
    let mut seen = Seen { before: memory(process, "VmRSS"), ..Seen::default() };
    let over = AtomicBool::new(false);
    let start = Instant::now();
    thread::scope(|scope| {
        let looker = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(10));
                seen.look(memory(process, "VmRSS"));
            }
            seen
        });
        let request = wire::request(&gateway.address, &message());
        let passed = Connections::open(&gateway.address, 1).and_then(|mut one| one.send(&request, 1));
        over.store(true, Ordering::Relaxed);
        let seen = looker.join().map_err(|_| io::Error::other("the looker panicked"))?;
        passed.map(|()| seen.row("the gateway", start.elapsed()))
    })
}

impl Seen {
    fn look(&mut self, now: u64) {
        if self.begun == 0 {
            self.begun = now;
        }
        self.peak = self.peak.max(now);
    }

    fn row(self, way: &str, span: Duration) -> Vec<String> {
        let Self { before, begun, peak } = self;
        let numbers = [before, begun, peak, peak.saturating_sub(begun)].map(|size| size.to_string());
        [&[way.to_owned()], &numbers[..], &[format!("{:.1}", span.as_secs_f64())]].concat()
    }
}
