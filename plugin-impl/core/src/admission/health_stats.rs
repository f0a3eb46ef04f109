//! Health stats of a pool of an account.
//!
//! Health stats rank and never admit: an account in poor health comes later, and serves as long as nobody
//! better can. Each figure is a word of its own beside the cell, and no rule relates two figures, so
//! threads never see half of a change. Two figures are levels that recover with time; the third is an
//! instant that only moves forward.

mod level;

use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

pub use self::level::{HealthLevel, Refill};

/// The rates of change of health stats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The initial points, and their recovery.
    pub health: Refill,
    /// Points gained by a success.
    pub success: u16,
    /// Points lost by a limit.
    pub limit: u16,
    /// Points lost by a failure other than quota.
    pub failure: u16,
    /// The client-side token bucket: a request takes a token.
    pub tokens: Refill,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            health: Refill { start: 70, max: 100, per_hour: 2 },
            success: 1,
            limit: 10,
            failure: 20,
            tokens: Refill { start: 50, max: 50, per_hour: 6 * 60 },
        }
    }
}

/// An event in a pool's life. An event is one signal, however many requests met the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Good,
    Limited,
    Failed,
}

/// The health stats of a pool of an account, shared between threads.
#[derive(Debug, Default)]
pub struct HealthStats {
    health: AtomicU64,
    tokens: AtomicU64,
    used: AtomicU64,
}

/// Health stats at an instant, still packed: a plan reads all accounts, and most strategies read `used`
/// alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HealthView {
    health: u64,
    tokens: u64,
    /// The last admission; the start of the process before the first.
    pub used: Millis,
}

impl HealthView {
    /// Returns the points of health; none before the first signal.
    #[inline]
    pub fn health(self) -> Option<HealthLevel> {
        HealthLevel::unpack(self.health)
    }

    /// Returns the client-side tokens; none before the first request.
    #[inline]
    pub fn tokens(self) -> Option<HealthLevel> {
        HealthLevel::unpack(self.tokens)
    }
}

impl HealthStats {
    /// Reads all figures.
    #[inline]
    pub fn view(&self) -> HealthView {
        HealthView {
            health: self.health.load(Ordering::Relaxed),
            tokens: self.tokens.load(Ordering::Relaxed),
            used: Millis(self.used.load(Ordering::Relaxed)),
        }
    }

    /// Counts an admission.
    pub fn take(&self, rates: &Rates, now: Millis) {
        change(&self.tokens, -1, rates.tokens, now);
        self.used.fetch_max(now.0, Ordering::Relaxed);
    }

    /// Counts a signal.
    pub fn mark(&self, sign: Sign, rates: &Rates, now: Millis) {
        let points = match sign {
            Sign::Good => i32::from(rates.success),
            Sign::Limited => -i32::from(rates.limit),
            Sign::Failed => -i32::from(rates.failure),
        };
        change(&self.health, points, rates.health, now);
    }

    /// Resets the figures, on the operator's order.
    pub fn reset(&self) {
        self.health.store(0, Ordering::Relaxed);
        self.tokens.store(0, Ordering::Relaxed);
    }
}

/// Applies a change by compare-and-swap, again after each concurrent change.
fn change(word: &AtomicU64, units: i32, refill: Refill, now: Millis) {
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let level = HealthLevel::unpack(seen).unwrap_or(HealthLevel::fresh(refill, now));
        let next = level.changed(units, refill, now).pack();
        if next == seen {
            return;
        }
        match word.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(current) => seen = current,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Millis = Millis(5_000);

    fn health(health_stats: &HealthStats, now: Millis) -> u32 {
        let refill = Rates::default().health;
        health_stats.view().health().map_or(refill.fresh(), |level| level.amount(refill, now)) / 1_000
    }

    fn marked(signs: &[Sign]) -> HealthStats {
        let health_stats = HealthStats::default();
        signs.iter().for_each(|sign| health_stats.mark(*sign, &Rates::default(), NOW));
        health_stats
    }

    #[test]
    fn health_goes_by_what_happened_and_stays_in_its_bounds() {
        let check = |signs: &[Sign], points| assert_eq!(health(&marked(signs), NOW), points, "{signs:?}");
        check(&[], 70);
        check(&[Sign::Good], 71);
        check(&[Sign::Limited], 60);
        check(&[Sign::Failed, Sign::Good], 51);
        check(&[Sign::Good; 90], 100);
        check(&[Sign::Failed; 9], 0);
    }

    #[test]
    fn health_comes_back_by_itself() {
        let health_stats = marked(&[Sign::Failed]);
        assert_eq!(health(&health_stats, NOW.after(Duration::from_secs(3_600))), 52);
        assert_eq!(health(&health_stats, NOW.after(Duration::from_secs(3_600 * 48))), 100);
    }

    #[test]
    fn a_request_takes_a_token_and_is_the_last_use() {
        let (health_stats, rates) = (HealthStats::default(), Rates::default());
        (0..60).for_each(|_| health_stats.take(&rates, NOW));
        let tokens = |now| health_stats.view().tokens().expect("a level").amount(rates.tokens, now) / 1_000;
        assert_eq!((tokens(NOW), tokens(NOW.after(Duration::from_secs(60)))), (0, 6));
        health_stats.take(&rates, Millis(1_000));
        assert_eq!(health_stats.view().used, NOW, "a thread that is late does not make it earlier");
    }

    #[test]
    fn the_operator_makes_it_well() {
        let health_stats = marked(&[Sign::Failed; 3]);
        health_stats.reset();
        assert_eq!(health_stats.view().health(), None);
    }
}
