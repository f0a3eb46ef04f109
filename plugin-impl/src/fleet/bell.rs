//! The bell: it tells those who wait that a place may have become free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use tokio::sync::Notify;

/// Rung whenever a place is freed or a cell opens.
///
/// Only the first of each line listens (see [`Lane`](super::lane::Lane)), so one ring wakes a handful of
/// tasks, not all that wait. Ringing costs one load while nobody listens.
#[derive(Debug, Default)]
pub struct Bell {
    listeners: AtomicU32,
    rings: AtomicU64,
    notify: Notify,
}

impl Bell {
    /// Begins to listen. Rings are counted from here on.
    pub fn listen(self: &Arc<Self>) -> Listener {
        self.listeners.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `ring`: either the ringer sees this listener, or what the listener
        // reads of the cells from here on is what the ringer left.
        fence(Ordering::SeqCst);
        Listener { bell: self.clone(), heard: self.rings.load(Ordering::Acquire) }
    }

    /// Tells the listeners to look again.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.listeners.load(Ordering::SeqCst) > 0 {
            self.rings.fetch_add(1, Ordering::Release);
            self.notify.notify_waiters();
        }
    }
}

/// Somebody who hears the bell.
#[derive(Debug)]
pub struct Listener {
    bell: Arc<Bell>,
    heard: u64,
}

impl Listener {
    /// Waits for a ring since the last one heard; it may have come already.
    pub async fn heard(&mut self) {
        loop {
            let notified = self.bell.notify.notified();
            let rings = self.bell.rings.load(Ordering::Acquire);
            if rings != self.heard {
                self.heard = rings;
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.bell.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_not_lost() {
        let bell = Arc::new(Bell::default());
        let mut listener = bell.listen();
        bell.ring();
        assert!(listener.heard().now_or_never().is_some());
        assert!(listener.heard().now_or_never().is_none(), "each ring is heard once");
    }

    #[test]
    fn a_ring_that_nobody_hears_is_forgotten() {
        let bell = Arc::new(Bell::default());
        bell.ring();
        assert!(bell.listen().heard().now_or_never().is_none());
    }
}
