//! Decisions on many threads at once, against one lock around the same state and a map that is locked
//! while it is searched.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use pointsman_bench::fleet::{Decider, NOW};
use pointsman_bench::histogram::Histogram;
use pointsman_bench::rounds::spread;
use pointsman_bench::{size, table};
use pointsman_core::planning::strategy::Strategy;

const ACCOUNTS: u32 = 16;
const SPAN: Duration = Duration::from_millis(700);
const THREADS: [usize; 3] = [1, 2, 64];

/// A way to share the state. `act` is what a request does while it has its place.
trait Shared: Sync {
    fn request(&self, turn: u64, act: &dyn Fn());
}

/// The plugin's own.
struct Cells(Decider);

/// The same state, asked and told under one lock.
struct OneLock(Mutex<Decider>);

/// A map of counters: searched for the least, and that one locked to be changed. Between the two others
/// choose the same.
struct NaiveMap(DashMap<String, Counter>);

#[derive(Default)]
struct Counter {
    in_flight: u32,
    served: u64,
}

impl Shared for Cells {
    fn request(&self, turn: u64, act: &dyn Fn()) {
        let mut lease = self.0.decide(turn);
        act();
        lease.confirm(NOW);
    }
}

impl Shared for OneLock {
    fn request(&self, turn: u64, act: &dyn Fn()) {
        let lock = || self.0.lock().expect("no holder panics");
        let mut lease = lock().decide(turn);
        act();
        let held = lock();
        lease.confirm(NOW);
        drop(lease);
        drop(held);
    }
}

impl Shared for NaiveMap {
    fn request(&self, _: u64, act: &dyn Fn()) {
        let least = self.0.iter().min_by_key(|entry| entry.in_flight).map(|entry| entry.key().clone());
        let least = least.expect("the map is not empty");
        self.change(&least, |counter| counter.in_flight += 1);
        act();
        self.change(&least, |counter| {
            counter.in_flight -= 1;
            counter.served += 1;
        });
    }
}

impl NaiveMap {
    fn new() -> Self {
        Self((0..ACCOUNTS).map(|number| (format!("anthropic:a{number}"), Counter::default())).collect())
    }

    fn change(&self, key: &str, change: impl FnOnce(&mut Counter)) {
        self.0.get_mut(key).map(|mut counter| change(&mut counter)).expect("keys stay");
    }
}

fn main() -> io::Result<()> {
    if !size::is_asked_for() {
        return Ok(());
    }
    for (name, think) in
        [("without a pause", None), ("with 1 ms between decision and end", Some(Duration::from_millis(1)))]
    {
        compare(name, think);
    }
    Ok(())
}

fn compare(name: &str, think: Option<Duration>) {
    let cells = Cells(Decider::new(ACCOUNTS, Strategy::LeastConnections));
    let lock = OneLock(Mutex::new(Decider::new(ACCOUNTS, Strategy::LeastConnections)));
    let map = NaiveMap::new();
    let arms: [(&str, &dyn Shared); 3] = [("cells", &cells), ("one lock", &lock), ("naive map", &map)];
    let mut rows = Vec::new();
    for threads in THREADS {
        let mut sums = arms.map(|_| (Histogram::default(), Vec::new()));
        for round in 0..size::rounds(3) {
            for step in 0..arms.len() {
                let place = (round + step) % arms.len();
                let (latencies, per_second) = run(arms[place].1, threads, think);
                sums[place].0.merge(&latencies);
                sums[place].1.push(per_second);
            }
        }
        rows.extend(
            arms.iter().zip(sums).map(|((arm, _), (latencies, rates))| row(threads, arm, &latencies, rates)),
        );
    }
    let head = ["threads", "state", "decisions/s, thousands", "p50 ns", "p99 ns", "p99.9 ns"];
    table::print(&format!("{ACCOUNTS} accounts, {name}"), &head, &rows);
}

fn row(threads: usize, arm: &str, latencies: &Histogram, rates: Vec<f64>) -> Vec<String> {
    let quantile = |share| latencies.quantile(share).as_nanos().to_string();
    let rate = table::spread(spread(rates), 0);
    vec![threads.to_string(), arm.to_owned(), rate, quantile(0.5), quantile(0.99), quantile(0.999)]
}

/// Runs requests on all threads. The pause of a request is not part of its latency.
fn run(shared: &dyn Shared, threads: usize, think: Option<Duration>) -> (Histogram, f64) {
    let (stop, barrier, turn) = (AtomicBool::new(false), Barrier::new(threads + 1), AtomicU64::new(0));
    thread::scope(|scope| {
        let work = || {
            barrier.wait();
            let mut latencies = Histogram::default();
            while !stop.load(Ordering::Relaxed) {
                latencies.record(timed(shared, turn.fetch_add(1, Ordering::Relaxed), think));
            }
            latencies
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        barrier.wait();
        let start = Instant::now();
        thread::sleep(SPAN);
        stop.store(true, Ordering::Relaxed);
        let mut all = Histogram::default();
        workers.into_iter().for_each(|worker| all.merge(&worker.join().expect("no worker panics")));
        let rate = all.len() as f64 / start.elapsed().as_secs_f64() / 1_000.0;
        (all, rate)
    })
}

fn timed(shared: &dyn Shared, turn: u64, think: Option<Duration>) -> Duration {
    let paused = std::cell::Cell::new(Duration::ZERO);
    let start = Instant::now();
    shared.request(turn, &|| {
        if let Some(think) = think {
            let begin = Instant::now();
            thread::sleep(think);
            paused.set(begin.elapsed());
        }
    });
    start.elapsed() - paused.get()
}
