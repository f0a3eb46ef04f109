//! Worlds: what one seed stands for, and its whole history.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::engine::Engine;
use crate::hops::HopsSeen;
use crate::invariants::{Checks, Seen};
use crate::latency::Latency;
use crate::ours::{Ours, Races, Setup};
use crate::rng::Rng;
use crate::traffic::agents::{Agents, Places};
use crate::upstream::bucket::Bucket;
use crate::upstream::concurrent::Concurrent;
use crate::upstream::hint::HintStyle;
use crate::upstream::outage::{Outage, Trouble};
use crate::upstream::window::{Anchor, Window};
use crate::upstream::{Meter, Quota, Upstream};

/// What a run without a violation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub seen: Seen,
    pub hops: HopsSeen,
    pub races: Races,
}

/// How many things are counted by name.
pub const COUNTS: usize = 20;

impl Outcome {
    /// Lists how often each thing happened that is worth a proof, by its name.
    pub fn counts(&self) -> [(&'static str, u64); COUNTS] {
        let Self { seen, races, .. } = self;
        [
            ("requests", seen.requests),
            ("refusals", seen.refused),
            ("caps reached", seen.full_caps),
            ("retries", seen.retries),
            ("halvings", seen.halvings),
            ("throttled requests", seen.throttled),
            ("turned away", races.turned_away),
            ("withheld retries", races.withheld_retries),
            ("trips", seen.trips),
            ("folded limits", seen.folded_limits),
            ("stale successes", seen.stale_successes),
            ("probes", seen.probes),
            ("early probes", seen.early_probes),
            ("guesses that an early probe ended", seen.lifted),
            ("contended probes", races.contended_probes),
            ("cancelled probes", seen.cancelled_probes),
            ("cancels while waiting", seen.cancelled_while_waiting),
            ("lost admissions", races.lost_admissions),
            ("waits for a session's own account", races.holds),
            ("pairs of a session that start together", seen.starts_together),
        ]
    }

    /// Adds the counts of this run to those of others.
    pub fn add_to(&self, sums: &mut [(&'static str, u64); COUNTS]) {
        for (sum, (what, count)) in sums.iter_mut().zip(self.counts()) {
            *sum = (what, sum.1 + count);
        }
    }

    /// Counts what the router saw and the reference did not, or the other way round.
    pub fn differences(&self) -> u64 {
        self.races.stale_successes.abs_diff(self.seen.stale_successes)
            + self.races.folded_limits.abs_diff(self.seen.folded_limits)
    }
}

/// Runs the history of a seed against our router, with every check.
///
/// # Errors
/// The story of the first rule that was broken.
pub fn run(seed: u64) -> Result<Outcome, String> {
    let mut rng = Rng::new(seed);
    let (accounts, pools) = (rng.between(1, 6) as u16, rng.between(1, 2) as u16);
    let setup = Setup::draw(accounts, pools, &mut rng.fork());
    history(seed, setup, rng)
}

/// Runs the history of a seed in which providers of a failover chain may serve requests, with every check.
///
/// # Errors
/// The story of the first rule that was broken.
pub fn run_with_chain(seed: u64) -> Result<Outcome, String> {
    let mut rng = Rng::new(seed);
    let (accounts, pools) = (rng.between(1, 4) as u16, rng.between(1, 2) as u16);
    let chain: &[u16] = rng.pick(&[&[1], &[2], &[1, 2]]);
    // Where no thread loses the processor, each choice of a hop can be checked at its instant.
    let interleaved = rng.chance(0.3);
    let setup = Setup { chain, interleaved, ..Setup::draw(accounts, pools, &mut rng.fork()) };
    history(seed, setup, rng)
}

fn history(seed: u64, setup: Setup, mut rng: Rng) -> Result<Outcome, String> {
    let Setup { accounts, pools, .. } = setup;
    let upstream = upstream(accounts + setup.chain.iter().sum::<u16>(), pools, &mut rng.fork());
    let requests = rng.between(200, 600) as u32;
    let traffic = Agents::new(requests, Places { accounts, pools }, rng.fork());
    let mut engine = Engine::new(Ours::new(setup), traffic, upstream, Latency::default(), Checks::new(setup));
    match engine.run() {
        Ok(()) => {
            let (seen, hops) = (engine.watch.seen, engine.watch.hops());
            Ok(Outcome { seen, hops, races: engine.router.races })
        }
        Err(violation) => Err(format!(
            "seed {seed}: {setup:?}\nagain: cargo run -p pointsman-sim --bin explore -- --from {seed} --seeds 1\n{}",
            engine.watch.story.of(&violation)
        )),
    }
}

fn upstream(accounts: u16, pools: u16, rng: &mut Rng) -> Upstream {
    let meters = (0..accounts * pools).map(|_| meter(rng)).collect();
    let outages = (0..rng.between(0, 3)).map(|_| outage(accounts, rng)).collect();
    Upstream::new(pools, meters, outages)
}

fn meter(rng: &mut Rng) -> Meter {
    let quotas = (0..rng.between(1, 3)).map(|_| quota(rng)).collect();
    Meter { quotas, hints: hints(rng), tells: rng.chance(0.5), others: None }
}

fn quota(rng: &mut Rng) -> Quota {
    let capacity = rng.between(3, 60) as u32;
    match rng.between(0, 4) {
        0 | 1 => {
            let every = Duration::from_secs(rng.pick(&[5, 10, 60, 300]));
            Quota::Window(Window::new(capacity, every, rng.pick(&[Anchor::Wall, Anchor::FirstRequest])))
        }
        2 | 3 => Quota::Bucket(Bucket::new(capacity, rng.millis(200, 6_000))),
        _ => Quota::Concurrent(Concurrent::new(rng.between(1, 8) as u32)),
    }
}

fn hints(rng: &mut Rng) -> HintStyle {
    match rng.between(0, 5) {
        0 | 1 => HintStyle::Exact,
        2 => HintStyle::Silent,
        3 => HintStyle::Wrong(rng.pick(&[0.0, 0.2, 3.0])),
        _ => HintStyle::Date { ahead: rng.between(0, 20_000) as i64 - 10_000 },
    }
}

fn outage(accounts: u16, rng: &mut Rng) -> Outage {
    let from = Millis(rng.between(0, 200_000));
    let trouble = match rng.between(0, 3) {
        0 => Trouble::ServerError,
        1 => Trouble::Unreachable,
        2 => Trouble::Capacity(None),
        _ => Trouble::Capacity(Some(rng.millis(1_000, 30_000))),
    };
    let account = rng.chance(0.5).then(|| rng.index(accounts.into()) as u16);
    let until = from.after(rng.skewed_millis(1_000, 60_000));
    Outage { from, until, account, trouble, share: rng.pick(&[0.3, 1.0]) }
}
