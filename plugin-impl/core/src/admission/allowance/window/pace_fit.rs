//! The fit of a pace: whether the limits of a window are those of a bucket.

use std::time::Duration;

use crate::time::Millis;

use super::{Pace, ROUNDING, SOON, Window};

/// A reported wait of up to 3/2 intervals is the wait for one token: an empty bucket misses one at most.
const ONE_TOKEN: (u32, u32) = (3, 2);
/// An observed wait of up to 2 intervals may be the wait for one token: a probe comes late.
const LATE_TOKEN: u32 = 2;
/// At most 3/4 of a window's capacity are far fewer requests than a window admits.
const FAR_FEWER: (u32, u32) = (3, 4);
/// So few requests are far fewer than any window admits.
const A_COUPLE: u32 = 2;

impl Window {
    /// Returns the pace behind the limit, if a reset admitted far fewer requests than a window holds, and
    /// the reset came soon.
    pub(super) fn as_pace(&self, sent: Millis) -> Option<Pace> {
        let interval = self.interval_if_few()?;
        let (trip, used) = (self.refusals.first?, self.usage.used);
        let is_soon = match self.refusals.told {
            Some(told) => Duration::from(told.wait) <= interval * ONE_TOKEN.0 / ONE_TOKEN.1 + ROUNDING.into(),
            None => {
                let is_timely = sent.since(trip) <= interval * LATE_TOKEN + SOON;
                used <= A_COUPLE || self.calendar.length().is_some() || is_timely
            }
        };
        is_soon.then(|| Pace::new(interval, used, used, trip, sent))
    }

    /// Returns the time per request between two limits, if the second reset admitted far fewer requests
    /// than a window holds.
    pub(super) fn interval_if_few(&self) -> Option<Duration> {
        let (capacity, trip, used) = (self.capacity.limit?, self.refusals.first?, self.usage.used);
        let few = used * FAR_FEWER.1 <= capacity * FAR_FEWER.0 || used <= A_COUPLE;
        if !self.usage.whole || !few || used == 0 {
            return None;
        }
        match (self.previous.first_429, self.calendar.length()) {
            // Without an earlier limit, the learned length is the time of these requests.
            (Millis::START, length) => Some(Duration::from(length?) / used),
            (earlier, _) => Some(trip.since(earlier) / (self.previous.admitted_since + used)),
        }
    }
}
