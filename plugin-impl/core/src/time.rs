//! Instants, always arguments: the core reads no clock.

pub mod duration;

use std::ops::{Add, Div, Mul, Sub};
use std::time::Duration;

/// An instant on the monotonic clock, in milliseconds since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The start of the process; as an end of a limit, "not limited".
    pub const START: Self = Self(0);

    /// Returns the instant `span` later, or the last representable instant.
    #[must_use]
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(span)))
    }

    /// Returns the span since `earlier`, or zero for a later instant.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A span in whole milliseconds, in one word where a [`Duration`] takes two. The operators saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Span {
    pub const MAX: Self = Self(u64::MAX);

    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0)
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

impl Div<u64> for Span {
    type Output = Self;

    fn div(self, parts: u64) -> Self {
        Self(self.0 / parts)
    }
}

impl Add<Span> for Millis {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Millis {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Millis {
    type Output = Span;

    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// An instant on the wall clock, in milliseconds of the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

/// Both clocks, read together.
///
/// Decisions use `mono`. `wall` is for upstreams' dates and for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub mono: Millis,
    pub wall: UnixMillis,
}

impl Now {
    /// Returns the monotonic instant of a wall-clock one; the past becomes now.
    pub const fn mono_of(self, wall: UnixMillis) -> Millis {
        Millis(self.mono.0.saturating_add(wall.0.saturating_sub(self.wall.0)))
    }

    /// Returns the monotonic instant of a wall-clock one that is past; before the start of the process there
    /// is only the start.
    pub const fn past_of(self, wall: UnixMillis) -> Millis {
        Millis(self.mono.0.saturating_sub(self.wall.0.saturating_sub(wall.0)))
    }

    /// Returns the wall-clock instant of a monotonic one, past or future.
    pub const fn wall_of(self, mono: Millis) -> UnixMillis {
        let future = mono.0.saturating_sub(self.mono.0);
        let past = self.mono.0.saturating_sub(mono.0);
        UnixMillis(self.wall.0.saturating_add(future).saturating_sub(past))
    }
}

const fn whole_millis(span: Duration) -> u64 {
    let millis = span.as_millis();
    if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { mono: Millis(5_000), wall: UnixMillis(1_000_000) };

    #[test]
    fn a_date_becomes_an_instant_and_back() {
        let date = UnixMillis(1_002_500);
        assert_eq!(NOW.mono_of(date), Millis(7_500));
        assert_eq!(NOW.wall_of(Millis(7_500)), date);
    }

    #[test]
    fn an_observation_of_the_past_is_no_older_than_the_process() {
        assert_eq!(NOW.past_of(UnixMillis(999_000)), Millis(4_000));
        assert_eq!(NOW.past_of(UnixMillis(3)), Millis::START);
        assert_eq!(NOW.past_of(UnixMillis(2_000_000)), NOW.mono);
    }

    #[test]
    fn a_date_in_the_past_is_now() {
        assert_eq!(NOW.mono_of(UnixMillis(3)), NOW.mono);
        assert_eq!(NOW.wall_of(Millis(4_000)), UnixMillis(999_000));
    }

    #[test]
    fn spans_saturate() {
        assert_eq!(Millis(7).after(Duration::MAX), Millis(u64::MAX));
        assert_eq!(Millis(7).since(Millis(9)), Duration::ZERO);
        assert_eq!((Millis(7) - Millis(9), Millis(7) - Span(9)), (Span(0), Millis::START));
        assert_eq!((Millis(7) + Span::MAX, Span::MAX * 2), (Millis(u64::MAX), Span::MAX));
    }
}
