//! Probes: admissions that test a limit.
//!
//! A probe goes *after the reset*, before everybody else; *over capacity*, one request above the learned
//! capacity; or *early*, before the end of a limit. This module computes the instants of early probes.
//!
//! A guess may be far too long, and a reported end may be a mistake or be over early. So one request at a
//! time probes a limit before its end, for two reasons:
//!
//! - as a *last resort*: every way for a request is closed, and only guesses open first. The probe goes a
//!   little after the limit began, and then after growing pauses;
//! - as a *re-check*: the limit lasts longer than the user wants to rely on. The probe goes at regular
//!   intervals, even while other accounts are open.
//!
//! A refused probe leaves the limit as before and counts no trip. A good head ends the limit. A reported
//! limit is never probed as a last resort, and is re-checked only if longer than an hour; a predicted limit
//! is never probed early. The [cell](crate::admission::cell) keeps early probes to one at a time; the
//! [allowance](crate::admission::allowance) keeps the other probes.

use std::time::Duration;

use crate::jitter::Jitter;
use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// A reported limit longer than this is re-checked: waiting in vain would cost more than a refused call.
pub const LONG_TOLD: Duration = Duration::from_secs(3_600);
/// The earliest probe after a limit began.
const SOONEST: Duration = Duration::from_secs(1);
/// The first probe goes after this part of the guess, and each pause is longer than the previous pause by
/// this factor. So a guess has two probes, at 1/16 and at 5/16 of its span: the first finds a short burst,
/// the second a guess far too long.
const FIRST_PART: u32 = 16;
const GROWTH: u32 = 4;

/// The least and the greatest distance between two early probes at one provider.
const APART: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(500)];

/// The kind of a probe, from the plan to the permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// The reset is due: one request goes before all others.
    AfterReset,
    /// The limit may be probed before its end.
    Early(Early),
    /// Nothing else is open, and the learned capacity may be too low.
    OverCapacity,
}

/// The reason for probing a limit before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Early {
    /// Only guesses are left.
    LastResort,
    /// The limit lasts longer than the user relies on a guess or a report.
    Recheck,
}

/// The rhythm of a cell's early probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rhythm {
    /// The begin of the limit or, later, the last probe.
    last: Millis,
    /// The pause from `last` to the next last-resort probe.
    pause: Duration,
}

impl Rhythm {
    const PAUSE_BITS: u32 = 24;
    const PAUSE_MAX: u64 = (1 << Self::PAUSE_BITS) - 1;

    /// Begins with a limit from `now` until `end`.
    pub fn begun(now: Millis, end: Millis) -> Self {
        // A limit of 16 s or less gets its first probe after 1 s.
        let pause = (end.since(now) / FIRST_PART).max(SOONEST);
        Self { last: now, pause }
    }

    /// Returns the last probe, or the begin of the limit.
    pub fn last(self) -> Millis {
        self.last
    }

    /// Returns whether the rest of a reported limit is long enough to be re-checked.
    pub fn is_long(self, until: Millis) -> bool {
        until.since(self.last) > LONG_TOLD
    }

    /// Returns the earliest instant of the next probe, if any. A `recheck` of zero turns re-checks off.
    pub fn due(self, early: Early, recheck: Duration) -> Option<Millis> {
        match early {
            Early::LastResort => Some(self.last.after(self.pause)),
            Early::Recheck => (!recheck.is_zero()).then(|| self.last.after(recheck)),
        }
    }

    /// Records a probe.
    #[must_use]
    pub fn probed(self, recheck: Duration, now: Millis) -> Self {
        // The pause grows up to the interval of re-checks, if they are on.
        let longest = if recheck.is_zero() { Duration::MAX } else { recheck };
        Self { last: now, pause: self.pause.saturating_mul(GROWTH).min(longest) }
    }

    fn pack(self) -> u64 {
        let pause = u64::try_from(self.pause.as_millis()).unwrap_or(Self::PAUSE_MAX).min(Self::PAUSE_MAX);
        self.last.0 << Self::PAUSE_BITS | pause
    }

    fn unpack(word: u64) -> Self {
        let pause = Duration::from_millis(word & Self::PAUSE_MAX);
        Self { last: Millis(word >> Self::PAUSE_BITS), pause }
    }
}

/// A cell's [`Rhythm`], shared.
///
/// A probe holds the cell's only place for probes, so no two probes write at a time.
#[derive(Debug, Default)]
pub struct EarlyProbes {
    word: AtomicU64,
}

impl EarlyProbes {
    /// Returns the rhythm of the cell's early probes.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm::unpack(self.word.load(Ordering::Acquire))
    }

    /// Records the begin of a limit.
    pub fn begin(&self, now: Millis, end: Millis) {
        self.word.store(Rhythm::begun(now, end).pack(), Ordering::Release);
    }

    /// Records a probe.
    pub fn probed(&self, recheck: Duration, now: Millis) {
        let next = |word| Some(Rhythm::unpack(word).probed(recheck, now).pack());
        let _never_fails = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }
}

/// The earliest instant of the next early probe at a provider, shared by its accounts.
#[derive(Debug, Default)]
pub struct Spacing {
    due: AtomicU64,
}

impl Spacing {
    /// Returns the earliest instant.
    pub fn due(&self) -> Millis {
        Millis(self.due.load(Ordering::Acquire))
    }

    /// Takes the right to probe now. The next probe may go `apart` later.
    ///
    /// # Errors
    /// The instant to wait for. Only one of several simultaneous callers succeeds.
    pub fn take(&self, apart: Duration, now: Millis) -> Result<(), Millis> {
        let due = self.due();
        if now < due {
            return Err(due);
        }
        let next = now.after(apart);
        match self.due.compare_exchange(due.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(taken) => Err(Millis(taken)),
        }
    }
}

/// Returns the distance from a probe now to the next probe.
pub fn apart(jitter: Jitter) -> Duration {
    let [least, most] = APART;
    least + (most - least) * u32::from(jitter.0) / u32::from(u16::MAX)
}

#[cfg(all(test, not(any(loom, feature = "shuttle"))))]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);
    const RECHECK: Duration = Duration::from_secs(600);

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Probes a guess of `guess` seconds as early as allowed, and returns the instants in milliseconds.
    fn instants(guess: u64, recheck: Duration) -> Vec<u64> {
        let (early_probes, end) = (EarlyProbes::default(), NOW.after(secs(guess)));
        early_probes.begin(NOW, end);
        let next = || early_probes.rhythm().due(Early::LastResort, recheck).filter(|due| *due < end);
        std::iter::from_fn(|| next().inspect(|due| early_probes.probed(recheck, *due)))
            .map(|due| due.since(NOW).as_millis() as u64)
            .collect()
    }

    #[test]
    fn a_guess_is_probed_twice_and_a_long_one_then_each_recheck() {
        assert_eq!(instants(60, RECHECK), [3_750, 18_750]);
        assert_eq!(instants(300, RECHECK), [18_750, 93_750]);
        assert_eq!(instants(1_800, RECHECK), [112_500, 562_500, 1_162_500, 1_762_500]);
        assert_eq!(instants(7_200, Duration::ZERO), [450_000, 2_250_000]);
    }

    #[test]
    fn a_short_guess_is_left_alone_for_a_moment() {
        assert_eq!(instants(8, RECHECK), [1_000, 5_000]);
        assert!(instants(1, RECHECK).is_empty());
    }

    #[test]
    fn a_recheck_counts_from_the_last_probe_and_can_be_off() {
        let rhythm = Rhythm::begun(NOW, NOW.after(secs(7_200)));
        assert_eq!(rhythm.due(Early::Recheck, RECHECK), Some(NOW.after(RECHECK)));
        assert_eq!(rhythm.due(Early::Recheck, Duration::ZERO), None);
        let later = NOW.after(secs(450));
        assert_eq!(rhythm.probed(RECHECK, later).due(Early::Recheck, RECHECK), Some(later.after(RECHECK)));
    }

    #[test]
    fn early_probes_at_a_provider_keep_their_distance() {
        let spacing = Spacing::default();
        assert_eq!(spacing.take(apart(Jitter(0)), NOW), Ok(()));
        let due = Millis(NOW.0 + 250);
        assert_eq!(spacing.take(apart(Jitter(u16::MAX)), Millis(due.0 - 1)), Err(due));
        assert_eq!(spacing.take(apart(Jitter(u16::MAX)), due), Ok(()));
        assert_eq!(spacing.due(), Millis(due.0 + 500));
    }
}
