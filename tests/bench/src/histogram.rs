//! A histogram of durations: fixed memory, values within 3 %.

use std::time::Duration;

/// Parts of an octave. With 32 of them a value is known to 1/32.
const PARTS: u64 = 32;
const PART_BITS: u32 = PARTS.trailing_zeros();
const OCTAVES: usize = 64;

/// Counts durations in nanoseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; OCTAVES * PARTS as usize], total: 0 }
    }
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[place(nanos)] += 1;
        self.total += 1;
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// Returns how many durations were counted.
    pub const fn len(&self) -> u64 {
        self.total
    }

    /// Says whether none was.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Returns the duration that a share of all does not exceed; zero where none was counted.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return Duration::from_nanos(value(place));
            }
        }
        Duration::ZERO
    }
}

fn place(nanos: u64) -> usize {
    if nanos < PARTS {
        return nanos as usize;
    }
    let octave = nanos.ilog2() - PART_BITS;
    let part = (nanos >> octave) - PARTS;
    ((u64::from(octave) + 1) * PARTS + part) as usize
}

/// Returns the smallest value of a place.
fn value(place: usize) -> u64 {
    let (octave, part) = (place as u64 / PARTS, place as u64 % PARTS);
    if octave == 0 { part } else { (PARTS + part) << (octave - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_to_three_percent() {
        for nanos in [0, 1, 31, 32, 33, 63, 64, 1_000, 123_456_789, u64::MAX] {
            let known = value(place(nanos));
            assert!(known <= nanos && nanos - known <= nanos / PARTS, "{nanos} became {known}");
        }
    }

    #[test]
    fn quantiles_are_of_all_that_was_merged() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        (0..90).for_each(|_| one.record(Duration::from_nanos(10)));
        (0..10).for_each(|_| other.record(Duration::from_nanos(30)));
        one.merge(&other);
        assert_eq!(one.quantile(0.5), Duration::from_nanos(10));
        assert_eq!(one.quantile(0.99), Duration::from_nanos(30));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
