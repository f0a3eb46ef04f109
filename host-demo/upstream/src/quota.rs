//! Quota accounting of one cell: fixed windows of requests or tokens, token buckets, and a concurrency cap.
//!
//! A window opens with the first request after the last one has ended, as the allowances of real providers
//! do; a bucket fills evenly. A refused request costs nothing. Nothing here reads a clock.

use std::time::Duration;

use crate::script::{Pool, Refill, Unit, Window};

/// What one (account, pool) has used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    tallies: Vec<Tally>,
    in_flight: u32,
}

/// What one window has counted since it opened; of a bucket, what is missing since `opened`.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    opened: Duration,
    used: u32,
}

/// A meter's answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Counted; [`Meter::leave`] must follow.
    Admitted,
    /// The window with this index is used up for so long.
    Limited { window: usize, wait: Duration },
    /// As many requests are in flight as the pool allows.
    Busy,
}

/// The level of one window at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    pub name: String,
    pub unit: Unit,
    pub limit: u32,
    /// At most `limit`: the last request of a window of tokens can cost more than was left.
    pub used: u32,
    pub every: Duration,
    /// How long until the allowance is whole again; zero while nothing is used.
    pub resets_in: Duration,
}

impl Level {
    /// Returns the used part, 0 to 1.
    pub fn utilization(&self) -> f64 {
        f64::from(self.used) / f64::from(self.limit.max(1))
    }

    /// Returns how many requests are left.
    pub fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

impl Meter {
    /// Counts one request of so many tokens, or says why not; of several used-up windows the one with the
    /// longest wait.
    pub(crate) fn admit(&mut self, pool: &Pool, tokens: u32, now: Duration) -> Verdict {
        if pool.concurrency.is_some_and(|cap| self.in_flight >= cap) {
            return Verdict::Busy;
        }
        self.roll(&pool.windows, now);
        if let Some(limited) = self.limited(&pool.windows, now) {
            return limited;
        }
        self.count(&pool.windows, tokens, now);
        Verdict::Admitted
    }

    /// Ends one admitted request.
    pub(crate) fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Returns the level of every window.
    pub(crate) fn levels(&self, pool: &Pool, now: Duration) -> Vec<Level> {
        let mut rolled = self.clone();
        rolled.roll(&pool.windows, now);
        rolled.tallies.iter().zip(&pool.windows).enumerate().map(|(i, (t, w))| t.level(i, w, now)).collect()
    }

    /// Uses up every window from now on, as if somebody else had spent the allowance.
    pub(crate) fn exhaust(&mut self, pool: &Pool, now: Duration) {
        self.tallies = pool.windows.iter().map(|window| Tally { opened: now, used: window.limit }).collect();
    }

    fn roll(&mut self, windows: &[Window], now: Duration) {
        self.tallies.resize(windows.len(), Tally::default());
        for (tally, window) in self.tallies.iter_mut().zip(windows) {
            tally.roll(window, now);
        }
    }

    fn limited(&self, windows: &[Window], now: Duration) -> Option<Verdict> {
        let exhausted = self.tallies.iter().zip(windows).enumerate().filter(|(_, (t, w))| t.used >= w.limit);
        exhausted
            .map(|(i, (tally, window))| (tally.admits_in(window, now), i))
            .max()
            .map(|(wait, window)| Verdict::Limited { window, wait })
    }

    fn count(&mut self, windows: &[Window], tokens: u32, now: Duration) {
        self.in_flight += 1;
        for (tally, window) in self.tallies.iter_mut().zip(windows) {
            let cost = match window.unit {
                Unit::Requests => 1,
                Unit::InputTokens => tokens,
            };
            tally.count(cost, now);
        }
    }
}

impl Tally {
    fn roll(&mut self, window: &Window, now: Duration) {
        match window.refill {
            Refill::AtOnce if self.used > 0 && now >= self.opened.saturating_add(window.every) => {
                *self = Self::default();
            }
            Refill::AtOnce => {}
            Refill::Evenly => self.fill(window.step(), now),
        }
    }

    /// Gives back what has come since the bucket was last looked at.
    fn fill(&mut self, step: Duration, now: Duration) {
        let came = now.saturating_sub(self.opened).as_nanos() / step.as_nanos().max(1);
        let came = u32::try_from(came).unwrap_or(u32::MAX).min(self.used);
        self.used -= came;
        self.opened += step * came;
    }

    fn count(&mut self, cost: u32, now: Duration) {
        if self.used == 0 {
            self.opened = now;
        }
        self.used = self.used.saturating_add(cost);
    }

    /// How long until one more is let in.
    fn admits_in(self, window: &Window, now: Duration) -> Duration {
        match window.refill {
            Refill::Evenly if window.limit > 0 => (self.opened + window.step()).saturating_sub(now),
            Refill::AtOnce | Refill::Evenly => self.resets_in(window, now),
        }
    }

    /// How long until the allowance is whole.
    fn resets_in(self, window: &Window, now: Duration) -> Duration {
        match self.used {
            // A window that allows nothing at all never opens; it is told as a whole window away.
            0 if window.limit == 0 => window.every,
            0 => Duration::ZERO,
            used if window.refill == Refill::Evenly => {
                (self.opened + window.step() * used).saturating_sub(now)
            }
            _ => self.opened.saturating_add(window.every).saturating_sub(now),
        }
    }

    fn level(self, index: usize, window: &Window, now: Duration) -> Level {
        Level {
            name: window.name_at(index).to_owned(),
            unit: window.unit,
            limit: window.limit,
            used: self.used.min(window.limit),
            every: window.every,
            resets_in: self.resets_in(window, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn limited(window: usize, wait: u64) -> Verdict {
        Verdict::Limited { window, wait: at(wait) }
    }

    fn check(pool: &Pool, rows: &[(u64, Verdict)]) {
        let mut meter = Meter::default();
        for (now, expected) in rows {
            assert_eq!(meter.admit(pool, 1, at(*now)), *expected, "at {now} s");
        }
    }

    #[test]
    fn a_window_opens_with_its_first_request_and_ends_after_its_span() {
        let pool = Pool::limited(2, at(10));
        check(
            &pool,
            &[
                (7, Verdict::Admitted),
                (8, Verdict::Admitted),
                (9, limited(0, 8)),
                (16, limited(0, 1)),
                (17, Verdict::Admitted),
                (18, Verdict::Admitted),
                (19, limited(0, 8)),
            ],
        );
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_fills_evenly() {
        let pool = Pool::bucket(2, at(10));
        check(
            &pool,
            &[
                (7, Verdict::Admitted),
                (7, Verdict::Admitted),
                (8, limited(0, 4)),
                (12, Verdict::Admitted),
                (12, limited(0, 5)),
                (99, Verdict::Admitted),
                (99, Verdict::Admitted),
                (100, limited(0, 4)),
            ],
        );
        let mut meter = Meter::default();
        meter.admit(&pool, 1, at(0));
        meter.admit(&pool, 1, at(0));
        assert_eq!(meter.levels(&pool, at(4))[0].resets_in, at(6));
        assert_eq!(meter.levels(&pool, at(5))[0].remaining(), 1);
    }

    #[test]
    fn of_two_used_up_windows_the_longer_wait_is_told() {
        let pool = Pool::limited(1, at(5)).and(2, at(100));
        check(
            &pool,
            &[
                (0, Verdict::Admitted),
                (1, limited(0, 4)),
                (5, Verdict::Admitted),
                (6, limited(1, 94)),
                (99, limited(1, 1)),
                (100, Verdict::Admitted),
            ],
        );
    }

    #[test]
    fn a_pool_without_windows_never_limits() {
        check(&Pool::unlimited(), &[(0, Verdict::Admitted); 3]);
    }

    #[test]
    fn a_window_of_nothing_limits_always() {
        check(&Pool::limited(0, at(5)), &[(0, limited(0, 5)), (9, limited(0, 5))]);
    }

    #[test]
    fn the_concurrency_cap_counts_what_is_in_flight_only() {
        let pool = Pool::unlimited().concurrency(1);
        let mut meter = Meter::default();
        assert_eq!(meter.admit(&pool, 1, at(0)), Verdict::Admitted);
        assert_eq!(meter.admit(&pool, 1, at(0)), Verdict::Busy);
        meter.leave();
        assert_eq!(meter.admit(&pool, 1, at(0)), Verdict::Admitted);
    }

    #[test]
    fn a_busy_refusal_costs_no_quota() {
        let pool = Pool::limited(2, at(10)).concurrency(1);
        let mut meter = Meter::default();
        meter.admit(&pool, 1, at(0));
        assert_eq!(meter.admit(&pool, 1, at(0)), Verdict::Busy);
        assert_eq!(meter.levels(&pool, at(0))[0].used, 1);
    }

    #[test]
    fn levels_show_what_is_left_and_when_it_returns() {
        let pool = Pool::limited(4, at(10));
        let mut meter = Meter::default();
        meter.admit(&pool, 1, at(3));
        let level = &meter.levels(&pool, at(5))[0];
        assert_eq!((level.remaining(), level.resets_in, level.name.as_str()), (3, at(8), "5h"));
        assert_eq!(meter.levels(&pool, at(13))[0].used, 0);
    }

    #[test]
    fn an_exhausted_pool_recovers_after_a_window() {
        let pool = Pool::limited(4, at(10));
        let mut meter = Meter::default();
        meter.exhaust(&pool, at(1));
        assert_eq!(meter.admit(&pool, 1, at(2)), limited(0, 9));
        assert_eq!(meter.admit(&pool, 1, at(11)), Verdict::Admitted);
    }

    #[test]
    fn a_window_of_tokens_counts_what_is_asked_and_admits_while_any_is_left() {
        let pool = Pool::unlimited().and_tokens(100, at(60));
        let mut meter = Meter::default();
        assert_eq!(meter.admit(&pool, 30, at(0)), Verdict::Admitted);
        assert_eq!(meter.levels(&pool, at(0))[0].remaining(), 70);
        assert_eq!(meter.admit(&pool, 90, at(1)), Verdict::Admitted);
        assert_eq!(meter.levels(&pool, at(1))[0].remaining(), 0);
        assert_eq!(meter.admit(&pool, 1, at(2)), limited(0, 58));
        assert_eq!(meter.admit(&pool, 1, at(60)), Verdict::Admitted);
    }
}
