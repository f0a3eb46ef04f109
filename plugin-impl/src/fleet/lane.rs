//! Lanes: wait queues of requests with an equal choice of accounts.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use pointsman_core::admission::line::{Class, Leaving, Line, Ticket};
use pointsman_core::time::Millis;

use crate::sync::{DashMap, Mutex, unpoisoned};

pub use pointsman_core::admission::line::Crowded;

/// The wait queues, by queue key: a hash of the accounts open to a route.
#[derive(Debug)]
pub struct Lanes {
    lanes: DashMap<u64, Arc<Lane>>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { lanes: DashMap::with_shard_amount(super::SHARDS) }
    }
}

/// The number of lanes before a sweep. A configuration never needs more, so the rest are pins no longer in
/// use.
const CROWDED: usize = 4_096;

impl Lanes {
    /// Returns the lane of a route; see [`Route::lane`](pointsman_core::request::route::Route::lane).
    pub fn of(&self, route: u64) -> Arc<Lane> {
        if let Some(lane) = self.lanes.get(&route) {
            return lane.clone();
        }
        // No request holds a lane that only the map holds.
        if self.lanes.len() >= CROWDED {
            self.lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        self.lanes.entry(route).or_default().clone()
    }

    /// Returns the number of waiting requests over every lane.
    pub fn waiting(&self) -> u32 {
        self.lanes.iter().map(|lane| lane.waiting.load(Ordering::Relaxed)).sum()
    }
}

/// A wait queue of requests for the accounts of a route.
///
/// Only the head of the queue watches the clock and the notifier. The head leaves once served, and the next
/// request checks the accounts at once. So a freed slot wakes a single request, and a request with a lost
/// client leaves no trace. [`Line`] defines the order.
/// who give up leave no trace. Who is next is said by [`Line`].
#[derive(Debug, Default)]
pub struct Lane {
    turns: AtomicU64,
    line: Mutex<Line<Option<Waker>>>,
    /// The length of `line`, readable without the lock.
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
pub struct Turn {
    lane: Arc<Lane>,
    ticket: Ticket,
    leaving: Leaving,
}

impl Lane {
    /// Returns the serial number of a request in the lane.
    pub fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns whether any request waits. A new request then has to join the queue.
    pub fn has_line(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Joins the queue for a root session.
    ///
    /// # Errors
    /// [`Crowded`] if `bound` requests wait already.
    pub fn stand(self: &Arc<Self>, session: u64, class: Class, bound: usize) -> Result<Turn, Crowded> {
        let mut line = unpoisoned(self.line.lock());
        let ticket = line.join(session, class, None, bound)?;
        // Stored under the lock, so that the length never goes backwards.
        self.waiting.store(line.len() as u32, Ordering::Release);
        Ok(Turn { lane: self.clone(), ticket, leaving: Leaving::GaveUp })
    }

    fn leave(&self, ticket: Ticket, leaving: Leaving) -> Option<Waker> {
        let mut line = unpoisoned(self.line.lock());
        line.leave(ticket, leaving);
        self.waiting.store(line.len() as u32, Ordering::Release);
        line.first_mut().and_then(Option::take)
    }
}

impl Lane {
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
    pub fn announce_fall(&self, leg: usize, until: Millis, now: Millis) -> bool {
        let mut falls = unpoisoned(self.falls.lock());
        // The list grows on demand: most routes have a single hop.
        let length = falls.len().max(leg + 1);
        falls.resize(length, Millis(0));
        let is_news = falls[leg] <= now;
        if is_news {
            falls[leg] = until;
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

impl Turn {
    /// Says whether it is the first.
    pub fn is_first(&self) -> bool {
        unpoisoned(self.lane.line.lock()).front() == Some(self.ticket)
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
        let mut line = unpoisoned(self.lane.line.lock());
        if line.front() == Some(self.ticket) {
            return Poll::Ready(());
        }
        // Registered under the lock of the check, so that a leave in between cannot be missed.
        if let Some(waker) = line.get_mut(self.ticket) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(next) = self.lane.leave(self.ticket, self.leaving) {
            next.wake();
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const ROOM: usize = 100;

    fn is_first(turn: &mut Turn) -> bool {
        turn.comes().now_or_never().is_some()
    }

    #[test]
    fn a_session_is_served_in_the_order_of_coming_and_sessions_in_turn() {
        let lane = Arc::new(Lane::default());
        let stand = |session| lane.stand(session, Class::default(), ROOM).expect("room");
        let (mut first, mut second, mut other) = (stand(1), stand(1), stand(2));
        assert!(is_first(&mut first) && !is_first(&mut second) && !is_first(&mut other));
        first.served();
        assert!(is_first(&mut other) && !is_first(&mut second), "its session has had its turn");
        other.served();
        assert!(is_first(&mut second));
    }

    #[test]
    fn who_gives_up_leaves_no_trace() {
        let lane = Arc::new(Lane::default());
        let mut first = lane.stand(1, Class::default(), ROOM).expect("room");
        let mut second = lane.stand(2, Class::default(), ROOM).expect("room");
        assert!(is_first(&mut first) && !is_first(&mut second));
        drop(second);
        drop(first);
        assert!(!lane.has_line());
        assert!(is_first(&mut lane.stand(3, Class::default(), ROOM).expect("room")));
    }

    #[test]
    fn a_turn_that_is_given_up_wakes_the_next_and_nobody_else() {
        let lane = Arc::new(Lane::default());
        let mut turns: Vec<_> =
            (0..3).map(|session| lane.stand(session, Class::default(), ROOM).expect("room")).collect();
        assert!(is_first(&mut turns[0]));
        let mut woken: Vec<_> =
            turns.drain(1..).map(|mut turn| task(async move { turn.comes().await })).collect();
        assert!(woken.iter_mut().all(|task| !task.poll()));
        drop(turns);
        assert_eq!(woken.iter().map(Task::is_woken).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_line_that_is_full_turns_away() {
        let lane = Arc::new(Lane::default());
        let held = lane.stand(1, Class::default(), 1).expect("room");
        assert!(lane.stand(2, Class::default(), 1).is_err());
        drop(held);
        assert!(lane.stand(2, Class::default(), 1).is_ok());
    }

    #[test]
    fn a_wait_is_announced_once_until_it_is_over() {
        let lane = Lane::default();
        assert!(lane.announce_wait(Millis(50), Millis(10)));
        assert!(!lane.announce_wait(Millis(60), Millis(20)));
        assert!(lane.announce_protection(Millis(900), Millis(20)), "that is another event");
        assert!(!lane.announce_protection(Millis(900), Millis(30)));
        assert!(lane.announce_wait(Millis(90), Millis(50)));
    }

    #[test]
    fn leaving_a_leg_is_announced_once_until_it_opens_and_for_each_leg() {
        let lane = Lane::default();
        assert!(lane.announce_fall(1, Millis(50), Millis(10)));
        assert!(lane.announce_fall(0, Millis(50), Millis(10)));
        assert!(!lane.announce_fall(1, Millis(90), Millis(49)));
        assert!(lane.announce_fall(1, Millis(90), Millis(50)));
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
