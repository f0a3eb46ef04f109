//! A fixed window: a number of requests at any time, then none until the reset.

mod pace_fit;

use std::time::Duration;

use crate::time::Millis;

use super::calendar::{Between, Calendar, Reset, next_usual};
use super::pace::Pace;
use super::state::{AllowancePermit, By, Closure, Experience, PermitKind};

/// The pause for everybody else while a probe of a reset is out. A refusal comes soon, only a good head
/// takes long.
const PILOT_PATIENCE: Duration = Duration::from_secs(4);

/// The longest pause between two over-capacity probes: a power of two, in windows.
const RAREST: u8 = 6;

/// Upstreams report waits in whole seconds, rounded up.
const ROUNDING: Duration = Duration::from_millis(1_200);

/// The least wait before a probe for a pool with even refill.
const SOON: Duration = Duration::from_secs(1);

/// The greatest length of a short window, in milliseconds.
const SHORT: u64 = 20_000;
/// What seems to be a shorter window is mostly a bucket that is not known for one yet.
const SHORTEST: u64 = 2_500;

/// A window that has let in so many was hardly closed from outside.
const MANY: u32 = 16;

/// The fewest unanswered requests allowed while the capacity is uncertain; beyond it, as many as have
/// succeeded.
const A_FEW: u32 = 4;

/// The learned facts about a window, and the events of the current window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Window {
    capacity: Option<u32>,
    /// A limit was met, but the capacity of a window is not certain.
    is_vague: bool,
    /// The capacity is a bound. It is none where others may have used what is missing: where it comes from a
    /// window of which the beginning was not seen and is small, or is much less than it was. Then as many may
    /// be without an answer beyond it as have gone well there, and one more: 1, 2, 4, and all.
    is_sure: bool,
    /// The capacity is what a window let in whose beginning was seen.
    is_counted: bool,
    calendar: Calendar,
    phase: WindowPhase,
    /// The sending of the current window's first request.
    start: Millis,
    /// Whether `start` is exact: no earlier request belongs to the window.
    dated: bool,
    /// Whether the window began with an observed reset, so that `used` counts every admitted request.
    whole: bool,
    /// Requests admitted, or possibly admitted.
    used: u32,
    /// Part of `used`: requests that may belong to the next window already.
    on_the_edge: u32,
    /// Part of `used`: requests with a good head.
    good: u32,
    /// Part of `used`: requests without an answer yet. `last` is the sending of the latest.
    unanswered: u32,
    last: Millis,
    /// Whether a 429 has reported the window as exhausted.
    tripped: bool,
    /// The arrival of the window's first 429.
    trip: Millis,
    /// The first 429 of the previous exhausted window. `since_trip` counts the requests admitted from there
    /// to the current window.
    last_trip: Millis,
    since_trip: u32,
    /// The sending of the latest refused request.
    refused_at: Millis,
    /// The greatest distance from a window's first 429 to a later refusal in it, in milliseconds: no window
    /// is shorter.
    outlasted: u64,
    /// The reset reported by the latest 429, and the wait until then.
    told: Option<(Between, Duration)>,
    /// Refused probes of the current window.
    refused: u8,
    exploring: bool,
    /// The number of windows until the next over-capacity probe.
    explore_in: u8,
    /// The pause after the next refused over-capacity probe, as a power of two.
    rarity: u8,
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
        pilots: u32,
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
        Self { is_vague: true, ..Self::default() }
    }

    pub(super) fn closed(&self) -> Option<Closure> {
        match self.phase {
            WindowPhase::Unused | WindowPhase::Open => self.is_groping().then(|| self.groping()),
            WindowPhase::Shut { until } => {
                Some(Closure { until, by: By::Predicted { explorable: self.is_explorable() } })
            }
            WindowPhase::Trying { until, .. } => Some(Closure { until, by: By::Pilot }),
        }
    }

    fn is_explorable(&self) -> bool {
        !self.tripped && !self.exploring && self.explore_in == 0
    }

    pub(super) fn foresees(&self) -> bool {
        self.told.is_some() || self.calendar.length().is_some()
    }

    /// Returns whether an unknown limit may be near: a whole wait queue would run into it before the first
    /// answer. So at most as many requests go at once as have succeeded.
    fn is_groping(&self) -> bool {
        match self.capacity.filter(|capacity| self.used >= *capacity) {
            Some(_) if self.is_bound() => self.unanswered >= A_FEW,
            Some(capacity) => {
                let beyond = self.unanswered.min(self.used - capacity);
                beyond > self.good.saturating_sub(capacity)
            }
            None => self.is_vague && self.unanswered >= self.good.max(A_FEW),
        }
    }

    /// In short windows, where a refusal costs little, it is tried now and then whether there is more, whoever
    /// else is open.
    fn is_bound(&self) -> bool {
        let is_short = self.calendar.length().is_some_and(|length| (SHORTEST..=SHORT).contains(&length));
        self.is_sure && !(is_short && self.explore_in == 0)
    }

    fn is_full(&self) -> bool {
        self.capacity.is_some_and(|capacity| self.used >= capacity)
    }

    fn groping(&self) -> Closure {
        Closure { until: self.last.after(PILOT_PATIENCE), by: By::Pilot }
    }

    /// Takes a free place, or makes the request an over-capacity probe.
    pub(super) fn admit(&mut self, now: Millis) -> (PermitKind, WindowStep) {
        match self.phase {
            WindowPhase::Unused => {
                (self.phase, self.start, self.dated) = (WindowPhase::Open, now, true);
                self.count(now);
                (PermitKind::Counted, WindowStep::Same)
            }
            WindowPhase::Open => {
                let end = self.calendar.end(self.start);
                let over = end.is_some_and(|end| now.0 >= end.most);
                if over {
                    self.turn_over(now);
                }
                self.on_the_edge += u32::from(end.is_some_and(|end| !over && now.0 > end.over));
                self.count(now);
                (PermitKind::Counted, if over { WindowStep::Another } else { WindowStep::Same })
            }
            WindowPhase::Shut { until } if now < until => {
                self.exploring = true;
                self.used += 1;
                (PermitKind::Explorer, WindowStep::Same)
            }
            WindowPhase::Shut { .. } if self.needs_no_pilot() => {
                self.begin(now, 0);
                (self.whole, self.dated) = (true, true);
                self.count(now);
                (PermitKind::Counted, WindowStep::Another)
            }
            WindowPhase::Shut { .. } => {
                self.phase = WindowPhase::Trying { until: now.after(PILOT_PATIENCE), pilots: 1 };
                (PermitKind::Pilot, WindowStep::Same)
            }
            WindowPhase::Trying { pilots, .. } => {
                self.phase = WindowPhase::Trying { until: now.after(PILOT_PATIENCE), pilots: pilots + 1 };
                (PermitKind::Pilot, WindowStep::Same)
            }
        }
    }

    /// Ends a window that was not exhausted. Nobody saw the reset, so requests sent in the possible span of
    /// the reset count in both windows.
    fn turn_over(&mut self, now: Millis) {
        let on_the_edge = self.on_the_edge;
        let dated = on_the_edge == 0;
        self.begin(now, on_the_edge);
        self.dated = dated;
    }

    /// In short windows of certain length, a probe costs more than it saves.
    fn needs_no_pilot(&self) -> bool {
        let (Some(length), Some(end)) = (self.calendar.length(), self.calendar.end(self.start)) else {
            return false;
        };
        end.is_precise(length) && !self.tripped && length <= SHORT
    }

    fn count(&mut self, now: Millis) {
        self.used += 1;
        (self.unanswered, self.last) = (self.unanswered + 1, now);
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

    pub(super) fn confirm(&mut self, allowance_permit: AllowancePermit) -> WindowStep {
        match allowance_permit.part {
            PermitKind::Counted => {
                self.unanswered = self.unanswered.saturating_sub(1);
                self.good += 1;
                WindowStep::Same
            }
            PermitKind::Explorer => {
                self.exploring = false;
                self.capacity = self.capacity.map(|capacity| capacity.max(self.used));
                (self.rarity, self.good) = (0, self.good + 1);
                self.grow();
                WindowStep::Same
            }
            PermitKind::Pilot => {
                let WindowPhase::Trying { pilots, .. } = self.phase else { return WindowStep::Same };
                self.reset(allowance_permit.sent, pilots)
            }
            PermitKind::Knock => {
                let WindowPhase::Shut { .. } = self.phase else { return WindowStep::Same };
                self.reset(allowance_permit.sent, 1)
            }
        }
    }

    /// There was more than the capacity, so it is a bound no longer.
    fn grow(&mut self) {
        self.is_sure = false;
        if !self.tripped && matches!(self.phase, WindowPhase::Shut { .. }) {
            self.phase = WindowPhase::Open;
        }
    }

    /// Says whether an answer lets more go than before.
    pub(super) fn frees_a_place(&self, allowance_permit: AllowancePermit) -> bool {
        allowance_permit.is_trial() || self.is_groping()
    }

    /// Begins the next window after a good head, sent at `sent`. Up to `pilots` probes, this probe
    /// included, may have been admitted.
    fn reset(&mut self, sent: Millis, pilots: u32) -> WindowStep {
        if let Some(pace) = self.as_pace(sent) {
            return WindowStep::Pace(pace);
        }
        self.learn_capacity();
        self.note_reset(sent);
        self.begin(sent, pilots);
        (self.whole, self.dated, self.good) = (true, pilots == 1, 1);
        self.shut_if_full(sent);
        WindowStep::Another
    }

    /// Learns the capacity: an exhausted window has admitted as many requests as it can.
    fn learn_capacity(&mut self) {
        // Who let nobody in was closed from outside, which says nothing on its capacity.
        if !self.tripped || self.used == 0 {
            return;
        }
        if self.whole || self.capacity.is_none() {
            let counted = self.capacity.filter(|_| self.is_counted);
            let is_less = counted.is_some_and(|capacity| self.used * 2 < capacity);
            self.is_sure = if self.whole { !is_less } else { self.used >= MANY };
            (self.capacity, self.is_counted) = (Some(self.used), self.whole);
            // Resets that nobody noticed are possible as long as nobody knows when they are due.
            self.is_vague = !self.whole || self.calendar.length().is_none();
        }
    }

    fn note_reset(&mut self, seen: Millis) {
        if !self.tripped {
            return;
        }
        let told = self.told.map(|(told, _)| told).filter(|told| told.over < seen.0);
        // The reset came after the last refused request, and at the latest when a probe succeeded.
        let over = self.refused_at.0.max(told.map_or(0, |told| told.over)).min(seen.0 - 1);
        let most = told.map_or(seen.0, |told| told.most.min(seen.0)).max(over + 1);
        let start = (self.dated && self.used > 0).then_some(self.start);
        self.calendar.note(Reset { start, trip: self.trip, came: Between { over, most } });
    }

    fn begin(&mut self, start: Millis, used: u32) {
        if self.tripped {
            (self.last_trip, self.since_trip) = (self.trip, 0);
        } else {
            self.since_trip = self.since_trip.saturating_add(self.used);
        }
        (self.phase, self.start, self.used) = (WindowPhase::Open, start, used);
        (self.whole, self.dated, self.on_the_edge) = (false, false, 0);
        (self.good, self.unanswered) = (0, 0);
        (self.tripped, self.refused, self.exploring, self.told) = (false, 0, false, None);
        self.refused_at = Millis::START;
        self.explore_in = self.explore_in.saturating_sub(1);
    }

    /// Records a 429 of the current window. Returns the end of the closure; none if the current guess stays in
    /// force.
    pub(super) fn refuse(
        &mut self,
        allowance_permit: AllowancePermit,
        told: Option<Millis>,
        guess: Millis,
        now: Millis,
    ) -> Option<Millis> {
        match allowance_permit.part {
            PermitKind::Pilot => self.refused = self.refused.saturating_add(1),
            PermitKind::Knock => {
                self.outlasts(allowance_permit.sent);
                told?; // Else the guess goes on.
            }
            PermitKind::Explorer => self.refuse_explorer(),
            PermitKind::Counted => {
                self.used = self.used.saturating_sub(1);
                self.unanswered = self.unanswered.saturating_sub(1);
                if !self.tripped {
                    (self.rarity, self.explore_in) = (0, 1);
                }
            }
        }
        if !self.tripped {
            self.trip = now;
            self.is_vague |= self.capacity.is_none();
        }
        self.tripped = true;
        self.outlasts(allowance_permit.sent);
        if told.is_none() && !self.whole && self.calendar.length().is_none() {
            self.dated = false; // Any number of windows may have passed since the first request.
        }
        if let Some(until) = told {
            let spent = now.since(allowance_permit.sent) + ROUNDING;
            let over = until.0.saturating_sub(spent.as_millis() as u64);
            self.told = Some((Between { over, most: until.0 }, until.since(now)));
        }
        let until = told.or_else(|| self.next_try(now)).unwrap_or_else(|| self.untaught_try(guess, now));
        self.phase = WindowPhase::Shut { until };
        Some(until)
    }

    /// No place had come back at the sending of this request.
    fn outlasts(&mut self, sent: Millis) {
        self.refused_at = self.refused_at.max(sent);
        self.outlasted = self.outlasted.max(sent.0.saturating_sub(self.trip.0));
    }

    /// Returns the next try without learned resets: the end of the shortest usual window length still
    /// possible. An earlier guess goes first, unless the length is close to the excluded lengths.
    ///
    /// A pool with fewer requests after a reset than before may fill evenly. An early try shows soon.
    fn untaught_try(&self, guess: Millis, now: Millis) -> Millis {
        if let Some(interval) = self.interval_if_few().filter(|_| self.refused == 0) {
            return guess.min(now.after((interval * 2).max(SOON)));
        }
        // The window has lasted this long already, so shorter lengths are excluded.
        let past = now.0.saturating_sub(self.start.0).max(self.outlasted);
        let Some(length) = next_usual(Between { over: past, most: u64::MAX }) else { return guess };
        let end = Millis(self.start.0 + length);
        if self.dated && length <= self.outlasted * 4 { end } else { end.min(guess) }
    }

    fn refuse_explorer(&mut self) {
        self.exploring = false;
        self.used = self.used.saturating_sub(1);
        self.rarity = (self.rarity + 1).min(RAREST);
        self.explore_in = 1 << self.rarity;
    }

    /// Corrects the capacity after a late refusal of the previous window: one request less was admitted
    /// than counted.
    pub(super) fn refuse_late(&mut self, turns: u16) {
        if turns == 1 && self.whole {
            self.capacity = self.capacity.map(|capacity| capacity.saturating_sub(1).max(1));
        }
    }

    /// Returns the next try by the learned resets.
    fn next_try(&self, now: Millis) -> Option<Millis> {
        let (length, end) = (self.calendar.length()?, self.calendar.end(self.start)?);
        let open = Between { over: end.over.max(self.refused_at.0), most: end.most };
        let middle = middle(open, length).filter(|_| self.refused == 0);
        let mut tries = [self.usual_between(open), middle, Some(open.most)].into_iter().flatten();
        if let Some(next) = tries.find(|next| *next > now.0) {
            return Some(Millis(next));
        }
        // Every candidate has passed: retry in steps that double, from 1/32 of the length, at least 500 ms.
        let step = (length / 32).max(500) << self.refused.min(4);
        Some(now.after(Duration::from_millis(step)))
    }

    /// Returns the first end in a span that fits a usual window length.
    fn usual_between(&self, open: Between) -> Option<u64> {
        let since = |at: u64| at.saturating_sub(self.start.0);
        let usual = next_usual(Between { over: since(open.over), most: since(open.most) })?;
        self.dated.then_some(self.start.0 + usual)
    }

    pub(super) fn forgive(&mut self, allowance_permit: AllowancePermit) {
        match allowance_permit.part {
            PermitKind::Counted => {
                self.used = self.used.saturating_sub(1);
                self.unanswered = self.unanswered.saturating_sub(1);
            }
            PermitKind::Explorer => {
                self.used = self.used.saturating_sub(1);
                self.exploring = false;
            }
            PermitKind::Pilot => self.free_pilot(1),
            PermitKind::Knock => {}
        }
        let has_room = self.capacity.is_none_or(|capacity| self.used < capacity);
        if has_room && !self.tripped && matches!(self.phase, WindowPhase::Shut { .. }) {
            self.phase = WindowPhase::Open;
        }
    }

    pub(super) fn abandon(&mut self, allowance_permit: AllowancePermit) {
        match allowance_permit.part {
            PermitKind::Counted => self.unanswered = self.unanswered.saturating_sub(1),
            PermitKind::Knock => {}
            PermitKind::Explorer => self.exploring = false,
            PermitKind::Pilot => self.free_pilot(0),
        }
    }

    /// Frees a probe's place for the next probe at once.
    fn free_pilot(&mut self, fewer: u32) {
        if let WindowPhase::Trying { pilots, .. } = self.phase {
            self.phase = WindowPhase::Trying { until: Millis::START, pilots: pilots.saturating_sub(fewer) };
        }
    }

    pub(super) fn experience(&self) -> Experience {
        Experience { capacity: self.capacity, used: self.used, span: self.calendar.length(), until: None }
    }
}

/// Returns the middle of the possible span of the end, if a try there is worth a refusal.
fn middle(open: Between, length: u64) -> Option<u64> {
    let worth = open.over < open.most && !open.is_precise(length);
    worth.then(|| open.over + (open.most - open.over) / 2)
}
