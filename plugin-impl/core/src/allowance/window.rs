//! A window: so many requests at any time, then nobody until the reset.

use std::time::Duration;

use crate::time::Millis;

use super::pace::Pace;
use super::state::{By, Closed, Experience, Part, Ticket};

/// How long nobody else is tried while a pilot is out. A refusal comes soon, only a good head takes long.
const PILOT_PATIENCE: Duration = Duration::from_secs(4);

/// The longest pause between two explorations, as a power of two of windows.
const RAREST: u8 = 6;

/// Upstreams tell waits in whole seconds, rounded up.
const ROUNDING: Duration = Duration::from_millis(1_200);

/// Windows of at most so many milliseconds are short.
const SHORT: u64 = 20_000;

/// Lengths that windows have where people set them, in milliseconds.
const USUAL: [u64; 6] = [60_000, 300_000, 3_600_000, 18_000_000, 86_400_000, 604_800_000];

/// A length is known well enough if what is uncertain of it is this part of it.
const PRECISE: u64 = 100;

/// What is known of a window, and what has happened in the present one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Window {
    capacity: Option<u32>,
    length: Length,
    phase: Phase,
    /// When the first request of the present window was sent.
    start: Millis,
    /// It began with a reset, so that all that it lets in is counted.
    whole: bool,
    /// Requests that were let in, or may have been.
    used: u32,
    /// A 429 has said that nothing is left.
    tripped: bool,
    /// When the first of them came.
    trip: Millis,
    /// The same of the last window that had one, and what was let in between the two, so far.
    last_trip: Millis,
    since_trip: u32,
    /// How long the last of them said to wait.
    told: Option<Duration>,
    /// Pilots that were refused in this window.
    refused: u8,
    exploring: bool,
    /// So many windows until one is explored.
    explore_in: u8,
    /// The pause after the next exploration that is refused, as a power of two.
    rarity: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Phase {
    /// Nobody was ever admitted.
    #[default]
    Unused,
    Open,
    Shut {
        until: Millis,
    },
    /// Pilots are out; the next may go at an instant.
    Trying {
        until: Millis,
        pilots: u32,
    },
}

/// The time from a window's first request to the reset, in milliseconds: more than `over`, at most `most`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Length {
    over: u64,
    most: Option<u64>,
}

/// Whether a window goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    Same,
    Another,
    /// It was none: requests follow a pace.
    Pace(Pace),
}

impl Window {
    pub(super) fn closed(&self) -> Option<Closed> {
        match self.phase {
            Phase::Unused | Phase::Open => None,
            Phase::Shut { until } => {
                Some(Closed { until, by: By::Learned { explorable: self.is_explorable() } })
            }
            Phase::Trying { until, .. } => Some(Closed { until, by: By::Pilot }),
        }
    }

    fn is_explorable(&self) -> bool {
        !self.tripped && !self.exploring && self.explore_in == 0
    }

    pub(super) fn foresees(&self) -> bool {
        self.length.most.is_some()
    }

    /// Takes the place that is there, or makes an explorer of whoever comes although there is none.
    pub(super) fn admit(&mut self, now: Millis) -> (Part, Next) {
        match self.phase {
            Phase::Unused => {
                (self.phase, self.start) = (Phase::Open, now);
                self.count(now);
                (Part::Counted, Next::Same)
            }
            Phase::Open => {
                let over = self.length.most.is_some_and(|most| now.0 >= self.start.0 + most);
                if over {
                    self.begin(now, 0, false);
                }
                self.count(now);
                (Part::Counted, if over { Next::Another } else { Next::Same })
            }
            Phase::Shut { until } if now < until => {
                self.exploring = true;
                self.used += 1;
                (Part::Explorer, Next::Same)
            }
            Phase::Shut { .. } if self.needs_no_pilot() => {
                self.begin(now, 0, true);
                self.count(now);
                (Part::Counted, Next::Another)
            }
            Phase::Shut { .. } => {
                self.phase = Phase::Trying { until: now.after(PILOT_PATIENCE), pilots: 1 };
                (Part::Pilot, Next::Same)
            }
            Phase::Trying { pilots, .. } => {
                self.phase = Phase::Trying { until: now.after(PILOT_PATIENCE), pilots: pilots + 1 };
                (Part::Pilot, Next::Same)
            }
        }
    }

    /// In short windows a pilot costs more than it saves, once their length is sure.
    fn needs_no_pilot(&self) -> bool {
        let Some(most) = self.length.most else { return false };
        let sure = most.saturating_sub(self.length.over) <= most / PRECISE;
        sure && !self.tripped && most <= SHORT
    }

    fn count(&mut self, now: Millis) {
        self.used += 1;
        self.shut_if_full(now);
    }

    fn shut_if_full(&mut self, now: Millis) {
        if self.capacity.is_some_and(|capacity| self.used >= capacity)
            && let Some(until) = self.next_try(now)
        {
            self.phase = Phase::Shut { until };
        }
    }

    pub(super) fn confirm(&mut self, ticket: Ticket) -> Next {
        match ticket.part {
            Part::Counted => Next::Same,
            Part::Explorer => {
                self.exploring = false;
                self.capacity = self.capacity.map(|capacity| capacity.max(self.used));
                self.rarity = 0;
                Next::Same
            }
            Part::Pilot => {
                let Phase::Trying { pilots, .. } = self.phase else { return Next::Same };
                self.reset(ticket.sent, pilots)
            }
            Part::Knock => {
                let Phase::Shut { .. } = self.phase else { return Next::Same };
                self.reset(ticket.sent, 1)
            }
        }
    }

    /// Somebody was let in again, and before him `pilots` may have been.
    fn reset(&mut self, sent: Millis, pilots: u32) -> Next {
        if let Some(pace) = self.as_pace(sent) {
            return Next::Pace(pace);
        }
        self.learn_capacity();
        self.learn_length(sent);
        self.begin(sent, pilots, true);
        self.shut_if_full(sent);
        Next::Another
    }

    /// The window that ends was full: what it let in is what it can.
    fn learn_capacity(&mut self) {
        if !self.tripped {
            return;
        }
        let seen = self.used.max(1);
        self.capacity = match self.capacity {
            Some(capacity) if !self.whole => Some(capacity.min(seen.max(capacity))),
            _ => Some(seen),
        };
    }

    fn learn_length(&mut self, reset: Millis) {
        let seen = reset.0.saturating_sub(self.start.0);
        let length = &mut self.length;
        length.most = match length.most {
            Some(most) if length.over < most => Some(most.min(seen)),
            _ => Some(seen),
        };
        if length.over >= seen {
            length.over = seen - seen / 16;
        }
    }

    fn begin(&mut self, start: Millis, used: u32, whole: bool) {
        if self.tripped {
            (self.last_trip, self.since_trip) = (self.trip, 0);
        } else {
            self.since_trip = self.since_trip.saturating_add(self.used);
        }
        (self.phase, self.start, self.used, self.whole) = (Phase::Open, start, used, whole);
        (self.tripped, self.refused, self.exploring) = (false, 0, false);
        self.explore_in = self.explore_in.saturating_sub(1);
    }

    /// Takes note of a 429 of this window. Returns when to try again, where that is left to us.
    pub(super) fn refuse(
        &mut self,
        ticket: Ticket,
        told: Option<Millis>,
        guess: Millis,
        now: Millis,
    ) -> Option<Millis> {
        match ticket.part {
            Part::Pilot => {
                self.refused = self.refused.saturating_add(1);
                self.outlasts(ticket.sent);
            }
            Part::Knock => {
                self.outlasts(ticket.sent);
                told?; // Else the guess goes on.
            }
            Part::Explorer => self.refuse_explorer(),
            Part::Counted => {
                self.used = self.used.saturating_sub(1);
                if !self.tripped {
                    (self.rarity, self.explore_in) = (0, 1);
                }
            }
        }
        if !self.tripped {
            self.trip = now;
            self.told = told.map(|until| until.since(now));
        }
        self.tripped = true;
        if let Some(until) = told {
            self.told(until);
        }
        let until = told.or_else(|| self.next_try(now)).unwrap_or_else(|| self.usual_end(now).min(guess));
        self.phase = Phase::Shut { until };
        Some(until)
    }

    fn outlasts(&mut self, sent: Millis) {
        self.length.over = self.length.over.max(sent.0.saturating_sub(self.start.0));
    }

    /// Returns when the present window ends if it has the shortest usual length that it can have.
    fn usual_end(&self, now: Millis) -> Millis {
        let ends = USUAL.map(|length| Millis(self.start.0 + length));
        ends.into_iter().find(|end| *end > now).unwrap_or(Millis(u64::MAX))
    }

    fn refuse_explorer(&mut self) {
        self.exploring = false;
        self.used = self.used.saturating_sub(1);
        self.rarity = (self.rarity + 1).min(RAREST);
        self.explore_in = 1 << self.rarity;
    }

    fn told(&mut self, until: Millis) {
        let seen = until.0.saturating_sub(self.start.0);
        let length = &mut self.length;
        length.most = match length.most {
            Some(most) if length.over < most && !self.whole => Some(most),
            Some(most) if length.over < most => Some(most.min(seen)),
            _ => Some(seen),
        };
        length.over = length.most.unwrap_or(seen).saturating_sub(1);
    }

    /// A refusal of the window before comes late: one less was let in than was counted.
    pub(super) fn refuse_late(&mut self, turns: u16) {
        if turns == 1 && self.whole {
            self.capacity = self.capacity.map(|capacity| capacity.saturating_sub(1).max(1));
        }
    }

    /// Returns when a pilot may go, where experience tells it.
    fn next_try(&self, now: Millis) -> Option<Millis> {
        let most = self.length.most?;
        let uncertain = most.saturating_sub(self.length.over);
        let middle = Millis(self.start.0 + self.length.over + uncertain / 2);
        if self.refused == 0 && uncertain > most / PRECISE && middle > now {
            return Some(middle);
        }
        let end = Millis(self.start.0 + most);
        if end > now {
            return Some(end);
        }
        let step = Duration::from_millis((most / 32).max(500)) * (1 << self.refused.min(8));
        Some(now.after(step))
    }

    pub(super) fn forgive(&mut self, ticket: Ticket) {
        match ticket.part {
            Part::Counted => self.used = self.used.saturating_sub(1),
            Part::Explorer => {
                self.used = self.used.saturating_sub(1);
                self.exploring = false;
            }
            Part::Pilot => self.free_pilot(1),
            Part::Knock => {}
        }
        let has_room = self.capacity.is_none_or(|capacity| self.used < capacity);
        if has_room && !self.tripped && matches!(self.phase, Phase::Shut { .. }) {
            self.phase = Phase::Open;
        }
    }

    pub(super) fn abandon(&mut self, ticket: Ticket) {
        match ticket.part {
            Part::Counted | Part::Knock => {}
            Part::Explorer => self.exploring = false,
            Part::Pilot => self.free_pilot(0),
        }
    }

    /// The place of a pilot is free for the next one at once.
    fn free_pilot(&mut self, fewer: u32) {
        if let Phase::Trying { pilots, .. } = self.phase {
            self.phase = Phase::Trying { until: Millis::START, pilots: pilots.saturating_sub(fewer) };
        }
    }

    /// Returns the pace that this really is, if what a reset let in was far less than a window holds.
    fn as_pace(&self, sent: Millis) -> Option<Pace> {
        let capacity = self.capacity?;
        let few = self.used * 4 <= capacity * 3 || self.used <= 2;
        if !self.tripped || !self.whole || !few || self.used == 0 {
            return None;
        }
        let interval = match (self.last_trip, self.length.most) {
            (Millis::START, Some(most)) => Duration::from_millis(most) / self.used,
            (Millis::START, None) => return None,
            (last, _) => self.trip.since(last) / (self.since_trip + self.used),
        };
        let soon = self.told.is_none_or(|wait| wait <= interval * 3 / 2 + ROUNDING);
        soon.then(|| Pace::new(interval, self.used, self.used, self.trip, sent))
    }

    pub(super) fn experience(&self) -> Experience {
        Experience { capacity: self.capacity, used: self.used, span: self.length.most, until: None }
    }
}
