//! The parts of a window: each is replaced as a whole when a window ends.

use crate::admission::allowance::calendar::Between;
use crate::time::{Millis, Span};

use super::ROUNDING;

/// The longest pause between two over-capacity probes: a power of two, in windows.
const RAREST: u8 = 6;

/// The number of requests that a window admits, as learned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Capacity {
    pub(super) limit: Option<u32>,
    /// A limit was met, but the capacity of a window is not certain.
    pub(super) is_vague: bool,
    /// The capacity is a bound. It is no bound where others may have used the missing part: after a small
    /// window with an unseen beginning, or after a window much smaller than the window before. Then as many
    /// requests may be unanswered beyond the capacity as have gone well there, and one more: 1, 2, 4, and all.
    pub(super) is_sure: bool,
    /// The capacity is the count of a window with a seen beginning.
    pub(super) is_counted: bool,
}

impl Capacity {
    /// Returns the capacity, if counted in a whole window.
    pub(super) fn counted(self) -> Option<u32> {
        if self.is_counted { self.limit } else { None }
    }
}

/// The requests of the current window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct WindowUsage {
    /// The sending of the first request.
    pub(super) start: Millis,
    /// `start` is exact: no earlier request belongs to the window, so the reset can be computed from `start`.
    pub(super) start_is_exact: bool,
    /// The window began with an observed reset, so that `used` counts every admitted request.
    pub(super) whole: bool,
    /// Requests admitted, or possibly admitted.
    pub(super) used: u32,
    /// Part of `used`: requests that may belong to the next window already.
    pub(super) on_the_edge: u32,
    /// Part of `used`: requests with a good head.
    pub(super) good: u32,
    /// Part of `used`: requests without an answer yet.
    pub(super) unanswered: u32,
    /// The sending of the latest request.
    pub(super) last_sent: Millis,
}

impl WindowUsage {
    /// Begins a window at `start`, without requests.
    pub(super) fn begun(start: Millis) -> Self {
        Self { start, ..Self::default() }
    }

    pub(super) fn exactly(self) -> Self {
        Self { start_is_exact: true, ..self }
    }

    pub(super) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Counts a request less: the upstream did not admit the request.
    pub(super) fn take_back(&mut self) {
        self.used = self.used.saturating_sub(1);
    }

    pub(super) fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }
}

/// The 429s of the current window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Refusals {
    /// The arrival of the first 429.
    pub(super) first: Option<Millis>,
    /// The sending of the latest refused request.
    pub(super) sent: Millis,
    /// The reset reported by the latest 429 with a reported end.
    pub(super) told: Option<ToldReset>,
    /// The number of refused probes of the reset.
    pub(super) probes: u8,
}

impl Refusals {
    /// Returns whether a 429 has reported the window as exhausted.
    pub(super) fn any(&self) -> bool {
        self.first.is_some()
    }
}

/// A reset reported by a 429.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ToldReset {
    pub(super) reset: Between<Millis>,
    /// The wait until then, at the arrival of the 429.
    pub(super) wait: Span,
}

impl ToldReset {
    /// Reads a reported end. The upstream counted from an instant between sending and arrival, and rounded up.
    pub(super) fn read(until: Millis, sent: Millis, now: Millis) -> Self {
        Self { reset: Between { over: until - ((now - sent) + ROUNDING), most: until }, wait: until - now }
    }
}

/// The memory of the windows before the current window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Previous {
    /// The first 429 of the previous exhausted window.
    pub(super) first_429: Millis,
    /// The requests admitted from there to the current window.
    pub(super) admitted_since: u32,
}

impl Previous {
    /// Returns the memory after a window ended.
    pub(super) fn followed_by(self, usage: &WindowUsage, refusals: &Refusals) -> Self {
        match refusals.first {
            Some(first_429) => Self { first_429, admitted_since: 0 },
            None => Self { admitted_since: self.admitted_since.saturating_add(usage.used), ..self },
        }
    }
}

/// The rhythm of over-capacity probes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct OverCapacity {
    /// A probe is out.
    pub(super) is_out: bool,
    /// The number of windows until the next probe.
    pub(super) windows_left: u8,
    /// The pause after the next refused probe, as a power of two.
    pub(super) rarity: u8,
}

impl OverCapacity {
    pub(super) fn is_due(self) -> bool {
        !self.is_out && self.windows_left == 0
    }

    /// Makes the next probe rarer: the pause doubles with each refused probe.
    pub(super) fn refused(self) -> Self {
        let rarity = (self.rarity + 1).min(RAREST);
        Self { is_out: false, windows_left: 1 << rarity, rarity }
    }

    pub(super) fn in_next_window(self) -> Self {
        Self { is_out: false, windows_left: self.windows_left.saturating_sub(1), ..self }
    }
}
