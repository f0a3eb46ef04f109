//! The notifier: wakes waiting requests after a slot may have come free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use futures_util::future::select_all;
use smallvec::SmallVec;
use tokio::sync::Notify;

/// Notified at each freed slot of a provider, and each opened cell.
///
/// Only the first request of each queue listens (see [`WaitQueue`](super::wait_queue::WaitQueue)), and to its own
/// providers, so a notification wakes at most one request of each queue able to use the slot. A
/// notification without listeners costs a load.
#[derive(Debug, Default)]
pub struct Notifier {
    waiters: AtomicU32,
    notifications: AtomicU64,
    notify: Notify,
}

impl Notifier {
    /// Starts to listen. Notifications count from here on.
    pub fn listen(self: &Arc<Self>) -> Waiter {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        // Pairs with the fence in `notify`: either the ringer sees this listener, or what the listener
        // reads of the cells from here on is what the ringer left.
        fence(Ordering::SeqCst);
        Waiter { notifier: self.clone(), heard: self.notifications.load(Ordering::Acquire) }
    }

    /// Tells the waiters to look again.
    pub fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.notifications.fetch_add(1, Ordering::Release);
            self.notify.notify_waiters();
        }
    }
}

/// A waiter of one notifier.
#[derive(Debug)]
pub struct Waiter {
    notifier: Arc<Notifier>,
    heard: u64,
}

impl Waiter {
    /// Waits for a notification since the last; returns at once if there was one.
    pub async fn heard(&mut self) {
        loop {
            let notified = self.notifier.notify.notified();
            let notifications = self.notifier.notifications.load(Ordering::Acquire);
            if notifications != self.heard {
                self.heard = notifications;
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.notifier.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A waiter of the notifiers of all usable providers.
#[derive(Debug, Default)]
pub struct Waiters(SmallVec<[Waiter; 2]>);

impl Waiters {
    /// Waits for a notification of any provider.
    pub async fn heard(&mut self) {
        if let [only] = &mut self.0[..] {
            return only.heard().await;
        }
        if !self.0.is_empty() {
            select_all(self.0.iter_mut().map(|waiter| Box::pin(waiter.heard()))).await;
        }
    }
}

impl FromIterator<Waiter> for Waiters {
    fn from_iter<I: IntoIterator<Item = Waiter>>(waiters: I) -> Self {
        Self(waiters.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_not_lost() {
        let notifier = Arc::new(Notifier::default());
        let mut waiter = notifier.listen();
        notifier.notify();
        assert!(waiter.heard().now_or_never().is_some());
        assert!(waiter.heard().now_or_never().is_none(), "each ring is heard once");
    }

    #[test]
    fn a_ring_that_nobody_hears_is_forgotten() {
        let notifier = Arc::new(Notifier::default());
        notifier.notify();
        assert!(notifier.listen().heard().now_or_never().is_none());
    }

    #[test]
    fn each_bell_that_one_listens_to_is_heard_and_no_other() {
        let notifiers = [(); 3].map(|()| Arc::new(Notifier::default()));
        let mut waiters: Waiters = notifiers[..2].iter().map(Notifier::listen).collect();
        notifiers[2].notify();
        assert!(waiters.heard().now_or_never().is_none());
        for notifier in &notifiers[..2] {
            notifier.notify();
            assert!(waiters.heard().now_or_never().is_some());
        }
        assert!(waiters.heard().now_or_never().is_none());
    }
}
