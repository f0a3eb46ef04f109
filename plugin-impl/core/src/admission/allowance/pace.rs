//! A pace: one request each so many milliseconds, and a few at once after a pause.
//!
//! It mirrors the upstream's token bucket. Each 429 says that the bucket is empty: from one to the next,
//! what was let in divides the time into intervals, the more exactly the longer it took.

use std::time::Duration;

use crate::time::Millis;

use super::state::{By, Closed, Experience, Part, Ticket};
use super::window::Window;

/// After so many refusals in a row nothing is filling: it was a window after all.
const NOT_FILLING: u8 = 3;

/// The fewest and the most requests between two explorations.
const EXPLORE: [u32; 2] = [8, 256];

/// So many tokens from one instant to another tell the interval well enough to begin anew.
const LONG: u32 = 16;

/// So many explorers may go well because a fraction of a token was there.
const CHANCE: u32 = 4;

/// A bucket as we believe it to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// How long one token takes to come, in milliseconds.
    interval: f64,
    /// How many tokens it holds.
    burst: f64,
    level: f64,
    at: Millis,
    /// The last instant at which it was empty, and what was let in since.
    empty: Millis,
    used: u32,
    /// An earlier one, from which the interval is measured, and what was let in between the two.
    base: Millis,
    before: u32,
    /// Tokens lay unused meanwhile, and some may have been lost: time divided by requests is an upper bound.
    loose: bool,
    /// Explorers that went well since it was empty. Many of them have found tokens of which nothing was known,
    /// and others may have been lost.
    found: u32,
    /// From how many requests the interval is known.
    known_by: u32,
    /// When to explore, in requests since it was empty.
    explore_at: u32,
    exploring: bool,
    refused: u8,
}

impl Pace {
    /// Begins with a bucket that was empty at `trip`, of which a pilot has taken a token at `sent`.
    pub(super) fn new(interval: Duration, known_by: u32, burst: u32, trip: Millis, sent: Millis) -> Self {
        let interval = millis(interval).max(1.0);
        let came = millis(sent.since(trip)) / interval;
        Self {
            interval,
            burst: f64::from(burst.max(1)),
            level: (came - 1.0).clamp(0.0, 1.0),
            at: sent,
            empty: trip,
            used: 1,
            base: trip,
            before: 0,
            loose: came >= 2.0,
            found: 0,
            known_by,
            explore_at: EXPLORE[0],
            exploring: false,
            refused: 0,
        }
    }

    /// The bucket is empty; where the end was told, it says how far the next token has come.
    fn drain(&mut self, told: Option<Millis>, now: Millis) {
        let missing = told.map_or(1.0, |until| millis(until.since(now)) / self.interval);
        (self.level, self.at) = (1.0 - missing, now);
    }

    fn level(&self, now: Millis) -> f64 {
        self.came_by(now).min(self.burst.max(1.0))
    }

    /// Returns what there would be if nothing could be lost.
    fn came_by(&self, now: Millis) -> f64 {
        self.level + now.0.saturating_sub(self.at.0) as f64 / self.interval
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        // What is a rounding away from a token is one.
        if self.level >= 0.999 {
            return None;
        }
        let wait = ((1.0 - self.level) * self.interval).ceil() as u64;
        let explorable = self.used >= self.explore_at && !self.exploring;
        Some(Closed { until: Millis(self.at.0 + wait), by: By::Learned { explorable } })
    }

    pub(super) fn admit(&mut self, now: Millis) -> Part {
        let level = self.level(now);
        let has_token = self.closed().is_none_or(|closed| now >= closed.until);
        self.loose |= self.came_by(now) >= 2.0;
        (self.level, self.at) = (level - 1.0, now);
        self.used += 1;
        if has_token {
            return Part::Counted;
        }
        self.exploring = true;
        Part::Explorer
    }

    /// Takes note of a good head. Returns whether more may go than before.
    pub(super) fn confirm(&mut self, ticket: Ticket) -> bool {
        self.refused = 0;
        if ticket.part != Part::Explorer {
            return false;
        }
        self.exploring = false;
        self.found += 1;
        self.level += 1.0;
        if self.loose {
            self.burst += 1.0;
        }
        // A sure interval is hardly moved by one token that was over.
        self.interval = (self.interval * (1.0 - 1.0 / f64::from(4 + self.known_by))).max(1.0);
        true
    }

    pub(super) fn refuse(&mut self, ticket: Ticket, told: Option<Millis>, now: Millis) -> Option<Millis> {
        self.used = self.used.saturating_sub(1);
        self.refused = self.refused.saturating_add(1);
        if told.is_some() {
            self.found = 0; // What is told sets the level right each time.
        }
        if ticket.part == Part::Explorer {
            let pause = if self.found > CHANCE { EXPLORE[0] } else { self.used * 2 };
            self.explore_at = pause.clamp(EXPLORE[0], EXPLORE[1]);
        }
        if ticket.part != Part::Explorer && self.loose {
            self.slow_down();
        }
        self.learn_interval(ticket.sent);
        (self.exploring, self.empty, self.used) = (false, ticket.sent, 0);
        self.drain(told, now);
        if told.is_none() {
            self.level -= f64::from(self.refused.saturating_sub(1));
            return self.closed().map(|closed| closed.until);
        }
        None
    }

    /// Tokens lay unused and yet there were too few: it holds fewer, or they come more slowly.
    fn slow_down(&mut self) {
        self.burst = (self.burst / 2.0).max(1.0);
        self.interval *= 1.0 + 1.0 / f64::from(4 + self.known_by);
    }

    /// Between two instants at which it was empty, so many tokens came.
    fn learn_interval(&mut self, now: Millis) {
        let came = self.before + self.used;
        self.loose |= std::mem::take(&mut self.found) > CHANCE;
        if came < 2 {
            self.before = came;
            return;
        }
        let (span, count) = (millis(now.since(self.base)), f64::from(came));
        if std::mem::take(&mut self.loose) {
            self.interval = self.interval.min(span / (count - 1.0)).max(1.0);
            (self.base, self.before) = (now, 0);
            return;
        }
        let fits = (span / (count + 1.0)..=span / (count - 1.0)).contains(&self.interval);
        if came * 2 >= self.known_by || !fits {
            self.interval = (span / count).max(1.0);
            self.known_by = came;
        }
        let is_long = self.used >= LONG || came >= 4 * LONG;
        (self.base, self.before) = if is_long { (now, 0) } else { (self.base, came) };
    }

    pub(super) fn forgive(&mut self, ticket: Ticket) {
        self.used = self.used.saturating_sub(1);
        self.level += 1.0;
        self.abandon(ticket);
    }

    pub(super) fn abandon(&mut self, ticket: Ticket) {
        if ticket.part == Part::Explorer {
            self.exploring = false;
        }
    }

    /// Returns the window that this really is, if nothing fills.
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
