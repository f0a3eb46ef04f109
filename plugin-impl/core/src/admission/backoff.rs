//! Backoff: the length of a guessed limit, by consecutive trips.

use std::time::Duration;

/// The spans of consecutive guesses; the last one repeats. Not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule(&'static [Duration]);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Schedule {
    /// An exhausted quota without a reported end.
    pub const QUOTA: Self = Self(&[secs(60), secs(300), secs(1_800), secs(7_200)]);
    /// An exceeded rate, or a 429 without further words.
    pub const RATE: Self = Self(&[secs(30), secs(30), secs(60), secs(120), secs(300)]);
    /// A 503 or 529 at one account; others may have room.
    pub const CAPACITY: Self = Self(&[secs(5), secs(10), secs(20), secs(30), secs(60)]);
    /// A 5xx at one account; others may be fine.
    pub const SERVER_ERROR: Self = Self(&[secs(20), secs(20), secs(30), secs(60)]);
    /// An endpoint in failure for everybody. Starts short, because everybody waits for the endpoint.
    pub const ENDPOINT: Self = Self(&[secs(1), secs(2), secs(5), secs(10), secs(20), secs(30), secs(60)]);
    /// A witness has shown that an account is at fault.
    pub const FAULT: Self = Self(&[secs(30), secs(120), secs(600), secs(1_800)]);
    /// Two accounts refuse alike, or nobody else could be asked: a moment, growing until other news.
    pub const MOMENT: Self = Self(&[secs(1), secs(2), secs(5), secs(10), secs(15)]);
    /// The most requests are under way.
    pub const CROWDED: Self = Self(&[secs(1), secs(2), secs(5), secs(10), secs(30)]);
    /// The token endpoint failed: no news about the credential.
    pub const TOKEN_OUTAGE: Self = Self(&[secs(2), secs(5), secs(10), secs(30)]);

    /// Returns the span of the guess number `consecutive_trips`, counted from 1.
    pub const fn span(self, consecutive_trips: u8) -> Duration {
        let last = self.0.len() - 1;
        let index = (consecutive_trips as usize).saturating_sub(1);
        self.0[if index < last { index } else { last }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_grows_with_the_streak_and_then_repeats_its_last_span() {
        let spans: Vec<u64> =
            (0..=6).map(|consecutive_trips| Schedule::QUOTA.span(consecutive_trips).as_secs()).collect();
        assert_eq!(spans, [60, 60, 300, 1_800, 7_200, 7_200, 7_200]);
    }
}
