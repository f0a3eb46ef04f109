//! Chance that can be repeated: one 64-bit seed gives one history.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood 2014): one addition and one mix for each number. It is
//! written out here because a seed in a report must mean the same in years, whatever a crate does.

use std::time::Duration;

/// A stream of numbers that its seed decides.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Begins the stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns any number.
    pub const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Begins another stream, which leaves this one where it would have been anyway.
    pub const fn fork(&mut self) -> Self {
        Self(self.any())
    }

    /// Returns a number of `low..=high`. The bias of the modulo is far below what is measured here.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.any() % (high - low + 1)
    }

    /// Returns an index below `count`, which is not zero.
    pub const fn index(&mut self, count: usize) -> usize {
        self.between(0, count as u64 - 1) as usize
    }

    /// Returns one of `choices`, which is not empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Returns a fraction of `0..1`.
    pub fn unit(&mut self) -> f64 {
        (self.any() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Says yes with a probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns a span of `low..=high` milliseconds.
    pub const fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// Returns a span of which the logarithm is even between the two, as latencies are: many short, few long.
    pub fn skewed_millis(&mut self, low: u64, high: u64) -> Duration {
        let exponent = self.unit() * (high as f64 / low as f64).ln();
        Duration::from_millis((low as f64 * exponent.exp()) as u64)
    }

    /// Returns a span between two events of a process without memory.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.unit()).ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream() {
        let stream = |seed| {
            let mut rng = Rng::new(seed);
            [rng.any(), rng.any(), rng.any()]
        };
        assert_eq!(stream(7), stream(7));
        assert_ne!(stream(7), stream(8));
        // The first numbers of seed 0, from the reference implementation.
        assert_eq!(stream(0)[..2], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
    }

    #[test]
    fn what_is_drawn_stays_within_its_bounds() {
        let mut rng = Rng::new(1);
        for _ in 0..10_000 {
            assert!((3..=9).contains(&rng.between(3, 9)));
            assert!((300..=2_000).contains(&rng.skewed_millis(300, 2_000).as_millis()));
            assert!((0.0..1.0).contains(&rng.unit()));
        }
    }

    #[test]
    fn the_mean_of_exponential_spans_is_their_mean() {
        let mut rng = Rng::new(1);
        let mean = Duration::from_millis(500);
        let sum: Duration = (0..10_000).map(|_| rng.exponential(mean)).sum();
        assert!((480..520).contains(&(sum.as_millis() / 10_000)));
    }
}
