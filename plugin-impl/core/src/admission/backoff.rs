//! How long a guess lasts: schedules by streak.

use std::time::Duration;

/// The spans of consecutive guesses; the last one repeats. Not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule(&'static [Duration]);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Schedule {
    /// A quota is used up and the upstream did not say until when.
    pub const QUOTA: Self = Self(&[secs(60), secs(300), secs(1_800), secs(7_200)]);
    /// A rate was exceeded, or a 429 said nothing at all.
    pub const RATE: Self = Self(&[secs(30), secs(30), secs(60), secs(120), secs(300)]);
    /// One account meets 503 or 529 where others may not.
    pub const CAPACITY: Self = Self(&[secs(5), secs(10), secs(20), secs(30), secs(60)]);
    /// One account meets 5xx where others may not.
    pub const SERVER_ERROR: Self = Self(&[secs(20), secs(20), secs(30), secs(60)]);
    /// An endpoint fails for everybody. It starts short, because everybody waits for it.
    pub const ENDPOINT: Self = Self(&[secs(1), secs(2), secs(5), secs(10), secs(20), secs(30), secs(60)]);
    /// A witness has shown that an account is at fault.
    pub const FAULT: Self = Self(&[secs(30), secs(120), secs(600), secs(1_800)]);
    /// Two accounts refuse alike, or nobody else could be asked: a moment that grows while nothing else is heard.
    pub const MOMENT: Self = Self(&[secs(1), secs(2), secs(5), secs(10), secs(15)]);
    /// As many requests are under way as may be.
    pub const CROWDED: Self = Self(&[secs(1), secs(2), secs(5), secs(10), secs(30)]);
    /// The token endpoint failed, which says nothing on the credential.
    pub const TOKEN_OUTAGE: Self = Self(&[secs(2), secs(5), secs(10), secs(30)]);

    /// Returns the span of the guess number `streak`, counted from 1.
    pub const fn span(self, streak: u8) -> Duration {
        let last = self.0.len() - 1;
        let index = (streak as usize).saturating_sub(1);
        self.0[if index < last { index } else { last }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_grows_with_the_streak_and_then_repeats_its_last_span() {
        let spans: Vec<u64> = (0..=6).map(|streak| Schedule::QUOTA.span(streak).as_secs()).collect();
        assert_eq!(spans, [60, 60, 300, 1_800, 7_200, 7_200, 7_200]);
    }
}
