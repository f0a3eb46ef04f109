//! The pace of an answer: how soon, in how many pieces, how far apart.

use std::time::Duration;

use serde::Deserialize;

use crate::span;

/// How an answer is spread over time and over chunks; it has effect on streams, but for the head.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Pace {
    /// Before the head, streamed or not.
    #[serde(deserialize_with = "span::deserialize")]
    pub head: Duration,
    /// Between two content events; zero is one burst.
    #[serde(deserialize_with = "span::deserialize")]
    pub gap: Duration,
    /// At most so much more for each of these waits, drawn from the seed.
    #[serde(deserialize_with = "span::deserialize")]
    pub jitter: Duration,
    /// How many content events.
    pub chunks: u64,
    /// Bytes of text in each content event; zero is one word each.
    pub chunk_bytes: usize,
    /// Bytes of text in all; it decides the number of chunks.
    pub total_bytes: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        let none = Duration::ZERO;
        Self { head: none, gap: none, jitter: none, chunks: 3, chunk_bytes: 0, total_bytes: None }
    }
}

impl Pace {
    /// Returns a pace of so many chunks with so much time between two of them.
    pub fn spread(chunks: u64, gap: Duration) -> Self {
        Self { chunks, gap, ..Self::default() }
    }

    /// Returns a burst of so many bytes of text, made while it is sent.
    pub fn bulk(total_bytes: u64, chunk_bytes: usize) -> Self {
        Self { total_bytes: Some(total_bytes), chunk_bytes, ..Self::default() }
    }

    /// Sets the delay of the head.
    #[must_use]
    pub fn head(mut self, delay: Duration) -> Self {
        self.head = delay;
        self
    }
}

/// Waits drawn from a seed: the same script gives the same waits.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `base` and up to `extra` more.
    pub(crate) fn wait(&mut self, base: Duration, extra: Duration) -> Duration {
        if extra.is_zero() {
            return base;
        }
        let share = self.next() >> 32; // 32 random bits: a fraction of 2^32
        base.saturating_add(Duration::from_nanos(((extra.as_nanos() * u128::from(share)) >> 32) as u64))
    }

    /// The next number of SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_in_its_range_and_repeats_with_its_seed() {
        let (base, extra) = (Duration::from_millis(10), Duration::from_millis(5));
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            (0..50).map(|_| jitter.wait(base, extra)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(7).iter().all(|wait| *wait >= base && *wait < base + extra));
    }

    #[test]
    fn without_jitter_every_wait_is_the_same() {
        assert_eq!(Jitter::new(1).wait(Duration::from_millis(4), Duration::ZERO), Duration::from_millis(4));
    }
}
