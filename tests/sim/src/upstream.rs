//! The upstream: who is served, and what it says to those who are not.
//!
//! An allowance of an account has one or several quotas, and all of them must allow a request. A refused
//! request costs nothing. Outages stand above the quotas: whoever meets one is not counted either.

pub mod bucket;
pub mod closed;
pub mod concurrent;
pub mod hint;
pub mod others;
pub mod outage;
pub mod window;

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::rng::Rng;

use self::bucket::Bucket;
use self::closed::Closed;
use self::concurrent::Concurrent;
use self::hint::{Hint, HintStyle};
use self::others::Others;
use self::outage::{Outage, Trouble};
use self::window::Window;

/// A pool of an account, by its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId {
    pub account: u16,
    pub pool: u16,
}

/// What the upstream says to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub verdict: Verdict,
    /// What is left, where the upstream tells it.
    pub reading: Option<Reading>,
}

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Limited(Option<Hint>),
    Capacity(Option<Hint>),
    ServerError,
    Unreachable,
}

/// How much of an allowance is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub left: u32,
    pub capacity: u32,
    /// How long until it is whole again.
    pub reset: Duration,
}

/// One bound on what an account may do.
#[derive(Clone, Debug)]
pub enum Quota {
    Window(Window),
    Bucket(Bucket),
    Concurrent(Concurrent),
    Closed(Closed),
}

/// The quotas of one cell, and how it speaks of them.
#[derive(Clone, Debug)]
pub struct Meter {
    pub quotas: Vec<Quota>,
    pub hints: HintStyle,
    /// Answers tell what is left.
    pub tells: bool,
    /// Who uses the same quotas.
    pub others: Option<Others>,
}

/// All accounts as the upstream knows them.
#[derive(Clone, Debug)]
pub struct Upstream {
    pools: u16,
    meters: Vec<Meter>,
    outages: Vec<Outage>,
}

impl Quota {
    /// Says how long nobody is let in, if so; an allowance that frees itself by other means says zero.
    fn refuses(&mut self, now: Millis) -> Option<Duration> {
        match self {
            Self::Window(window) => window.refuses(now),
            Self::Bucket(bucket) => bucket.refuses(now),
            Self::Concurrent(concurrent) => concurrent.refuses(),
            Self::Closed(closed) => closed.refuses(now),
        }
    }

    fn take(&mut self) {
        match self {
            Self::Window(window) => window.take(),
            Self::Bucket(bucket) => bucket.take(),
            Self::Concurrent(concurrent) => concurrent.enter(),
            Self::Closed(_) => {}
        }
    }

    fn reading(&self, now: Millis) -> Option<Reading> {
        match self {
            Self::Window(window) => Some(window.reading(now)),
            Self::Bucket(bucket) => Some(bucket.reading()),
            Self::Concurrent(_) | Self::Closed(_) => None,
        }
    }

    /// Returns how many requests it could let in over a whole run; none where it bounds no number.
    fn fluid(&self, run: Duration) -> Option<f64> {
        match self {
            Self::Window(window) => Some(window.fluid(run)),
            Self::Bucket(bucket) => Some(bucket.fluid(run)),
            Self::Concurrent(_) | Self::Closed(_) => None,
        }
    }
}

impl Meter {
    fn judge(&mut self, now: Millis) -> Answer {
        self.others_come(now);
        let waits = self.quotas.iter_mut().filter_map(|quota| quota.refuses(now));
        let verdict = match waits.max() {
            Some(wait) => Verdict::Limited(self.hints.tell(wait, now)),
            None => {
                self.quotas.iter_mut().for_each(Quota::take);
                Verdict::Good
            }
        };
        Answer { verdict, reading: self.tightest(now).filter(|_| self.tells) }
    }

    fn others_come(&mut self, now: Millis) {
        if let Some(others) = &mut self.others {
            others.come(&mut self.quotas, now);
        }
    }

    fn tightest(&self, now: Millis) -> Option<Reading> {
        let readings = self.quotas.iter().filter_map(|quota| quota.reading(now));
        readings.min_by_key(|reading| reading.left * 1_000 / reading.capacity.max(1))
    }

    fn leave(&mut self) {
        for quota in &mut self.quotas {
            if let Quota::Concurrent(concurrent) = quota {
                concurrent.leave();
            }
        }
    }

    fn fluid(&self, run: Duration) -> f64 {
        self.quotas.iter().filter_map(|quota| quota.fluid(run)).fold(f64::INFINITY, f64::min)
    }
}

impl Upstream {
    /// Puts the meters of all cells together: those of one account follow each other.
    pub fn new(pools: u16, meters: Vec<Meter>, outages: Vec<Outage>) -> Self {
        Self { pools, meters, outages }
    }

    /// Judges a request when it comes in. A good one is under way until [`Upstream::leave`].
    pub fn judge(&mut self, cell: CellId, now: Millis, rng: &mut Rng) -> Answer {
        let trouble = self.outages.iter().find(|outage| outage.meets(cell, now, rng));
        match trouble.map(|outage| outage.trouble) {
            Some(trouble) => Answer { verdict: trouble.verdict(), reading: None },
            None => self.meter(cell).judge(now),
        }
    }

    /// Takes note that a good answer has ended, or that nobody reads it any more.
    pub fn leave(&mut self, cell: CellId) {
        self.meter(cell).leave();
    }

    /// Returns how many requests all accounts could serve in a run, if nothing were ever lost.
    pub fn fluid(&self, run: Duration) -> f64 {
        self.meters.iter().map(|meter| meter.fluid(run)).sum()
    }

    /// Returns how many requests of others were let in; see [`Others::counted_from`].
    pub fn taken_by_others(&mut self, now: Millis) -> u64 {
        self.meters.iter_mut().for_each(|meter| meter.others_come(now));
        self.meters.iter().filter_map(|meter| meter.others).map(|others| others.taken).sum()
    }

    fn meter(&mut self, cell: CellId) -> &mut Meter {
        let place = usize::from(cell.account) * usize::from(self.pools) + usize::from(cell.pool);
        &mut self.meters[place]
    }
}

impl Trouble {
    fn verdict(self) -> Verdict {
        match self {
            Self::Capacity(hint) => Verdict::Capacity(hint.map(Hint::After)),
            Self::ServerError => Verdict::ServerError,
            Self::Unreachable => Verdict::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::window::Anchor;
    use super::*;

    const CELL: CellId = CellId { account: 0, pool: 0 };

    fn upstream(outages: Vec<Outage>) -> Upstream {
        let window = Window::new(3, Duration::from_secs(60), Anchor::Wall);
        let quotas = vec![Quota::Window(window), Quota::Concurrent(Concurrent::new(2))];
        Upstream::new(1, vec![Meter { quotas, hints: HintStyle::Exact, tells: true, others: None }], outages)
    }

    fn verdict(upstream: &mut Upstream, seconds: u64) -> Verdict {
        upstream.judge(CELL, Millis(seconds * 1_000), &mut Rng::new(0)).verdict
    }

    #[test]
    fn all_quotas_have_to_allow_a_request_and_a_refused_one_costs_nothing() {
        let mut upstream = upstream(Vec::new());
        assert_eq!([verdict(&mut upstream, 1), verdict(&mut upstream, 1)], [Verdict::Good; 2]);
        assert!(matches!(verdict(&mut upstream, 1), Verdict::Limited(_)), "two are under way");
        upstream.leave(CELL);
        assert_eq!(verdict(&mut upstream, 2), Verdict::Good, "the third of the window");
        upstream.leave(CELL);
        let wait = Hint::After(Duration::from_secs(50));
        assert_eq!(verdict(&mut upstream, 10), Verdict::Limited(Some(wait)));
        assert_eq!(verdict(&mut upstream, 60), Verdict::Good);
    }

    #[test]
    fn an_outage_stands_above_the_quotas() {
        let trouble = Trouble::ServerError;
        let outage = Outage { from: Millis(5_000), until: Millis(9_000), account: None, trouble, share: 1.0 };
        let mut upstream = upstream(vec![outage]);
        assert_eq!(verdict(&mut upstream, 5), Verdict::ServerError);
        assert_eq!(verdict(&mut upstream, 9), Verdict::Good);
    }

    #[test]
    fn an_answer_tells_what_is_left() {
        let answer = upstream(Vec::new()).judge(CELL, Millis(20_000), &mut Rng::new(0));
        let expected = Reading { left: 2, capacity: 3, reset: Duration::from_secs(40) };
        assert_eq!(answer.reading, Some(expected));
    }
}
