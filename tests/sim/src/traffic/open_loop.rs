//! Open loop: requests come at a rate, whether or not they are served.
//!
//! So demand is an input of the measurement. A caller that gets a 429 comes again when it was told to, or
//! with pauses that double, until its patience ends; then the request is lost.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::rng::Rng;
use crate::router::{Ask, Pin, Session};

use super::{Arrival, End, Traffic};

/// How long a caller tries; what a router may hold a request is the same, so that none has an advantage.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A caller does not hang up in the instant in which a router says that it is too late.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The first pause of a caller that was not told when to come again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How requests are spread over sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// All sessions ask as much as each other.
    Equal,
    /// The session number n asks 1/n as much as the first (Zipf).
    Skewed,
}

/// Requests at an even rate, with pauses that have no memory.
#[derive(Clone, Debug)]
pub struct OpenLoop {
    rng: Rng,
    mean_gap: Duration,
    until: Millis,
    /// The share of the sessions up to each, growing to 1.
    sessions: Vec<f64>,
    clock: f64,
}

impl OpenLoop {
    /// Makes traffic of so many requests in a run.
    pub fn new(requests: f64, run: Duration, sessions: usize, skew: Skew, rng: Rng) -> Self {
        let mean_gap = run.div_f64(requests);
        let until = Millis(run.as_millis() as u64);
        Self { rng, mean_gap, until, sessions: shares(sessions, skew), clock: 0.0 }
    }

    fn next(&mut self, coming: &mut Vec<Arrival>) {
        self.clock += self.rng.exponential(self.mean_gap).as_secs_f64();
        let at = Millis((self.clock * 1_000.0) as u64);
        if at < self.until {
            let ask = Ask { session: self.session(), pin: Pin::Nothing };
            let seed = self.rng.any();
            let patience = Some(PATIENCE + A_MOMENT);
            coming.push(Arrival { at, since: at, visit: 0, ask, patience, cancel_after: None, seed });
        }
    }

    fn session(&mut self) -> Session {
        let drawn = self.rng.unit();
        Session(self.sessions.partition_point(|share| *share <= drawn) as u32)
    }
}

impl Traffic for OpenLoop {
    fn begin(&mut self, coming: &mut Vec<Arrival>) {
        self.next(coming);
    }

    fn arrived(&mut self, arrival: &Arrival, coming: &mut Vec<Arrival>) {
        if arrival.visit == 0 {
            self.next(coming);
        }
    }

    fn ended(&mut self, arrival: &Arrival, end: End, now: Millis, coming: &mut Vec<Arrival>) {
        let End::Refused { retry_at } = end else { return };
        let pause = FIRST_PAUSE * (1 << arrival.visit.min(6));
        let at = retry_at.unwrap_or(now.after(pause)).max(now.after(FIRST_PAUSE));
        if at.since(arrival.since) <= PATIENCE {
            let visit = arrival.visit.saturating_add(1);
            let patience = Some(PATIENCE + A_MOMENT - at.since(arrival.since));
            coming.push(Arrival { at, visit, patience, seed: arrival.seed.rotate_left(7), ..*arrival });
        }
    }
}

fn shares(sessions: usize, skew: Skew) -> Vec<f64> {
    let weight = |number: usize| match skew {
        Skew::Equal => 1.0,
        Skew::Skewed => 1.0 / (number + 1) as f64,
    };
    let total: f64 = (0..sessions).map(weight).sum();
    let mut sum = 0.0;
    let mut shares: Vec<_> = (0..sessions)
        .map(|number| {
            sum += weight(number) / total;
            sum
        })
        .collect();
    shares[sessions - 1] = 1.0;
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_requests_come_as_were_asked_for_and_the_first_session_asks_most() {
        let run = Duration::from_secs(1_000);
        let mut traffic = OpenLoop::new(10_000.0, run, 8, Skew::Skewed, Rng::new(1));
        let mut coming = Vec::new();
        traffic.begin(&mut coming);
        let mut all = Vec::new();
        while let Some(arrival) = coming.pop() {
            all.push(arrival.ask.session.0);
            traffic.arrived(&arrival, &mut coming);
        }
        assert!((9_700..10_300).contains(&all.len()));
        let of = |session: u32| all.iter().filter(|own| **own == session).count();
        assert!(of(0) > 3 * of(3), "1 to 1/4");
        assert!(of(7) > 0);
    }

    #[test]
    fn a_refused_caller_comes_again_until_its_patience_ends() {
        let mut traffic = OpenLoop::new(1.0, Duration::from_secs(1), 1, Skew::Equal, Rng::new(1));
        let ask = Ask { session: Session(0), pin: Pin::Nothing };
        let (at, patience, cancel_after) = (Millis(0), None, None);
        let arrival = Arrival { at, since: at, visit: 0, ask, patience, cancel_after, seed: 1 };
        let again = |traffic: &mut OpenLoop, at: u64| {
            let mut coming = Vec::new();
            let end = End::Refused { retry_at: Some(Millis(at)) };
            traffic.ended(&arrival, end, Millis(0), &mut coming);
            coming.first().map(|arrival| arrival.at)
        };
        assert_eq!(again(&mut traffic, 90_000), Some(Millis(90_000)));
        assert_eq!(again(&mut traffic, 121_000), None);
    }
}
