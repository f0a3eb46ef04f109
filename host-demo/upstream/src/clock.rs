//! The upstream's own clock.
//!
//! Quotas, fault spans and token lifetimes go by it. It runs with real time and can be moved ahead, so
//! that a test meets a reset without sleeping.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_unix: Duration,
    ahead_ms: AtomicU64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let started_unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_unix, ahead_ms: AtomicU64::new(0) }
    }

    /// The time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed() + Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// An instant of this clock as a time since the Unix epoch.
    pub(crate) fn unix(&self, at: Duration) -> Duration {
        self.started_unix + at
    }
}
