//! A test bed: one pool in virtual time, endless callers, and a counting upstream.

use std::collections::BTreeMap;

use crate::admission::backoff::Schedule;
use crate::admission::cell::{CellPermit, CellState, Limit, Touch};
use crate::time::Millis;

use super::state::{AllowancePermit, AllowanceState};

/// The upstream's limit.
#[derive(Clone, Copy, Debug)]
enum Upstream {
    /// A number of requests in a window of milliseconds, at multiples of the window.
    Wall(u32, u64),
    /// A number of requests in a window of milliseconds, from the first request on.
    First(u32, u64),
    /// A bucket of tokens, refilled by a token per interval in milliseconds.
    Bucket(u32, u64),
}

#[derive(Clone, Copy, Debug)]
struct Bed {
    upstream: Upstream,
    hints: bool,
    run: u64,
    /// The instant of a change of the upstream, and the new upstream.
    changes: Option<(u64, Upstream)>,
    seed: u64,
    /// The number of callers per second.
    rate: f64,
}

/// The result of a run.
#[derive(Clone, Copy, Debug, Default)]
struct BedResult {
    served: u32,
    refused: u32,
    /// The requests served in the last half of the run.
    late_served: u32,
    late_refused: u32,
}

impl Upstream {
    /// Returns the milliseconds per request.
    fn interval(self) -> f64 {
        match self {
            Self::Wall(capacity, every) | Self::First(capacity, every) => every as f64 / f64::from(capacity),
            Self::Bucket(_, every) => every as f64,
        }
    }
}

/// An answer on its way.
struct BedHead {
    cell_permit: CellPermit,
    allowance_permit: AllowancePermit,
    /// The wait, for a refusal.
    wait: Option<u64>,
}

struct Meter {
    upstream: Upstream,
    ends: u64,
    used: u32,
    tokens: f64,
    at: u64,
}

impl Meter {
    fn new(upstream: Upstream, now: u64) -> Self {
        let tokens = if let Upstream::Bucket(holds, _) = upstream { f64::from(holds) } else { 0.0 };
        Self { upstream, ends: 0, used: 0, tokens, at: now }
    }

    /// Admits a request, or returns the wait.
    fn judge(&mut self, now: u64) -> Option<u64> {
        match self.upstream {
            Upstream::Wall(capacity, every) => self.window(capacity, now, (now / every + 1) * every),
            Upstream::First(capacity, every) => self.window(capacity, now, now + every),
            Upstream::Bucket(holds, every) => {
                let came = (now - self.at) as f64 / every as f64;
                self.tokens = (self.tokens + came).min(f64::from(holds));
                self.at = now;
                if self.tokens < 1.0 {
                    return Some(((1.0 - self.tokens) * every as f64).ceil() as u64);
                }
                self.tokens -= 1.0;
                None
            }
        }
    }

    fn window(&mut self, capacity: u32, now: u64, ends: u64) -> Option<u64> {
        if now >= self.ends {
            self.ends = ends;
            self.used = 0;
        }
        if self.used >= capacity {
            return Some(self.ends - now);
        }
        self.used += 1;
        None
    }
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// A run under way.
struct Run {
    bed: Bed,
    cell: CellState,
    allowance: AllowanceState,
    meter: Meter,
    chance: Chance,
    heads: BTreeMap<(u64, u64), BedHead>,
    sent: u64,
    outcome: BedResult,
}

impl Bed {
    fn run(self) -> BedResult {
        let mut run = Run {
            bed: self,
            cell: CellState::default(),
            allowance: AllowanceState::default(),
            meter: Meter::new(self.upstream, 0),
            chance: Chance(self.seed),
            heads: BTreeMap::new(),
            sent: 0,
            outcome: BedResult::default(),
        };
        let (mut waiting, mut changes) = (0.0_f64, self.changes);
        for now in (0..self.run).step_by(10) {
            if let Some((_, upstream)) = changes.take_if(|(at, _)| now >= *at) {
                run.meter = Meter::new(upstream, now);
            }
            while let Some(head) = run.heads.first_entry().filter(|head| head.key().0 <= now) {
                let head = head.remove();
                run.answer(&head, now);
            }
            waiting = (waiting + self.rate / 100.0).min(500.0);
            while waiting >= 1.0 && run.send(now) {
                waiting -= 1.0;
            }
        }
        run.outcome
    }
}

impl Run {
    fn send(&mut self, now: u64) -> bool {
        let at = Millis(now);
        let Ok((cell, cell_permit)) = self.cell.admit(Touch::Lease { bound: 500 }, at) else { return false };
        let Ok(allowance_permit) = self.allowance.admit(true, at) else { return false };
        let wait = self.meter.judge(now);
        self.cell = cell;
        self.sent += 1;
        self.count(wait.is_none(), now);
        let takes = match wait {
            None if self.chance.below(50) == 0 => 5_000 + self.chance.below(40_000),
            None => 300 + self.chance.below(1_500),
            Some(_) => 40 + self.chance.below(300),
        };
        self.heads.insert((now + takes, self.sent), BedHead { cell_permit, allowance_permit, wait });
        true
    }

    fn count(&mut self, served: bool, now: u64) {
        let late = u32::from(now > self.bed.run / 2);
        let BedResult { served: all, refused, late_served, late_refused } = &mut self.outcome;
        let (sum, late_sum) = if served { (all, late_served) } else { (refused, late_refused) };
        *sum += 1;
        *late_sum += late;
    }

    fn answer(&mut self, head: &BedHead, now: u64) {
        let at = Millis(now);
        let Some(wait) = head.wait else {
            let (cell, cell_permit, _) = self.cell.confirm(head.cell_permit);
            self.cell = cell.release(cell_permit);
            self.allowance.confirm(head.allowance_permit);
            return;
        };
        let told = self.bed.hints.then(|| Millis(now + wait.div_ceil(1_000) * 1_000));
        let guess = at.after(Schedule::RATE.span(self.cell.consecutive_trips + 1));
        let predicted = self.allowance.refuse(head.allowance_permit, told, guess, at);
        let limit = match (told, predicted) {
            (Some(until), _) => Limit::Reported { until },
            (None, Some(until)) => Limit::Predicted { until },
            (None, None) => Limit::Estimated(Schedule::RATE),
        };
        self.cell = self.cell.settle_limit(head.cell_permit, limit, at).0;
    }
}

const WINDOWS: [(Upstream, u64); 4] = [
    (Upstream::Wall(30, 60_000), 60_000),
    (Upstream::Wall(120, 60_000), 60_000),
    (Upstream::First(60, 300_000), 300_000),
    (Upstream::First(40, 300_000), 300_000),
];

/// Each bucket with its span: the time to refill as many tokens as a window holds.
const BUCKETS: [(Upstream, u64); 4] = [
    (Upstream::Bucket(8, 2_000), 60_000),
    (Upstream::Bucket(30, 500), 60_000),
    (Upstream::Bucket(15, 5_000), 300_000),
    (Upstream::Bucket(10, 7_500), 300_000),
];

/// Runs callers in excess of the limit. Returns the served share and the average number of refusals per
/// span.
fn measured(upstream: Upstream, span: u64, hints: bool, load: f64) -> (f64, f64) {
    let all = 3_000_000.0 / upstream.interval();
    let rate = 1_000.0 / upstream.interval() * load;
    let outcome = Bed { upstream, hints, run: 3_000_000, changes: None, seed: 1, rate }.run();
    (f64::from(outcome.served) / all, f64::from(outcome.refused) * span as f64 / 3_000_000.0)
}

fn check(kinds: [(Upstream, u64); 4], hints: bool, served: f64, refused: f64) {
    for (upstream, span) in kinds {
        for load in [1.1, 8.0] {
            let (share, refusals) = measured(upstream, span, hints, load);
            assert!(share >= served, "{upstream:?} at {load}: {share:.3} are served");
            assert!(refusals <= refused, "{upstream:?} at {load}: {refusals:.2} refusals for each window");
        }
    }
}

#[test]
fn windows_are_used_up_and_hardly_ever_refuse() {
    check(WINDOWS, true, 0.98, 1.0);
    check(WINDOWS, false, 0.98, 1.5);
}

#[test]
fn buckets_are_used_up_and_seldom_refuse() {
    check(BUCKETS, true, 0.97, 2.0);
    check(BUCKETS, false, 0.90, 3.5);
}

#[test]
fn a_change_of_capacity_is_learned() {
    for (before, after) in [(30, 60), (60, 30)] {
        let [upstream, changed] = [before, after].map(|capacity| Upstream::Wall(capacity, 60_000));
        let changes = Some((750_000, changed));
        let bed = Bed { upstream, hints: true, run: 3_000_000, changes, seed: 1, rate: 3.0 };
        let outcome = bed.run();
        let share = f64::from(outcome.late_served) / (f64::from(after) * 25.0);
        assert!(share > 0.98, "{before} became {after}: {share:.3} of it are served");
        assert!(outcome.late_refused < 25, "{before} became {after}: {outcome:?}");
    }
}
