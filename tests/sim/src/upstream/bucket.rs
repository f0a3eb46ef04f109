//! Token buckets: a store that fills evenly, and a burst up to what it holds.

use std::time::Duration;

use pointsman_core::time::Millis;

use super::Reading;

/// A token bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    capacity: u32,
    /// How long one token takes to come.
    every: Duration,
    tokens: f64,
    at: Millis,
}

impl Bucket {
    /// Makes a full bucket.
    pub fn new(capacity: u32, every: Duration) -> Self {
        Self { capacity, every, tokens: f64::from(capacity), at: Millis::START }
    }

    pub(super) fn refuses(&mut self, now: Millis) -> Option<Duration> {
        let came = now.since(self.at).as_secs_f64() / self.every.as_secs_f64();
        self.tokens = (self.tokens + came).min(f64::from(self.capacity));
        self.at = now;
        (self.tokens < 1.0).then(|| self.every.mul_f64(1.0 - self.tokens))
    }

    pub(super) fn take(&mut self) {
        self.tokens -= 1.0;
    }

    pub(super) fn reading(&self) -> Reading {
        let missing = f64::from(self.capacity) - self.tokens;
        Reading { left: self.tokens as u32, capacity: self.capacity, reset: self.every.mul_f64(missing) }
    }

    pub(super) fn fluid(&self, run: Duration) -> f64 {
        f64::from(self.capacity) + run.as_secs_f64() / self.every.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_burst_and_then_fills_evenly() {
        let mut bucket = Bucket::new(2, Duration::from_secs(10));
        for _ in 0..2 {
            assert_eq!(bucket.refuses(Millis(0)), None);
            bucket.take();
        }
        assert_eq!(bucket.refuses(Millis(4_000)), Some(Duration::from_secs(6)));
        assert_eq!(bucket.refuses(Millis(10_000)), None);
    }
}
