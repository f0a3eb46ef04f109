//! What the gateway costs: processor time per request against nginx and against no proxy at all, and the
//! latency it adds.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use pointsman_bench::artifacts::{Artifacts, sweep};
use pointsman_bench::closed::Connections;
use pointsman_bench::process::pin_self;
use pointsman_bench::rounds::{Arm, Series, interleave, spread};
use pointsman_bench::servers::{self, Server};
use pointsman_bench::{nginx, open, size, table, wire};
use serde_json::{Value, json};

/// Load and upstream have one processor, what is measured has the other.
const LOAD: usize = 0;
const MEASURED: usize = 1;
const CONNECTIONS: usize = 64;

/// What is sent, how often in a round, and what comes back.
struct Scenario {
    name: &'static str,
    pace: Value,
    body: Vec<u8>,
    requests: usize,
}

/// One upstream with what stands before it.
struct Scene {
    upstream: Server,
    gateway: Server,
    nginx: Option<Server>,
}

fn main() -> io::Result<()> {
    if !size::is_asked_for() {
        return Ok(());
    }
    let artifacts = Artifacts::build()?;
    let scratch = artifacts.scratch()?;
    pin_self(LOAD);
    for scenario in scenarios().iter().filter(|scenario| size::is_wanted(scenario.name)) {
        let scene = Scene::start(&artifacts, &scratch, &scenario.pace)?;
        processor_time(scenario, &scene)?;
    }
    if size::is_wanted("latency") {
        latency(&Scene::start(&artifacts, &scratch, &json!({"total-bytes": 700}))?)?;
    }
    sweep(&scratch);
    Ok(())
}

fn scenarios() -> [Scenario; 5] {
    let (answer, long) = (json!({"total-bytes": 700}), 262_144);
    let (burst, paced) = (json!({"chunks": 52}), json!({"chunks": 52, "gap": "5ms"}));
    let scenario = |name, pace: &Value, body, requests| Scenario { name, pace: pace.clone(), body, requests };
    [
        scenario("json 1 KB", &answer, wire::body(1_024, false), 6_000),
        scenario("json 256 KB", &answer, wire::body(long, false), 600),
        scenario("json 256 KB in one message", &answer, wire::one_message(long, false), 600),
        scenario("sse burst of 52", &burst, wire::body(1_024, true), 1_500),
        scenario("sse paced 52 x 5 ms", &paced, wire::body(1_024, true), 256),
    ]
}

impl Scene {
    fn start(artifacts: &Artifacts, scratch: &Path, pace: &Value) -> io::Result<Self> {
        let upstream = servers::upstream(artifacts, scratch, pace, Some(LOAD))?;
        let gateway = servers::gateway(artifacts, scratch, &upstream.address, Some(MEASURED))?;
        let nginx = nginx::start(scratch, &upstream.address, Some(MEASURED));
        if let Err(error) = &nginx {
            table::say(&format!("nginx is left out: {error}"));
        }
        Ok(Self { upstream, gateway, nginx: nginx.ok() })
    }

    /// nginx is first, because ratios are to it.
    fn proxies(&self) -> impl Iterator<Item = (&'static str, &Server)> {
        let nginx = self.nginx.as_ref().map(|server| ("nginx", server));
        nginx.into_iter().chain([("pointsman", &self.gateway)])
    }
}

fn processor_time(scenario: &Scenario, scene: &Scene) -> io::Result<()> {
    let mut arms = Vec::new();
    for (name, server) in scene.proxies() {
        let request = wire::request(&server.address, &scenario.body);
        let mut connections = Connections::open(&server.address, CONNECTIONS)?;
        arms.push(Arm::new(name, move || {
            let before = server.process.cpu();
            connections.send(&request, scenario.requests).expect("good answers");
            micros(server.process.cpu() - before) / scenario.requests as f64
        }));
    }
    let mut direct = Connections::open(&scene.upstream.address, CONNECTIONS)?;
    let request = wire::request(&scene.upstream.address, &scenario.body);
    arms.push(Arm::new("direct (time per request)", move || {
        let start = Instant::now();
        direct.send(&request, scenario.requests).expect("good answers");
        micros(start.elapsed()) / scenario.requests as f64
    }));
    let series = interleave(size::rounds(7), &mut arms);
    let title = format!("{}: processor time per request, {CONNECTIONS} connections", scenario.name);
    table::print(&title, &["arm", "µs (quartiles)", "to the first"], &table::ratios(&series, 1));
    Ok(())
}

/// Open loop, latency from the intended start.
fn latency(scene: &Scene) -> io::Result<()> {
    let mut rows = Vec::new();
    for rate in [1_000, 3_000] {
        let direct = [("direct", &scene.upstream)].into_iter();
        let arms: Vec<_> = direct.chain(scene.proxies()).collect();
        let mut quantiles = vec![[0.5, 0.99].map(|_| Vec::new()); arms.len()];
        for round in 0..size::rounds(5) {
            for step in 0..arms.len() {
                let place = (round + step) % arms.len();
                let address = &arms[place].1.address;
                let request = wire::request(address, &wire::body(1_024, false));
                let latencies = open::run(address, &request, rate, Duration::from_secs(1))?;
                for (values, share) in quantiles[place].iter_mut().zip([0.5, 0.99]) {
                    values.push(micros(latencies.quantile(share)));
                }
            }
        }
        rows.extend(
            arms.iter().zip(&quantiles).map(|((name, _), own)| added(rate, name, own, &quantiles[0])),
        );
    }
    let head = ["rate", "arm", "p50 µs", "added p50 µs", "p99 µs", "added p99 µs"];
    table::print("1 KB: latency, open loop from the intended start", &head, &rows);
    Ok(())
}

fn added(rate: u32, name: &str, own: &[Vec<f64>; 2], direct: &[Vec<f64>; 2]) -> Vec<String> {
    let series = |values: &Vec<f64>| Series { name: String::new(), values: values.clone() };
    let mut row = vec![format!("{rate}/s"), name.to_owned()];
    for (own, direct) in own.iter().zip(direct) {
        row.push(table::spread(spread(own.clone()), 0));
        row.push(table::spread(series(own).minus(&series(direct)), 0));
    }
    row
}

fn micros(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0
}
