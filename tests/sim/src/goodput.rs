//! Goodput: how much of a fleet's allowance a router serves, and at what cost.
//!
//! All routers meet the same callers with the same patience and the same upstream. What is served is told
//! as a share of the fluid limit: what the quotas would let in if nothing were ever lost, or the demand
//! where that is less.

use std::time::Duration;

use crate::engine::Engine;
use crate::field::hybrid::Hybrid;
use crate::field::in_order::InOrder;
use crate::field::least_recently_used::LeastRecentlyUsed;
use crate::field::random::Random;
use crate::field::round_robin::RoundRobin;
use crate::field::{Field, Policy};
use crate::latency::Latency;
use crate::metrics::Tally;
use crate::ours::{Ours, Setup, Strategy};
use crate::rng::Rng;
use crate::router::Router;
use crate::traffic::open_loop::{OpenLoop, PATIENCE};
use crate::upstream::bucket::Bucket;
use crate::upstream::hint::HintStyle;
use crate::upstream::window::{Anchor, Window};
use crate::upstream::{Meter, Quota, Upstream};

pub use crate::traffic::open_loop::Skew;

/// Quotas are unequal: accounts take these in turn, as requests in one window.
const CAPACITIES: [u32; 4] = [30, 60, 120, 40];
/// And these windows.
const WINDOWS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];
/// So many sessions for each account.
const SESSIONS: usize = 8;

/// What a router is measured under.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub accounts: u16,
    /// Requests that come, in relation to what the quotas let in.
    pub demand: f64,
    pub skew: Skew,
    /// Whether a 429 says until when.
    pub hints: bool,
    /// Whether answers say what is left.
    pub readings: bool,
    pub kind: Kind,
    pub latency: Latency,
    pub run: Duration,
}

/// Which quotas accounts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fixed windows, at multiples of their length or from the first request on, in turn.
    Windows,
    /// Token buckets that hold a quarter of what comes in one window.
    Buckets,
    /// Both, in turn.
    Mixed,
}

/// Whose goodput is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterKind {
    Ours(Strategy),
    InOrder,
    RoundRobin,
    Random,
    LeastRecentlyUsed,
    Hybrid,
}

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub offered: u64,
    pub served: u64,
    /// What could have been served: the demand, or what the quotas let in.
    pub fluid: f64,
    pub upstream_429s: u64,
    /// 429s of one account in one of its windows, on average, after the first.
    pub limited_per_window: f64,
    /// The same of the second half of the run: what is left once capacities are learned.
    pub limited_when_learned: f64,
    pub callers_429s: u64,
    /// The share of requests that met the account of their session.
    pub stayed: f64,
    pub wait_p50: Duration,
    pub wait_p99: Duration,
}

impl Report {
    /// Returns what was served of what could have been.
    pub fn goodput(&self) -> f64 {
        self.served as f64 / self.fluid
    }
}

impl Scenario {
    /// Ten windows of the longest kind.
    pub const RUN: Duration = Duration::from_secs(3_000);

    /// Models think, now and then for long; what refuses does not.
    pub const LATENCY: Latency = Latency { late: 0.02, late_refusals: 0.001, brief: None };

    fn upstream(&self) -> Upstream {
        let hints = if self.hints { HintStyle::Exact } else { HintStyle::Silent };
        let meter =
            |account| Meter { quotas: vec![self.quota(account)], hints, tells: self.readings, others: None };
        Upstream::new(1, (0..self.accounts).map(meter).collect(), Vec::new())
    }

    fn quota(&self, account: u16) -> Quota {
        let capacity = CAPACITIES[usize::from(account) % CAPACITIES.len()];
        let every = window(account);
        let windows = match self.kind {
            Kind::Windows => true,
            Kind::Buckets => false,
            Kind::Mixed => (account / 2).is_multiple_of(2),
        };
        if !windows {
            return Quota::Bucket(Bucket::new(capacity.div_ceil(4), every / capacity));
        }
        let anchor = if account.is_multiple_of(2) { Anchor::Wall } else { Anchor::FirstRequest };
        Quota::Window(Window::new(capacity, every, anchor))
    }
}

fn window(account: u16) -> Duration {
    WINDOWS[usize::from(account) % WINDOWS.len()]
}

/// Measures a router. The seed decides who asks when and how long answers take, whichever router it is.
pub fn goodput(scenario: &Scenario, router: RouterKind, seed: u64) -> Report {
    let accounts = scenario.accounts;
    match router {
        RouterKind::Ours(strategy) => {
            measure(scenario, Ours::new(Setup::plain(accounts, strategy, PATIENCE)), seed)
        }
        RouterKind::InOrder => field(scenario, InOrder, seed),
        RouterKind::RoundRobin => field(scenario, RoundRobin::default(), seed),
        RouterKind::Random => field(scenario, Random::new(Rng::new(seed)), seed),
        RouterKind::LeastRecentlyUsed => field(scenario, LeastRecentlyUsed::new(accounts), seed),
        RouterKind::Hybrid => field(scenario, Hybrid::new(accounts), seed),
    }
}

fn field(scenario: &Scenario, policy: impl Policy, seed: u64) -> Report {
    measure(scenario, Field::new(policy, scenario.accounts), seed)
}

fn measure(scenario: &Scenario, router: impl Router, seed: u64) -> Report {
    let upstream = scenario.upstream();
    let capacity = upstream.fluid(scenario.run);
    let sessions = usize::from(scenario.accounts) * SESSIONS;
    let requests = capacity * scenario.demand;
    let traffic = OpenLoop::new(requests, scenario.run, sessions, scenario.skew, Rng::new(seed));
    let windows = (0..scenario.accounts).map(window).collect();
    let tally = Tally::new(scenario.run, windows);
    let mut engine = Engine::new(router, traffic, upstream, scenario.latency, tally);
    engine.run().expect("nothing is checked here, and every request ends");
    report(&mut engine.watch, capacity)
}

fn report(tally: &mut Tally, capacity: f64) -> Report {
    Report {
        offered: tally.offered,
        served: tally.served,
        fluid: capacity.min(tally.offered as f64),
        upstream_429s: tally.upstream_429s,
        limited_per_window: tally.limited_per_window(),
        limited_when_learned: tally.limited_when_learned(),
        callers_429s: tally.callers_429s,
        stayed: tally.stayed(),
        wait_p50: tally.wait(50),
        wait_p99: tally.wait(99),
    }
}
