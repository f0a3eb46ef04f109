//! Fixed windows: so many requests, then nobody until the window ends.

use std::time::Duration;

use pointsman_core::time::Millis;

use super::Reading;

/// When windows begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At multiples of their length, whoever comes.
    Wall,
    /// With the first request after the last one has ended.
    FirstRequest,
}

/// A fixed window.
#[derive(Clone, Debug)]
pub struct Window {
    capacity: u32,
    every: Duration,
    anchor: Anchor,
    ends: Millis,
    used: u32,
}

impl Window {
    /// Makes a window in which nothing is used.
    pub const fn new(capacity: u32, every: Duration, anchor: Anchor) -> Self {
        Self { capacity, every, anchor, ends: Millis::START, used: 0 }
    }

    pub(super) fn refuses(&mut self, now: Millis) -> Option<Duration> {
        if now >= self.ends {
            self.ends = self.next_end(now);
            self.used = 0;
        }
        (self.used >= self.capacity).then(|| self.ends.since(now))
    }

    pub(super) const fn take(&mut self) {
        self.used += 1;
    }

    pub(super) fn reading(&self, now: Millis) -> Reading {
        Reading { left: self.capacity - self.used, capacity: self.capacity, reset: self.ends.since(now) }
    }

    pub(super) fn fluid(&self, run: Duration) -> f64 {
        f64::from(self.capacity) * run.as_secs_f64() / self.every.as_secs_f64()
    }

    fn next_end(&self, now: Millis) -> Millis {
        let every = self.every.as_millis() as u64;
        match self.anchor {
            Anchor::Wall => Millis((now.0 / every + 1) * every),
            Anchor::FirstRequest => Millis(now.0 + every),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(anchor: Anchor, refused_at: u64, for_seconds: u64) {
        let mut window = Window::new(1, Duration::from_secs(60), anchor);
        assert_eq!(window.refuses(Millis(50_000)), None);
        window.take();
        let wait = window.refuses(Millis(refused_at * 1_000));
        assert_eq!(wait, (for_seconds > 0).then(|| Duration::from_secs(for_seconds)));
    }

    #[test]
    fn a_window_of_the_wall_ends_at_a_multiple() {
        check(Anchor::Wall, 55, 5);
        check(Anchor::Wall, 60, 0);
    }

    #[test]
    fn a_window_of_the_first_request_ends_its_length_later() {
        check(Anchor::FirstRequest, 60, 50);
        check(Anchor::FirstRequest, 110, 0);
    }
}
