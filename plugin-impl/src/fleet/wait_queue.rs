//! Lanes: wait queues of requests with an equal choice of accounts.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use pointsman_core::admission::fair_queue::{Class, FairQueue, Leaving, Position};
use pointsman_core::time::Millis;

use crate::sync::{DashMap, Mutex, unpoisoned};

pub use pointsman_core::admission::fair_queue::Crowded;

/// The wait queues, by queue key: a hash of the accounts open to a route.
#[derive(Debug)]
pub struct WaitQueues {
    wait_queues: DashMap<u64, Arc<WaitQueue>>,
}

impl Default for WaitQueues {
    fn default() -> Self {
        Self { wait_queues: DashMap::with_shard_amount(super::SHARDS) }
    }
}

/// The number of lanes before a sweep. A configuration never needs more, so the rest are pins no longer in
/// use.
const CROWDED: usize = 4_096;

impl WaitQueues {
    /// Returns the queue of a route; see [`Route::wait_queue`](pointsman_core::request::route::Route::wait_queue).
    pub fn of(&self, route: u64) -> Arc<WaitQueue> {
        if let Some(wait_queue) = self.wait_queues.get(&route) {
            return wait_queue.clone();
        }
        // No request holds a lane that only the map holds.
        if self.wait_queues.len() >= CROWDED {
            self.wait_queues.retain(|_, wait_queue| Arc::strong_count(wait_queue) > 1);
        }
        self.wait_queues.entry(route).or_default().clone()
    }

    /// Returns the number of waiting requests over every lane.
    pub fn waiting(&self) -> u32 {
        self.wait_queues.iter().map(|wait_queue| wait_queue.waiting.load(Ordering::Relaxed)).sum()
    }
}

/// A wait queue of requests for the accounts of a route.
///
/// Only the head of the queue watches the clock and the notifier. The head leaves once served, and the next
/// request checks the accounts at once. So a freed slot wakes a single request, and a request with a lost
/// client leaves no trace. [`FairQueue`] defines the order.
/// who give up leave no trace. Who is next is said by [`FairQueue`].
#[derive(Debug, Default)]
pub struct WaitQueue {
    turns: AtomicU64,
    queue: Mutex<FairQueue<Option<Waker>>>,
    /// The length of `queue`, readable without the lock.
    waiting: AtomicU32,
    /// The end of the announced wait, in milliseconds; `protections` is the end announced for "protection
    /// leaves no account".
    waits: AtomicU64,
    protections: AtomicU64,
    /// For each hop, the announced end of the failover to the next hop.
    falls: Mutex<Vec<Millis>>,
}

/// A slot in a wait queue. Dropping the slot leaves the queue.
#[derive(Debug)]
#[must_use = "a place in the line that is dropped is given up"]
pub struct QueueSlot {
    wait_queue: Arc<WaitQueue>,
    position: Position,
    leaving: Leaving,
}

impl WaitQueue {
    /// Returns the serial number of a request in the lane.
    pub fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns whether any request waits. A new request then has to join the queue.
    pub fn has_waiters(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Joins the queue for a root session.
    ///
    /// # Errors
    /// [`Crowded`] if `bound` requests wait already.
    pub fn stand(self: &Arc<Self>, session: u64, class: Class, bound: usize) -> Result<QueueSlot, Crowded> {
        let mut queue = unpoisoned(self.queue.lock());
        let position = queue.join(session, class, None, bound)?;
        // Stored under the lock, so that the length never goes backwards.
        self.waiting.store(queue.len() as u32, Ordering::Release);
        Ok(QueueSlot { wait_queue: self.clone(), position, leaving: Leaving::GaveUp })
    }

    fn leave(&self, position: Position, leaving: Leaving) -> Option<Waker> {
        let mut queue = unpoisoned(self.queue.lock());
        queue.leave(position, leaving);
        self.waiting.store(queue.len() as u32, Ordering::Release);
        queue.first_mut().and_then(Option::take)
    }
}

impl WaitQueue {
    /// Returns whether a wait until `until` is news: no announced wait is still going on.
    pub fn announce_wait(&self, until: Millis, now: Millis) -> bool {
        is_news(&self.waits, until, now)
    }

    /// Returns whether "protection leaves no account until `until`" is news. Requests wait for different
    /// ends meanwhile, so protection has its own memory.
    pub fn announce_protection(&self, until: Millis, now: Millis) -> bool {
        is_news(&self.protections, until, now)
    }

    /// Returns whether a failover from a hop until `until` is news: no announced failover of the hop is
    /// still going on.
    pub fn announce_fall(&self, hop: usize, until: Millis, now: Millis) -> bool {
        let mut falls = unpoisoned(self.falls.lock());
        // The list grows on demand: most routes have a single hop.
        let length = falls.len().max(hop + 1);
        falls.resize(length, Millis(0));
        let is_news = falls[hop] <= now;
        if is_news {
            falls[hop] = until;
        }
        is_news
    }
}

/// Returns whether an announcement is news. Of concurrent calls for an event, exactly one wins the
/// exchange.
fn is_news(announced: &AtomicU64, until: Millis, now: Millis) -> bool {
    // The last announced end is in the past, and this call is the first to move it.
    let last = announced.load(Ordering::Acquire);
    last <= now.0 && announced.compare_exchange(last, until.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

impl QueueSlot {
    /// Says whether it is the first.
    pub fn is_first(&self) -> bool {
        unpoisoned(self.wait_queue.queue.lock()).front() == Some(self.position)
    }

    /// Waits for the head of the queue.
    pub async fn comes(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    /// Leaves the queue as served, so that the session's turn is used up.
    pub fn served(mut self) {
        self.leaving = Leaving::Served;
    }

    /// Polls for the head. The check and the waker's store share a lock, so no wake-up is lost.
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut queue = unpoisoned(self.wait_queue.queue.lock());
        if queue.front() == Some(self.position) {
            return Poll::Ready(());
        }
        // Registered under the lock of the check, so that a leave in between cannot be missed.
        if let Some(waker) = queue.get_mut(self.position) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        if let Some(next) = self.wait_queue.leave(self.position, self.leaving) {
            next.wake();
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const ROOM: usize = 100;

    fn is_first(turn: &mut QueueSlot) -> bool {
        turn.comes().now_or_never().is_some()
    }

    #[test]
    fn a_session_is_served_in_the_order_of_coming_and_sessions_in_turn() {
        let wait_queue = Arc::new(WaitQueue::default());
        let stand = |session| wait_queue.stand(session, Class::default(), ROOM).expect("room");
        let (mut first, mut second, mut other) = (stand(1), stand(1), stand(2));
        assert!(is_first(&mut first) && !is_first(&mut second) && !is_first(&mut other));
        first.served();
        assert!(is_first(&mut other) && !is_first(&mut second), "its session has had its turn");
        other.served();
        assert!(is_first(&mut second));
    }

    #[test]
    fn who_gives_up_leaves_no_trace() {
        let wait_queue = Arc::new(WaitQueue::default());
        let mut first = wait_queue.stand(1, Class::default(), ROOM).expect("room");
        let mut second = wait_queue.stand(2, Class::default(), ROOM).expect("room");
        assert!(is_first(&mut first) && !is_first(&mut second));
        drop(second);
        drop(first);
        assert!(!wait_queue.has_waiters());
        assert!(is_first(&mut wait_queue.stand(3, Class::default(), ROOM).expect("room")));
    }

    #[test]
    fn a_turn_that_is_given_up_wakes_the_next_and_nobody_else() {
        let wait_queue = Arc::new(WaitQueue::default());
        let mut turns: Vec<_> =
            (0..3).map(|session| wait_queue.stand(session, Class::default(), ROOM).expect("room")).collect();
        assert!(is_first(&mut turns[0]));
        let mut woken: Vec<_> =
            turns.drain(1..).map(|mut turn| task(async move { turn.comes().await })).collect();
        assert!(woken.iter_mut().all(|task| !task.poll()));
        drop(turns);
        assert_eq!(woken.iter().map(Task::is_woken).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_line_that_is_full_turns_away() {
        let wait_queue = Arc::new(WaitQueue::default());
        let held = wait_queue.stand(1, Class::default(), 1).expect("room");
        assert!(wait_queue.stand(2, Class::default(), 1).is_err());
        drop(held);
        assert!(wait_queue.stand(2, Class::default(), 1).is_ok());
    }

    #[test]
    fn a_wait_is_announced_once_until_it_is_over() {
        let wait_queue = WaitQueue::default();
        assert!(wait_queue.announce_wait(Millis(50), Millis(10)));
        assert!(!wait_queue.announce_wait(Millis(60), Millis(20)));
        assert!(wait_queue.announce_protection(Millis(900), Millis(20)), "that is another event");
        assert!(!wait_queue.announce_protection(Millis(900), Millis(30)));
        assert!(wait_queue.announce_wait(Millis(90), Millis(50)));
    }

    #[test]
    fn leaving_a_leg_is_announced_once_until_it_opens_and_for_each_leg() {
        let wait_queue = WaitQueue::default();
        assert!(wait_queue.announce_fall(1, Millis(50), Millis(10)));
        assert!(wait_queue.announce_fall(0, Millis(50), Millis(10)));
        assert!(!wait_queue.announce_fall(1, Millis(90), Millis(49)));
        assert!(wait_queue.announce_fall(1, Millis(90), Millis(50)));
    }

    /// A future polled by hand, with a record of wake-ups.
    struct Task {
        future: std::pin::Pin<Box<dyn Future<Output = ()>>>,
        woken: Arc<Woken>,
    }

    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicBool);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn task(future: impl Future<Output = ()> + 'static) -> Task {
        Task { future: Box::pin(future), woken: Arc::default() }
    }

    impl Task {
        fn poll(&mut self) -> bool {
            let waker = Waker::from(self.woken.clone());
            self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        }

        fn is_woken(&self) -> bool {
            self.woken.0.load(Ordering::Relaxed)
        }
    }
}
