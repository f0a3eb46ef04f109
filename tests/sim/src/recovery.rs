//! Recovery: how much of a fleet is used again after a limit from outside.
//!
//! Twelve agents ask without a pause. In the beginning three of four accounts let nobody in, or others use up
//! most of two quotas; then all is free. What is served from then on is told as a share of the fluid limit:
//! what the quotas let in if nothing were ever lost, or what the agents can ask for where that is less.

use std::fmt;
use std::time::Duration;

use pointsman_core::time::Millis;

use crate::engine::Engine;
use crate::field::Field;
use crate::field::litellm::LiteLlm;
use crate::latency::Latency;
use crate::ours::{Ours, Setup, Strategy};
use crate::rng::Rng;
use crate::router::Router;
use crate::traffic::closed_loop::ClosedLoop;
use crate::upstream::bucket::Bucket;
use crate::upstream::closed::Closed;
use crate::upstream::hint::HintStyle;
use crate::upstream::others::Others;
use crate::upstream::window::{Anchor, Window};
use crate::upstream::{Meter, Quota, Upstream, Verdict};
use crate::watch::{Happening, Violation, Watch, What};

/// What each account lets in, in relation to the others.
const SHARES: [u32; 4] = [10, 10, 20, 5];
/// The sum of them.
const ALL_SHARES: f64 = 45.0;
/// The account that is open from the beginning.
const OPEN: usize = 2;
/// Agents, each with one request at a time.
const AGENTS: u32 = 12;
/// From the end of an answer to the next request of the agent, on average.
const GAP: f64 = 0.010_5;
/// A request waits no longer than this, which no case needs.
const MAX_WAIT: Duration = Duration::from_secs(120);
/// The trouble lasts this part of a window, in hundredths.
const TROUBLE: u32 = 120;
/// So many windows are measured after it.
const WINDOWS: u32 = 6;
/// How long the trouble of buckets lasts, and what is measured after it.
const BUCKETS: [Duration; 2] = [Duration::from_secs(12), Duration::from_secs(45)];
/// Of what is measured, this part in hundredths passes until sessions have spread.
const SPREADING: u32 = 33;
/// The part of a quota that others use, in hundredths.
const USED_BY_OTHERS: u32 = 80;

/// What the agents meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub quotas: Quotas,
    pub trouble: Trouble,
    /// How long an answer takes.
    pub answer: Duration,
    /// Whether a 429 says until when.
    pub hints: bool,
}

/// Which quotas the accounts have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotas {
    /// Buckets that let in 10, 10, 20 and 5 a second, and hold as many.
    Buckets,
    /// Windows of a length that let in three quarters of what the agents ask for.
    Windows(Duration, Anchor),
}

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// All accounts but one answer 429.
    Closed,
    /// Others use most of two quotas.
    Others,
}

/// Whose recovery is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ours,
    LiteLlm,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quotas {
            Quotas::Buckets => write!(f, "buckets")?,
            Quotas::Windows(length, anchor) => write!(f, "windows of {length:?} ({anchor:?})")?,
        }
        let trouble = match self.trouble {
            Trouble::None => "no limit before",
            Trouble::Closed => "three were closed",
            Trouble::Others => "others used two",
        };
        let hints = if self.hints { "told" } else { "not told" };
        write!(f, ", answers {:?}, {trouble}, ends {hints}", self.answer)
    }
}

/// What a run came to, from the end of the trouble on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovered {
    pub served: u64,
    pub fluid: f64,
    /// 429s to callers, in the whole run.
    pub shown: u64,
    /// 429s of upstreams for each account and window, in the whole run but for those of the trouble.
    pub limited: f64,
    /// The share of requests that met the account of their session, once sessions have spread.
    pub stayed: f64,
}

impl Recovered {
    /// Returns what was served of what could have been.
    pub fn goodput(&self) -> f64 {
        self.served as f64 / self.fluid
    }
}

impl Case {
    /// Lists the cases that are measured: buckets, and windows from five seconds to five hours.
    pub fn all() -> Vec<Self> {
        let millis = Duration::from_millis;
        let buckets = [20, 200].map(|answer| (Quotas::Buckets, millis(answer)));
        let windows =
            [(5, 200), (10, 20), (10, 200), (60, 500), (300, 1_000), (3_600, 10_000), (18_000, 30_000)];
        let windows = windows.into_iter().flat_map(|(length, answer)| {
            [Anchor::Wall, Anchor::FirstRequest]
                .map(|anchor| (Quotas::Windows(Duration::from_secs(length), anchor), millis(answer)))
        });
        let quotas = buckets.into_iter().chain(windows);
        quotas
            .flat_map(|(quotas, answer)| {
                [Trouble::None, Trouble::Closed, Trouble::Others].map(|trouble| (quotas, answer, trouble))
            })
            .flat_map(|(quotas, answer, trouble)| {
                [true, false].map(|hints| Self { quotas, trouble, answer, hints })
            })
            .collect()
    }

    fn demand(&self) -> f64 {
        f64::from(AGENTS) / (self.answer.as_secs_f64() + GAP)
    }

    /// Returns how many requests all accounts let in each second.
    fn rate(&self) -> f64 {
        match self.quotas {
            Quotas::Buckets => ALL_SHARES,
            Quotas::Windows(..) => (self.demand() * 0.75).min(ALL_SHARES),
        }
    }

    /// Returns how many requests an account lets in within a span.
    fn capacity(&self, account: usize, span: Duration) -> f64 {
        self.rate() * span.as_secs_f64() * f64::from(SHARES[account]) / ALL_SHARES
    }

    fn window(&self) -> Duration {
        match self.quotas {
            Quotas::Buckets => Duration::from_secs(1),
            Quotas::Windows(length, _) => length,
        }
    }

    /// Returns when the trouble is over, and when the run is.
    fn times(&self) -> [Millis; 2] {
        let [trouble, after] = match self.quotas {
            Quotas::Buckets => BUCKETS,
            Quotas::Windows(length, _) => [length * TROUBLE / 100, length * WINDOWS],
        };
        [Millis::START.after(trouble), Millis::START.after(trouble + after)]
    }

    fn meter(&self, account: usize) -> Meter {
        let window = self.window();
        let capacity = self.capacity(account, window).round() as u32;
        let quota = match self.quotas {
            Quotas::Buckets => Quota::Bucket(Bucket::new(capacity, window / capacity)),
            Quotas::Windows(length, anchor) => Quota::Window(Window::new(capacity, length, anchor)),
        };
        let [over, _] = self.times();
        let is_shut = self.trouble == Trouble::Closed && account != OPEN;
        let closed = is_shut.then_some(Quota::Closed(Closed { from: Millis::START, until: over }));
        let is_shared = self.trouble == Trouble::Others && account.is_multiple_of(2);
        let others = is_shared.then(|| Others {
            every: window * 100 / (capacity * USED_BY_OTHERS),
            next: Millis::START,
            until: over,
            counted_from: self.window_of_the_end(),
            taken: 0,
        });
        let hints = if self.hints { HintStyle::Exact } else { HintStyle::Silent };
        Meter { quotas: [quota].into_iter().chain(closed).collect(), hints, tells: false, others }
    }

    /// Returns when the window began in which the trouble ended.
    fn window_of_the_end(&self) -> Millis {
        let [over, _] = self.times();
        let window = self.window().as_millis() as u64;
        Millis(over.0 / window * window)
    }

    /// Returns how many requests could be served after the trouble, `used` of that window's quota being gone.
    fn fluid(&self, used: u64) -> f64 {
        let [over, end] = self.times();
        let (span, window) = (end.since(over), self.window());
        let asked = self.demand() * span.as_secs_f64();
        match self.quotas {
            // Buckets that nobody could use are full.
            Quotas::Buckets => asked.min(self.rate() * span.as_secs_f64() + self.full_buckets()),
            Quotas::Windows(_, Anchor::FirstRequest) if self.trouble == Trouble::Closed => {
                self.rate() * span.as_secs_f64()
            }
            Quotas::Windows(..) => {
                let all = self.rate() * window.as_secs_f64();
                let asked_in = |share: f64| self.demand() * share * window.as_secs_f64();
                let first = 1.0 - f64::from(TROUBLE % 100) / 100.0;
                asked_in(first).min(all - used as f64)
                    + all * f64::from(WINDOWS - 1)
                    + asked_in(1.0 - first).min(all)
            }
        }
    }

    fn full_buckets(&self) -> f64 {
        let closed = (0..SHARES.len()).filter(|account| *account != OPEN);
        let is_closed = self.trouble == Trouble::Closed;
        closed.filter(|_| is_closed).map(|account| self.capacity(account, self.window())).sum()
    }
}

/// Measures a router. The seed decides how long answers take and when agents begin, whichever router it is.
pub fn recovery(case: &Case, who: Who, seed: u64) -> Recovered {
    let accounts = SHARES.len() as u16;
    match who {
        Who::Ours => measure(case, Ours::new(Setup::plain(accounts, Strategy::Hybrid, MAX_WAIT)), seed),
        Who::LiteLlm => measure(case, Field::new(LiteLlm::new(Rng::new(seed)), accounts), seed),
    }
}

fn measure(case: &Case, router: impl Router, seed: u64) -> Recovered {
    let [over, end] = case.times();
    let upstream =
        Upstream::new(1, (0..SHARES.len()).map(|account| case.meter(account)).collect(), Vec::new());
    let latency = Latency { late: 0.0, late_refusals: 0.0, brief: Some(case.answer) };
    let traffic = ClosedLoop::new(vec![1; AGENTS as usize], end.since(Millis::START), Rng::new(seed));
    let spread = over.after(end.since(over) * SPREADING / 100);
    let counts = Counts { from: case.window_of_the_end(), over, spread, end, ..Counts::default() };
    let mut engine = Engine::new(router, traffic, upstream, latency, counts);
    engine.run().expect("nothing is checked here, and every request ends");
    let windows = end.since(over).as_secs_f64() / case.window().max(Duration::from_secs(10)).as_secs_f64();
    let counts = &engine.watch;
    let used = counts.before + engine.upstream.taken_by_others(over);
    Recovered {
        served: counts.served,
        fluid: case.fluid(used),
        shown: counts.shown,
        limited: counts.limited as f64 / windows / SHARES.len() as f64,
        stayed: counts.stayed as f64 / counts.returned.max(1) as f64,
    }
}

/// Counts what happens after the trouble.
#[derive(Clone, Debug, Default)]
struct Counts {
    from: Millis,
    over: Millis,
    spread: Millis,
    end: Millis,
    before: u64,
    served: u64,
    shown: u64,
    limited: u64,
    returned: u64,
    stayed: u64,
    stickies: [Option<u16>; AGENTS as usize],
}

impl Counts {
    fn good(&mut self, happening: &Happening, account: u16) {
        self.served += u64::from(happening.now >= self.over);
        self.before += u64::from((self.from..self.over).contains(&happening.now));
        let sticky = self.stickies[happening.ask.session.0 as usize].replace(account);
        if happening.now >= self.spread {
            self.returned += 1;
            self.stayed += u64::from(sticky == Some(account));
        }
    }
}

impl<R> Watch<R> for Counts {
    fn note(&mut self, happening: &Happening, _: &R) -> Result<(), Violation> {
        if happening.now >= self.end {
            return Ok(());
        }
        if let What::Answered { cell, answer } = happening.what {
            match answer.verdict {
                Verdict::Good => self.good(happening, cell.account),
                Verdict::Limited(_) => self.limited += u64::from(happening.now >= self.over),
                Verdict::Capacity(_) | Verdict::ServerError | Verdict::Unreachable => {}
            }
        } else if let What::Refused { .. } = happening.what {
            self.shown += 1;
        }
        Ok(())
    }

    fn rest(&mut self, _: &R, _: Millis) -> Result<(), Violation> {
        Ok(())
    }
}
