//! The fit of a pace: whether the limits of a window are those of a bucket.

use std::time::Duration;

use crate::time::Millis;

use super::{Pace, ROUNDING, SOON, Window};

impl Window {
    /// Returns the pace behind the limit, if a reset admitted far fewer requests than a window holds, and
    /// the reset came soon.
    pub(super) fn as_pace(&self, sent: Millis) -> Option<Pace> {
        let interval = self.interval_if_few()?;
        let is_soon = match self.told {
            Some((_, wait)) => wait <= interval * 3 / 2 + ROUNDING,
            None => {
                let wait = sent.since(self.trip);
                self.used <= 2 || self.calendar.length().is_some() || wait <= interval * 2 + SOON
            }
        };
        is_soon.then(|| Pace::new(interval, self.used, self.used, self.trip, sent))
    }

    /// Returns the time per request between two limits, if the second reset admitted far fewer requests
    /// than a window holds.
    pub(super) fn interval_if_few(&self) -> Option<Duration> {
        let capacity = self.capacity?;
        // Far fewer: at most three quarters of the capacity, or at most 2.
        let few = self.used * 4 <= capacity * 3 || self.used <= 2;
        if !self.tripped || !self.whole || !few || self.used == 0 {
            return None;
        }
        match (self.last_trip, self.calendar.length()) {
            (Millis::START, length) => Some(Duration::from_millis(length?) / self.used),
            (last, _) => Some(self.trip.since(last) / (self.since_trip + self.used)),
        }
    }
}
