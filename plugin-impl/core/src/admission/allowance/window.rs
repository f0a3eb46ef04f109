//! A fixed window: a number of requests at any time, then none until the reset.

mod pace_fit;
mod parts;

use std::time::Duration;

use crate::admission::probe::Probe;
use crate::time::{Millis, Span};

use super::calendar::{Between, Calendar, Reset, next_usual};
use super::pace::Pace;
use super::state::{AllowancePermit, By, Closure, Experience};

use self::parts::{Capacity, OverCapacity, Previous, Refusals, ToldReset, WindowUsage};

/// The pause for everybody else while a probe of a reset is out. A refusal comes soon, only a good head
/// takes long.
const PROBE_PATIENCE: Duration = Duration::from_secs(4);

/// Upstreams report waits in whole seconds, rounded up, and an answer travels for a part of a second.
const ROUNDING: Span = Span(1_200);

/// The least wait before a probe for a pool with even refill.
const SOON: Duration = Duration::from_secs(1);

/// The greatest length of a short window: a refusal there costs little, and a probe delays much.
const SHORT: Span = Span::from_secs(20);
/// The least length of a window. What seems shorter is mostly a bucket not yet known as a bucket.
const SHORTEST: Span = Span(2_500);

/// A window that admitted as many was hardly closed by other users of the quota.
const MANY: u32 = 16;

/// The fewest unanswered requests allowed while the capacity is uncertain; beyond it, as many as have
/// succeeded.
const A_FEW: u32 = 4;

/// A capacity below 1/2 of the capacity counted before may be lower because others used the rest.
const MUCH_LESS: u32 = 2;

/// A usual length up to 4 times the longest refused span is taken as the window's: the refusals have
/// excluded every shorter length.
const NEAR_EXCLUDED: u64 = 4;

/// The first step between tries after the predicted end, as a part of the length: an end that is off by a few
/// percent is found by the first steps.
const LATE_STEP: u64 = 32;
/// The least such step, so that a short window is not hammered.
const LEAST_LATE_STEP: Span = Span(500);
/// The steps double up to 16 times the first, half a length.
const LATE_DOUBLINGS: u8 = 4;

/// The learned facts about a window, and the events of the current window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Window {
    capacity: Capacity,
    calendar: Calendar,
    phase: WindowPhase,
    usage: WindowUsage,
    refusals: Refusals,
    previous: Previous,
    over_capacity: OverCapacity,
    /// The greatest span from a window's first 429 to a later refusal in the window: no window is shorter.
    outlasted: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum WindowPhase {
    /// No request was ever admitted.
    #[default]
    Unused,
    Open,
    Shut {
        until: Millis,
    },
    /// Probes of the reset are out; the next may go at `until`.
    Trying {
        until: Millis,
        probes: u32,
    },
}

/// The continuation of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum WindowStep {
    Same,
    Another,
    /// The limit is no window: requests follow a pace.
    Pace(Pace),
}

impl Window {
    /// Makes a window of unknown capacity.
    pub(super) fn vague() -> Self {
        Self { capacity: Capacity { is_vague: true, ..Capacity::default() }, ..Self::default() }
    }

    pub(super) fn closed(&self) -> Option<Closure> {
        match self.phase {
            WindowPhase::Unused | WindowPhase::Open => self.is_groping().then(|| self.groping()),
            WindowPhase::Shut { until } => {
                let over_capacity = !self.refusals.any() && self.over_capacity.is_due();
                Some(Closure { until, by: By::Predicted { over_capacity } })
            }
            WindowPhase::Trying { until, .. } => Some(Closure { until, by: By::Probe }),
        }
    }

    pub(super) fn foresees(&self) -> bool {
        self.refusals.told.is_some() || self.calendar.length().is_some()
    }

    /// Returns whether an unknown limit may be near: a whole wait queue would run into it before the first
    /// answer. So at most as many requests go at once as have succeeded.
    fn is_groping(&self) -> bool {
        let WindowUsage { used, good, unanswered, .. } = self.usage;
        match self.capacity.limit.filter(|capacity| used >= *capacity) {
            Some(_) if self.is_bound() => unanswered >= A_FEW,
            Some(capacity) => unanswered.min(used - capacity) > good.saturating_sub(capacity),
            None => self.capacity.is_vague && unanswered >= good.max(A_FEW),
        }
    }

    /// Returns whether the capacity is a bound now. In short windows, where a refusal costs little, requests
    /// go beyond the capacity now and then, whoever else is open.
    fn is_bound(&self) -> bool {
        let is_short = self.calendar.length().is_some_and(|length| (SHORTEST..=SHORT).contains(&length));
        let tries_more = is_short && self.over_capacity.windows_left == 0;
        self.capacity.is_sure && !tries_more
    }

    fn is_full(&self) -> bool {
        self.capacity.limit.is_some_and(|capacity| self.usage.used >= capacity)
    }

    fn groping(&self) -> Closure {
        Closure { until: self.usage.last_sent.after(PROBE_PATIENCE), by: By::Probe }
    }

    /// Takes a free place, or makes the request a probe.
    pub(super) fn admit(&mut self, now: Millis) -> (Option<Probe>, WindowStep) {
        match self.phase {
            WindowPhase::Unused => {
                self.phase = WindowPhase::Open;
                self.usage = WindowUsage::begun(now).exactly();
                self.count(now);
                (None, WindowStep::Same)
            }
            WindowPhase::Open => (None, self.admit_open(now)),
            WindowPhase::Shut { until } if now < until => {
                self.over_capacity.is_out = true;
                self.usage.used += 1;
                (Some(Probe::OverCapacity), WindowStep::Same)
            }
            WindowPhase::Shut { .. } if self.needs_no_probe() => {
                self.begin(WindowUsage::begun(now).exactly().whole());
                self.count(now);
                (None, WindowStep::Another)
            }
            WindowPhase::Shut { .. } => self.send_probe(1, now),
            WindowPhase::Trying { probes, .. } => self.send_probe(probes + 1, now),
        }
    }

    fn admit_open(&mut self, now: Millis) -> WindowStep {
        let end = self.calendar.end(self.usage.start);
        let over = end.is_some_and(|end| now >= end.most);
        if over {
            self.turn_over(now);
        }
        self.usage.on_the_edge += u32::from(end.is_some_and(|end| !over && now > end.over));
        self.count(now);
        if over { WindowStep::Another } else { WindowStep::Same }
    }

    fn send_probe(&mut self, probes: u32, now: Millis) -> (Option<Probe>, WindowStep) {
        self.phase = WindowPhase::Trying { until: now.after(PROBE_PATIENCE), probes };
        (Some(Probe::AfterReset), WindowStep::Same)
    }

    /// Ends a window that was not exhausted. Nobody saw the reset, so requests sent in the possible span of
    /// the reset count in both windows.
    fn turn_over(&mut self, now: Millis) {
        let on_the_edge = self.usage.on_the_edge;
        let usage = WindowUsage { used: on_the_edge, ..WindowUsage::begun(now) };
        // A request on the edge may have been the first of the new window.
        self.begin(if on_the_edge == 0 { usage.exactly() } else { usage });
    }

    /// In short windows of certain length, a probe costs more than it saves.
    fn needs_no_probe(&self) -> bool {
        let (Some(length), Some(end)) = (self.calendar.length(), self.calendar.end(self.usage.start)) else {
            return false;
        };
        end.is_precise(length) && !self.refusals.any() && length <= SHORT
    }

    fn count(&mut self, now: Millis) {
        self.usage.used += 1;
        self.usage.unanswered += 1;
        self.usage.last_sent = now;
        self.shut_if_full(now);
    }

    fn shut_if_full(&mut self, now: Millis) {
        if self.is_bound()
            && self.is_full()
            && let Some(until) = self.next_try(now)
        {
            self.phase = WindowPhase::Shut { until };
        }
    }

    pub(super) fn confirm(&mut self, permit: AllowancePermit) -> WindowStep {
        match permit.probe {
            None => {
                self.usage.answered();
                self.usage.good += 1;
                WindowStep::Same
            }
            Some(Probe::OverCapacity) => {
                self.over_capacity = OverCapacity { is_out: false, rarity: 0, ..self.over_capacity };
                self.capacity.limit = self.capacity.limit.map(|capacity| capacity.max(self.usage.used));
                self.usage.good += 1;
                self.grow();
                WindowStep::Same
            }
            Some(Probe::AfterReset) => {
                let WindowPhase::Trying { probes, .. } = self.phase else { return WindowStep::Same };
                self.reset(permit.sent, probes)
            }
            Some(Probe::Early(_)) => {
                let WindowPhase::Shut { .. } = self.phase else { return WindowStep::Same };
                self.reset(permit.sent, 1)
            }
        }
    }

    /// Notes that more than the capacity was admitted, so that the capacity is a bound no longer.
    fn grow(&mut self) {
        self.capacity.is_sure = false;
        if !self.refusals.any() && matches!(self.phase, WindowPhase::Shut { .. }) {
            self.phase = WindowPhase::Open;
        }
    }

    /// Returns whether an answer lets more requests go than before.
    pub(super) fn frees_a_place(&self, permit: AllowancePermit) -> bool {
        permit.is_probe() || self.is_groping()
    }

    /// Begins the next window after a good head, sent at `sent`. Up to `probes` probes, this probe
    /// included, may have been admitted.
    fn reset(&mut self, sent: Millis, probes: u32) -> WindowStep {
        if let Some(pace) = self.as_pace(sent) {
            return WindowStep::Pace(pace);
        }
        self.learn_capacity();
        self.note_reset(sent);
        // Of several probes, an earlier probe may have been the first request of the window.
        let usage =
            WindowUsage { used: probes, good: 1, start_is_exact: probes == 1, ..WindowUsage::begun(sent) };
        self.begin(usage.whole());
        self.shut_if_full(sent);
        WindowStep::Another
    }

    /// Learns the capacity: an exhausted window has admitted as many requests as it can.
    fn learn_capacity(&mut self) {
        let WindowUsage { used, whole, .. } = self.usage;
        // A window that admitted nothing was closed by others, and tells nothing of its capacity.
        if !self.refusals.any() || used == 0 {
            return;
        }
        // A window with an unseen beginning is no better than a known capacity.
        if !whole && self.capacity.limit.is_some() {
            return;
        }
        let is_less = self.capacity.counted().is_some_and(|capacity| used * MUCH_LESS < capacity);
        self.capacity = Capacity {
            limit: Some(used),
            is_sure: if whole { !is_less } else { used >= MANY },
            is_counted: whole,
            // Without a learned length, unseen resets are possible at any time.
            is_vague: !whole || self.calendar.length().is_none(),
        };
    }

    fn note_reset(&mut self, seen: Millis) {
        let Some(trip) = self.refusals.first else { return };
        let told = self.refusals.told.map(|told| told.reset).filter(|told| told.over < seen);
        // The reset came after the last refused request, and at the latest when a probe succeeded.
        let over = self.refusals.sent.max(told.map_or(Millis::START, |told| told.over)).min(seen - Span(1));
        let most = told.map_or(seen, |told| told.most.min(seen)).max(over + Span(1));
        let is_dated = self.usage.start_is_exact && self.usage.used > 0;
        let start = is_dated.then_some(self.usage.start);
        self.calendar.note(Reset { start, trip, came: Between { over, most } });
    }

    fn begin(&mut self, usage: WindowUsage) {
        self.previous = self.previous.followed_by(&self.usage, &self.refusals);
        self.phase = WindowPhase::Open;
        self.usage = usage;
        self.refusals = Refusals::default();
        self.over_capacity = self.over_capacity.in_next_window();
    }

    /// Records a 429 of the current window. Returns the end of the closure; none if the current guess stays in
    /// force.
    pub(super) fn refuse(
        &mut self,
        permit: AllowancePermit,
        told: Option<Millis>,
        guess: Millis,
        now: Millis,
    ) -> Option<Millis> {
        self.take_back_refused(permit);
        if matches!(permit.probe, Some(Probe::Early(_))) {
            told?; // Without a reported end, the guess goes on.
        }
        if !self.refusals.any() {
            self.refusals.first = Some(now);
            self.capacity.is_vague |= self.capacity.limit.is_none();
        }
        self.outlasts(permit.sent);
        if told.is_none() && !self.usage.whole && self.calendar.length().is_none() {
            // Any number of windows may have passed since the first request.
            self.usage.start_is_exact = false;
        }
        if let Some(until) = told {
            self.refusals.told = Some(ToldReset::read(until, permit.sent, now));
        }
        let until = told.or_else(|| self.next_try(now)).unwrap_or_else(|| self.untaught_try(guess, now));
        self.phase = WindowPhase::Shut { until };
        Some(until)
    }

    /// Takes back the place of a refused request.
    fn take_back_refused(&mut self, permit: AllowancePermit) {
        match permit.probe {
            Some(Probe::AfterReset) => self.refusals.probes = self.refusals.probes.saturating_add(1),
            Some(Probe::Early(_)) => self.outlasts(permit.sent),
            Some(Probe::OverCapacity) => {
                self.usage.take_back();
                self.over_capacity = self.over_capacity.refused();
            }
            None => {
                self.usage.take_back();
                self.usage.answered();
                if !self.refusals.any() {
                    self.over_capacity = OverCapacity { rarity: 0, windows_left: 1, ..self.over_capacity };
                }
            }
        }
    }

    /// Notes that the window still lasted at the sending of this request.
    fn outlasts(&mut self, sent: Millis) {
        self.refusals.sent = self.refusals.sent.max(sent);
        let trip = self.refusals.first.unwrap_or(self.previous.first_429);
        self.outlasted = self.outlasted.max(sent - trip);
    }

    /// Returns the next try without learned resets: the end of the shortest usual window length still
    /// possible. An earlier guess goes first, unless the length is close to the excluded lengths.
    ///
    /// A pool with fewer requests after a reset than before may fill evenly. An early try shows soon.
    fn untaught_try(&self, guess: Millis, now: Millis) -> Millis {
        if self.refusals.probes == 0
            && let Some(interval) = self.interval_if_few()
        {
            return guess.min(now.after((interval * 2).max(SOON)));
        }
        // The window has lasted this long already, so shorter lengths are excluded.
        let past = (now - self.usage.start).max(self.outlasted);
        let Some(length) = next_usual(Between { over: past, most: Span::MAX }) else { return guess };
        let end = self.usage.start + length;
        let is_near = length <= self.outlasted * NEAR_EXCLUDED;
        if self.usage.start_is_exact && is_near { end } else { end.min(guess) }
    }

    /// Corrects the capacity after a late refusal of the previous window: one request less was admitted
    /// than counted.
    pub(super) fn refuse_late(&mut self, turns: u16) {
        if turns == 1 && self.usage.whole {
            self.capacity.limit = self.capacity.limit.map(|capacity| capacity.saturating_sub(1).max(1));
        }
    }

    /// Returns the next try by the learned resets.
    fn next_try(&self, now: Millis) -> Option<Millis> {
        let (length, end) = (self.calendar.length()?, self.calendar.end(self.usage.start)?);
        let open = Between { over: end.over.max(self.refusals.sent), most: end.most };
        // The middle is worth one try: after a refusal there, only the latest end is left.
        let middle = if self.refusals.probes == 0 { middle(open, length) } else { None };
        let mut tries = [self.usual_between(open), middle, Some(open.most)].into_iter().flatten();
        // After the latest end, the steps between tries double.
        let doubled = 1 << self.refusals.probes.min(LATE_DOUBLINGS);
        let step = (length / LATE_STEP).max(LEAST_LATE_STEP) * doubled;
        Some(tries.find(|next| *next > now).unwrap_or(now + step))
    }

    /// Returns the first end in a span that fits a usual window length.
    fn usual_between(&self, open: Between<Millis>) -> Option<Millis> {
        let usual = next_usual(open.since(self.usage.start))?;
        self.usage.start_is_exact.then_some(self.usage.start + usual)
    }

    pub(super) fn forgive(&mut self, permit: AllowancePermit) {
        match permit.probe {
            None => {
                self.usage.take_back();
                self.usage.answered();
            }
            Some(Probe::OverCapacity) => {
                self.usage.take_back();
                self.over_capacity.is_out = false;
            }
            Some(Probe::AfterReset) => self.free_probe(1),
            Some(Probe::Early(_)) => {}
        }
        let is_shut = matches!(self.phase, WindowPhase::Shut { .. });
        if is_shut && !self.is_full() && !self.refusals.any() {
            self.phase = WindowPhase::Open;
        }
    }

    pub(super) fn abandon(&mut self, permit: AllowancePermit) {
        match permit.probe {
            None => self.usage.answered(),
            Some(Probe::Early(_)) => {}
            Some(Probe::OverCapacity) => self.over_capacity.is_out = false,
            Some(Probe::AfterReset) => self.free_probe(0),
        }
    }

    /// Frees a probe's place for the next probe at once.
    fn free_probe(&mut self, fewer: u32) {
        if let WindowPhase::Trying { probes, .. } = self.phase {
            self.phase = WindowPhase::Trying { until: Millis::START, probes: probes.saturating_sub(fewer) };
        }
    }

    pub(super) fn experience(&self) -> Experience {
        let span = self.calendar.length().map(|length| length.0);
        Experience { capacity: self.capacity.limit, used: self.usage.used, span, until: None }
    }
}

/// Returns the middle of the possible span of the end, if a try there is worth a refusal.
fn middle(open: Between<Millis>, length: Span) -> Option<Millis> {
    let worth = open.over < open.most && !open.is_precise(length);
    worth.then(|| open.over + (open.most - open.over) / 2)
}
