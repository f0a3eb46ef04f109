//! The notifier: wakes waiting requests after a slot may have come free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use futures_util::future::select_all;
use smallvec::SmallVec;
use tokio::sync::Notify;

/// Notified at each freed slot of a provider, and each opened cell.
///
/// Only the first request of each queue listens (see [`Lane`](super::lane::Lane)), and to its own
/// providers, so a notification wakes at most one request of each queue able to use the slot. A
/// notification without listeners costs a load.
#[derive(Debug, Default)]
pub struct Bell {
    listeners: AtomicU32,
    rings: AtomicU64,
    notify: Notify,
}

impl Bell {
    /// Starts to listen. Notifications count from here on.
    pub fn listen(self: &Arc<Self>) -> Listener {
        self.listeners.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `ring`: either the ringer sees this listener, or what the listener
        // reads of the cells from here on is what the ringer left.
        fence(Ordering::SeqCst);
        Listener { bell: self.clone(), heard: self.rings.load(Ordering::Acquire) }
    }

    /// Tells the waiters to look again.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.listeners.load(Ordering::SeqCst) > 0 {
            self.rings.fetch_add(1, Ordering::Release);
            self.notify.notify_waiters();
        }
    }
}

/// A waiter of one notifier.
#[derive(Debug)]
pub struct Listener {
    bell: Arc<Bell>,
    heard: u64,
}

impl Listener {
    /// Waits for a notification since the last; returns at once if there was one.
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

/// A waiter of the notifiers of all usable providers.
#[derive(Debug, Default)]
pub struct Ears(SmallVec<[Listener; 2]>);

impl Ears {
    /// Waits for a notification of any provider.
    pub async fn heard(&mut self) {
        if let [only] = &mut self.0[..] {
            return only.heard().await;
        }
        if !self.0.is_empty() {
            select_all(self.0.iter_mut().map(|listener| Box::pin(listener.heard()))).await;
        }
    }
}

impl FromIterator<Listener> for Ears {
    fn from_iter<I: IntoIterator<Item = Listener>>(listeners: I) -> Self {
        Self(listeners.into_iter().collect())
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

    #[test]
    fn each_bell_that_one_listens_to_is_heard_and_no_other() {
        let bells = [(); 3].map(|()| Arc::new(Bell::default()));
        let mut ears: Ears = bells[..2].iter().map(Bell::listen).collect();
        bells[2].ring();
        assert!(ears.heard().now_or_never().is_none());
        for bell in &bells[..2] {
            bell.ring();
            assert!(ears.heard().now_or_never().is_some());
        }
        assert!(ears.heard().now_or_never().is_none());
    }
}
