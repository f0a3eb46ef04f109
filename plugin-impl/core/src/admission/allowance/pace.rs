//! A pace: a request per interval, and a few at once after a pause.
//!
//! The model mirrors the upstream's token bucket. Each 429 means an empty bucket: the time between two
//! 429s, divided by the requests admitted in between, is the interval. The longer the time, the more exact
//! the interval.

use std::time::Duration;

use crate::admission::probe::Probe;
use crate::time::Millis;

use super::state::{AllowancePermit, By, Closure, Experience};
use super::window::Window;

/// The consecutive refusals after which nothing is filling: the limit was a window after all.
const NOT_FILLING: u8 = 3;

/// The fewest and the most requests between two over-capacity probes.
const PROBE_AFTER: [u32; 2] = [8, 256];

/// The number of tokens that measures the interval well enough to begin anew.
const LONG: u32 = 16;

/// The number of successful probes explained by a fraction of a token.
const CHANCE: u32 = 4;

/// Upstreams tell waits in whole seconds, rounded up.
const ROUNDING: Duration = Duration::from_secs(1);

/// A bucket as we believe it to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// The time per token, in milliseconds.
    interval: f64,
    /// The capacity in tokens.
    burst: f64,
    level: f64,
    at: Millis,
    /// The last instant of an empty bucket. `used` counts the requests admitted since.
    empty: Millis,
    used: u32,
    measure: Measure,
    probing: Probing,
    refused: u8,
    /// The last refusal said until when.
    is_told: bool,
}

/// The measurement of the interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measure {
    /// An earlier empty instant, the base of the measurement.
    base: Millis,
    /// The requests from `base` to the last empty instant.
    before: u32,
    /// Tokens lay unused meanwhile, and some may have been lost: time divided by requests is an upper
    /// bound.
    loose: bool,
    /// The number of requests behind the measured interval.
    known_by: u32,
}

impl Measure {
    /// Begins the next measurement at an empty instant.
    fn restart(&mut self, empty: Millis) {
        self.base = empty;
        self.before = 0;
    }
}

/// The over-capacity probes of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Probing {
    /// Successful probes since the bucket was empty. Many successes have found unknown tokens, and more tokens
    /// may have been lost.
    found: u32,
    /// The requests from the empty bucket to the next probe.
    due_at: u32,
    is_out: bool,
}

impl Pace {
    /// Begins with a bucket empty at `trip`; a probe has taken a token at `sent`.
    pub(super) fn new(interval: Duration, known_by: u32, burst: u32, trip: Millis, sent: Millis) -> Self {
        let interval = millis(interval).max(1.0);
        // In tokens; two or more mean that some may have overflowed unseen.
        let came = millis(sent.since(trip)) / interval;
        Self {
            interval,
            burst: f64::from(burst.max(1)),
            level: (came - 1.0).clamp(0.0, 1.0),
            at: sent,
            empty: trip,
            used: 1,
            measure: Measure { base: trip, before: 0, loose: came >= 2.0, known_by },
            probing: Probing { found: 0, due_at: PROBE_AFTER[0], is_out: false },
            refused: 0,
            is_told: false,
        }
    }

    /// Empties the bucket; a reported end gives the time to the next token.
    fn drain(&mut self, told: Option<Millis>, now: Millis) {
        let missing = told.map_or(1.0, |until| self.missing(until.since(now)));
        self.level = 1.0 - missing;
        self.at = now;
    }

    /// Returns how much of a token is missing where so long a wait was told. An empty bucket misses one token at
    /// most; a longer wait than that takes is rounded up to a whole second.
    fn missing(&self, wait: Duration) -> f64 {
        let told = millis(wait) / self.interval;
        let exact = millis(wait.saturating_sub(ROUNDING)) / self.interval;
        told.min(exact.max(1.0))
    }

    fn level(&self, now: Millis) -> f64 {
        self.came_by(now).min(self.burst.max(1.0))
    }

    /// Returns the tokens without any loss to a full bucket.
    fn came_by(&self, now: Millis) -> f64 {
        self.level + now.0.saturating_sub(self.at.0) as f64 / self.interval
    }

    pub(super) fn closed(&self) -> Option<Closure> {
        let over_capacity = self.used >= self.probing.due_at && !self.probing.is_out;
        if over_capacity && self.is_told {
            return None; // It is tried whoever else is open: a wait that is told sets the level right again.
        }
        self.empty_until().map(|until| Closure { until, by: By::Predicted { over_capacity } })
    }

    /// Returns when the next token comes, unless there is one.
    fn empty_until(&self) -> Option<Millis> {
        // What is a rounding away from a token is one.
        let missing = 1.0 - self.level;
        (missing > 0.001).then(|| Millis(self.at.0 + (missing * self.interval).ceil() as u64))
    }

    pub(super) fn admit(&mut self, now: Millis) -> Option<Probe> {
        let level = self.level(now);
        let has_token = self.empty_until().is_none_or(|until| now >= until);
        self.measure.loose |= self.came_by(now) >= self.burst.max(2.0);
        self.level = level - 1.0;
        self.at = now;
        self.used += 1;
        if has_token {
            return None;
        }
        self.probing.is_out = true;
        Some(Probe::OverCapacity)
    }

    /// Records a good head. Returns whether more requests may go than before.
    pub(super) fn confirm(&mut self, permit: AllowancePermit) -> bool {
        self.refused = 0;
        if permit.probe != Some(Probe::OverCapacity) {
            return false;
        }
        self.probing.is_out = false;
        self.probing.found += 1;
        self.level += 1.0;
        // The probe found a token of an earlier pause: the bucket holds more.
        if self.measure.loose {
            self.burst += 1.0;
            if self.probing.found <= CHANCE {
                return true; // It may have lain there unused.
            }
        }
        if self.probing.found > CHANCE {
            self.measure.known_by /= 2; // So many tokens that nobody knew of: it fills faster than it did.
        }
        // A sure interval is hardly moved by one token that was over.
        self.interval = (self.interval * (1.0 - 1.0 / f64::from(4 + self.measure.known_by))).max(1.0);
        true
    }

    pub(super) fn refuse(
        &mut self,
        permit: AllowancePermit,
        told: Option<Millis>,
        now: Millis,
    ) -> Option<Millis> {
        self.used = self.used.saturating_sub(1);
        self.refused = self.refused.saturating_add(1);
        let was_guessed = self.probing.found > CHANCE;
        self.is_told = told.is_some();
        if told.is_some() {
            self.probing.found = 0; // What is told sets the level right each time.
        }
        if permit.probe == Some(Probe::OverCapacity) {
            let pause = if self.probing.found > CHANCE { PROBE_AFTER[0] } else { self.used * 2 };
            self.probing.due_at = pause.clamp(PROBE_AFTER[0], PROBE_AFTER[1]);
        }
        // An ordinary request was refused although the estimate had a token.
        if permit.probe != Some(Probe::OverCapacity) && self.measure.loose {
            self.slow_down();
        }
        self.learn_interval(permit.sent, was_guessed);
        self.probing.found = 0;
        self.probing.is_out = false;
        self.empty = permit.sent;
        self.used = 0;
        self.drain(told, now);
        if told.is_none() {
            // Without a reported end, each further refusal waits one interval longer.
            self.level -= f64::from(self.refused.saturating_sub(1));
            return self.empty_until();
        }
        None
    }

    /// Slows down after too few tokens in spite of a pause: the bucket holds fewer tokens, or tokens come
    /// more slowly.
    fn slow_down(&mut self) {
        self.burst = (self.burst / 2.0).max(1.0);
        self.interval *= 1.0 + 1.0 / f64::from(4 + self.measure.known_by);
    }

    /// Between two instants at which it was empty, so many tokens came.
    fn learn_interval(&mut self, now: Millis, was_guessed: bool) {
        let came = self.measure.before + self.used;
        if came < 2 {
            self.measure.before = came;
            return;
        }
        let (span, count) = (millis(now.since(self.measure.base)), f64::from(came));
        if was_guessed {
            // Over-capacity probes shortened the interval until a refusal, and the interval before may have been
            // too long: take the geometric mean.
            self.interval = (span / count * self.interval).sqrt().max(1.0);
            self.measure.known_by = came.min(CHANCE);
            self.measure.restart(now);
            self.measure.loose = false;
            return;
        }
        if std::mem::take(&mut self.measure.loose) {
            self.interval = self.interval.min(span / (count - 1.0)).max(1.0);
            self.measure.restart(now);
            return;
        }
        // An error of one token at either end is expected.
        let fits = (span / (count + 1.0)..=span / (count - 1.0)).contains(&self.interval);
        if came * 2 >= self.measure.known_by || !fits {
            self.interval = (span / count).max(1.0);
            self.measure.known_by = came;
        }
        let is_long = self.used >= LONG || came >= 4 * LONG;
        if is_long {
            self.measure.restart(now);
        } else {
            self.measure.before = came;
        }
    }

    pub(super) fn forgive(&mut self, permit: AllowancePermit) {
        self.used = self.used.saturating_sub(1);
        self.level += 1.0;
        self.abandon(permit);
    }

    pub(super) fn abandon(&mut self, permit: AllowancePermit) {
        if permit.probe == Some(Probe::OverCapacity) {
            self.probing.is_out = false;
        }
    }

    /// Returns the window behind the limit, if nothing fills.
    pub(super) fn as_window(&self, told: Option<Millis>, now: Millis) -> Option<Window> {
        let far = told.is_some_and(|until| millis(until.since(now)) > self.interval * 3.0 + 2_000.0);
        (far || self.refused >= NOT_FILLING).then(Window::vague)
    }

    pub(super) fn experience(&self) -> Experience {
        Experience { capacity: Some(1), used: 0, span: Some(self.interval as u64), until: None }
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
