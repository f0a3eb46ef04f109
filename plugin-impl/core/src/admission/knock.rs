//! Knocks: attempts before the end of a limit that nothing has taught.
//!
//! A guess may be far too long, and what an upstream told may be a mistake or be over early. So a limit is tried before it ends, by one request at a time and for two reasons:
//!
//! - as a *last resort*, where every way that could serve a request is closed and nothing that is more than a
//!   guess opens first: a little after the limit began, and then after growing pauses;
//! - as a *re-check*, where the limit lasts longer than the user wants to rely on it: each so often, whoever
//!   else is open.
//!
//! A knock that is refused leaves the limit as it is and is no strike. One that gets a good head ends it. What an
//! upstream told is never a last resort, and re-checked only where it lasts for more than an hour; what experience
//! predicts is never knocked at. That only one knock is out is a matter
//! of the [cell](crate::admission::cell); here is when the next may go.

use std::time::Duration;

use crate::jitter::Jitter;
use crate::sync::{AtomicU64, Ordering};
use crate::time::Millis;

/// A told limit that lasts longer is re-checked: to wait for it in vain would cost more than a refused call.
pub const LONG_TOLD: Duration = Duration::from_secs(3_600);
/// Never sooner after a limit began.
const SOONEST: Duration = Duration::from_secs(1);
/// The first knock goes after this part of the guess, and each further pause is as many times as long as the
/// one before. So there are two knocks in a guess, at 1/16 and at 5/16 of it: the first finds what was a
/// short burst, the second what was guessed far too long.
const FIRST_PART: u32 = 16;
const GROWTH: u32 = 4;

/// How far apart two knocks at one provider are, at the least and at the most.
const APART: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(500)];

/// Why a limit is tried before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Knock {
    /// Nothing else is left that is more than a guess.
    LastResort,
    /// It lasts longer than the user relies on what was guessed or told.
    Recheck,
}

/// When a cell may be knocked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rhythm {
    /// When the limit began or, later, when the last knock went.
    last: Millis,
    /// How long after that a last resort may go.
    pause: Duration,
}

impl Rhythm {
    const PAUSE_BITS: u32 = 24;
    const PAUSE_MAX: u64 = (1 << Self::PAUSE_BITS) - 1;

    /// Begins with a limit that lasts from `now` until `end`.
    pub fn begun(now: Millis, end: Millis) -> Self {
        let pause = (end.since(now) / FIRST_PART).max(SOONEST);
        Self { last: now, pause }
    }

    /// Says whether so much is left of a told limit that it is re-checked.
    pub fn is_long(self, until: Millis) -> bool {
        until.since(self.last) > LONG_TOLD
    }

    /// Returns from when on a knock may go, if ever. A `recheck` of zero is none.
    pub fn due(self, knock: Knock, recheck: Duration) -> Option<Millis> {
        match knock {
            Knock::LastResort => Some(self.last.after(self.pause)),
            Knock::Recheck => (!recheck.is_zero()).then(|| self.last.after(recheck)),
        }
    }

    /// Takes note that a knock went.
    #[must_use]
    pub fn knocked(self, recheck: Duration, now: Millis) -> Self {
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
/// Who knocks holds the cell's only place for one, so nobody else does at the time.
#[derive(Debug, Default)]
pub struct Knocks {
    word: AtomicU64,
}

impl Knocks {
    /// Returns when the cell may be knocked at.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm::unpack(self.word.load(Ordering::Acquire))
    }

    /// Takes note that a limit begins.
    pub fn begin(&self, now: Millis, end: Millis) {
        self.word.store(Rhythm::begun(now, end).pack(), Ordering::Release);
    }

    /// Takes note that a knock went.
    pub fn knocked(&self, recheck: Duration, now: Millis) {
        let next = |word| Some(Rhythm::unpack(word).knocked(recheck, now).pack());
        let _never_fails = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
    }
}

/// The instant from which the next knock at a provider may go, shared by all its accounts.
#[derive(Debug, Default)]
pub struct Spacing {
    due: AtomicU64,
}

impl Spacing {
    /// Returns the instant.
    pub fn due(&self) -> Millis {
        Millis(self.due.load(Ordering::Acquire))
    }

    /// Takes the right to knock now. The next may `apart` later.
    ///
    /// # Errors
    /// The instant to wait for. Of several that come together one goes.
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

/// Returns how far the next knock is to be from one that goes now.
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

    /// Knocks as early as may be at a guess of so many seconds, and returns when, in milliseconds.
    fn instants(guess: u64, recheck: Duration) -> Vec<u64> {
        let (knocks, end) = (Knocks::default(), NOW.after(secs(guess)));
        knocks.begin(NOW, end);
        let next = || knocks.rhythm().due(Knock::LastResort, recheck).filter(|due| *due < end);
        std::iter::from_fn(|| next().inspect(|due| knocks.knocked(recheck, *due)))
            .map(|due| due.since(NOW).as_millis() as u64)
            .collect()
    }

    #[test]
    fn a_guess_is_knocked_at_twice_and_a_long_one_then_each_recheck() {
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
    fn a_recheck_counts_from_the_last_knock_and_can_be_off() {
        let rhythm = Rhythm::begun(NOW, NOW.after(secs(7_200)));
        assert_eq!(rhythm.due(Knock::Recheck, RECHECK), Some(NOW.after(RECHECK)));
        assert_eq!(rhythm.due(Knock::Recheck, Duration::ZERO), None);
        let later = NOW.after(secs(450));
        assert_eq!(rhythm.knocked(RECHECK, later).due(Knock::Recheck, RECHECK), Some(later.after(RECHECK)));
    }

    #[test]
    fn knocks_at_a_provider_keep_their_distance() {
        let spacing = Spacing::default();
        assert_eq!(spacing.take(apart(Jitter(0)), NOW), Ok(()));
        let due = Millis(NOW.0 + 250);
        assert_eq!(spacing.take(apart(Jitter(u16::MAX)), Millis(due.0 - 1)), Err(due));
        assert_eq!(spacing.take(apart(Jitter(u16::MAX)), due), Ok(()));
        assert_eq!(spacing.due(), Millis(due.0 + 500));
    }
}
