//! Hints: what an upstream says about when to come again, right or wrong.

use std::time::Duration;

use pointsman_core::time::{Millis, Now, UnixMillis};

/// What our own wall clock shows when a run begins.
const WALL_AT_START: u64 = 1_780_000_000_000;

/// When to come again, as it stands in a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// `retry-after: 20`
    After(Duration),
    /// `retry-after: Fri, 29 May 2026 14:46:40 GMT`
    Date(UnixMillis),
}

/// How an upstream speaks of waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HintStyle {
    /// In whole seconds, rounded up.
    Exact,
    /// Not at all.
    Silent,
    /// With a number that is too small or too large by a factor.
    Wrong(f64),
    /// As a date of a clock that is ahead of ours by so much, or behind.
    Date { ahead: i64 },
}

impl HintStyle {
    pub(super) fn tell(self, wait: Duration, now: Millis) -> Option<Hint> {
        match self {
            Self::Exact => Some(Hint::After(whole_seconds(wait))),
            Self::Silent => None,
            Self::Wrong(factor) => Some(Hint::After(whole_seconds(wait.mul_f64(factor)))),
            Self::Date { ahead } => {
                let theirs = clock(now).wall.0.saturating_add_signed(ahead) + wait.as_millis() as u64;
                Some(Hint::Date(UnixMillis(theirs.next_multiple_of(1_000))))
            }
        }
    }
}

impl Hint {
    /// Returns the instant that it means to somebody who reads it at `now`.
    pub fn until(self, now: Millis) -> Millis {
        match self {
            Self::After(wait) => now.after(wait),
            Self::Date(date) => clock(now).mono_of(date),
        }
    }
}

fn clock(mono: Millis) -> Now {
    Now { mono, wall: UnixMillis(WALL_AT_START + mono.0) }
}

fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_millis().div_ceil(1_000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(10_000);

    fn check(style: HintStyle, until: Option<u64>) {
        let hint = style.tell(Duration::from_millis(19_500), NOW);
        assert_eq!(hint.map(|hint| hint.until(NOW)), until.map(Millis), "{style:?}");
    }

    #[test]
    fn each_style_tells_the_wait_in_its_way() {
        check(HintStyle::Exact, Some(30_000));
        check(HintStyle::Silent, None);
        check(HintStyle::Wrong(0.1), Some(12_000));
        check(HintStyle::Date { ahead: 0 }, Some(30_000));
        check(HintStyle::Date { ahead: -5_000 }, Some(25_000));
    }

    #[test]
    fn a_date_of_a_clock_far_behind_is_now() {
        check(HintStyle::Date { ahead: -60_000 }, Some(NOW.0));
    }
}
