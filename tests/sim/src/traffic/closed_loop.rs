//! A closed loop: sessions that always have so many requests under way or in line, until the run is over.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::rng::Rng;
use crate::router::{Ask, Pin, Session};

use super::{Arrival, End, Traffic};

/// The pause of a caller that was not told when to come again.
const PAUSE: Duration = Duration::from_secs(1);

/// Sessions with these many requests at a time.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    rng: Rng,
    parallel: Vec<u32>,
    until: Millis,
}

impl ClosedLoop {
    /// Makes one session for each entry, which asks until the run is over.
    pub fn new(parallel: Vec<u32>, run: Duration, rng: Rng) -> Self {
        Self { rng, parallel, until: Millis::START.after(run) }
    }

    fn ask(&mut self, session: Session, at: Millis, coming: &mut Vec<Arrival>) {
        if at < self.until {
            let (ask, seed) = (Ask { session, pin: Pin::Nothing }, self.rng.any());
            coming.push(Arrival { at, since: at, visit: 0, ask, patience: None, cancel_after: None, seed });
        }
    }
}

impl Traffic for ClosedLoop {
    fn begin(&mut self, coming: &mut Vec<Arrival>) {
        for (session, parallel) in (0..).zip(self.parallel.clone()) {
            for _ in 0..parallel {
                let at = Millis::START.after(self.rng.millis(0, 1_000));
                self.ask(Session(session), at, coming);
            }
        }
    }

    fn arrived(&mut self, _: &Arrival, _: &mut Vec<Arrival>) {}

    /// A caller that was refused comes again when it was told to, or else after a second.
    fn ended(&mut self, arrival: &Arrival, end: End, now: Millis, coming: &mut Vec<Arrival>) {
        let again = match end {
            End::Refused { retry_at } => retry_at.unwrap_or(now.after(PAUSE)).max(now),
            End::Failed => now.after(PAUSE),
            End::Served | End::Cancelled => now,
        };
        let at = again.after(self.rng.millis(1, 20));
        self.ask(arrival.ask.session, at, coming);
    }
}
