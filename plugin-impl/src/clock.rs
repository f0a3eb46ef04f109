//! The only reader of clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pointsman_core::time::{Millis, Now, UnixMillis};
use tokio::time::Instant;

/// A clock for the core: wall-clock and monotonic time.
///
/// Monotonic instants count from the making of the clock. The monotonic clock is tokio's, so that a test
/// can move the time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Makes a clock that starts at zero now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Reads both clocks.
    pub fn now(&self) -> Now {
        Now { mono: self.mono(), wall: wall() }
    }

    /// Reads the monotonic clock.
    pub fn mono(&self) -> Millis {
        Millis(millis(self.start.elapsed()))
    }

    /// Sleeps until an instant.
    pub async fn sleep_until(&self, instant: Millis) {
        tokio::time::sleep_until(self.start + Duration::from_millis(instant.0)).await;
    }
}

/// Reads the wall clock.
pub(crate) fn wall() -> UnixMillis {
    UnixMillis(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
