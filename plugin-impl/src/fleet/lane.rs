//! Lanes: the lines in which requests with the same choice of accounts wait.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use pointsman_core::admission::line::{Class, Leaving, Line, Ticket};
use pointsman_core::time::Millis;

use crate::sync::{DashMap, Mutex, unpoisoned};

pub use pointsman_core::admission::line::Crowded;

/// All lanes, by what their requests may use.
#[derive(Debug)]
pub struct Lanes {
    lanes: DashMap<u64, Arc<Lane>>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { lanes: DashMap::with_shard_amount(super::SHARDS) }
    }
}

/// More lanes than any configuration has are pins that nobody uses any more.
const CROWDED: usize = 4_096;

impl Lanes {
    /// Returns the lane of a route; see [`Route::lane`](pointsman_core::request::route::Route::lane).
    pub fn of(&self, route: u64) -> Arc<Lane> {
        if let Some(lane) = self.lanes.get(&route) {
            return lane.clone();
        }
        if self.lanes.len() >= CROWDED {
            self.lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        self.lanes.entry(route).or_default().clone()
    }

    /// Returns how many requests wait, in all lanes together.
    pub fn waiting(&self) -> u32 {
        self.lanes.iter().map(|lane| lane.waiting.load(Ordering::Relaxed)).sum()
    }
}

/// A line of requests that wait for the same accounts.
///
/// Its first has the turn, and alone watches the clock and the bell. When it has got its place it leaves, and
/// the next one looks at once whether there is another. So a place that is freed wakes one request, and those
/// who give up leave no trace. Who is next is said by [`Line`].
#[derive(Debug, Default)]
pub struct Lane {
    turns: AtomicU64,
    line: Mutex<Line<Option<Waker>>>,
    /// The length of the line, for those who only look.
    waiting: AtomicU32,
    /// Until when waits have been announced, and that protection leaves nobody.
    waits: AtomicU64,
    protections: AtomicU64,
    /// For each leg until when it is known that requests go on to the next.
    falls: Mutex<Vec<Millis>>,
}

/// A place in the line. Dropping it gives it up.
#[derive(Debug)]
#[must_use = "a place in the line that is dropped is given up"]
pub struct Turn {
    lane: Arc<Lane>,
    ticket: Ticket,
    leaving: Leaving,
}

impl Lane {
    /// Returns the number of this request among those of its route.
    pub fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Says whether anybody waits, so that who comes now has to stand behind.
    pub fn has_line(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Stands in line for a root session.
    ///
    /// # Errors
    /// [`Crowded`] where `bound` wait already.
    pub fn stand(self: &Arc<Self>, session: u64, class: Class, bound: usize) -> Result<Turn, Crowded> {
        let mut line = unpoisoned(self.line.lock());
        let ticket = line.join(session, class, None, bound)?;
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
    /// Says whether a wait until `until` is news: nobody has announced one that is still going on.
    pub fn announce_wait(&self, until: Millis, now: Millis) -> bool {
        is_news(&self.waits, until, now)
    }

    /// Says whether it is news that protection leaves nobody until `until`. Requests wait for other ends meanwhile,
    /// so that it is remembered apart.
    pub fn announce_protection(&self, until: Millis, now: Millis) -> bool {
        is_news(&self.protections, until, now)
    }

    /// Says whether it is news that requests leave a leg for the next one until `until`: nobody has
    /// announced one that is still going on.
    pub fn announce_fall(&self, leg: usize, until: Millis, now: Millis) -> bool {
        let mut falls = unpoisoned(self.falls.lock());
        let length = falls.len().max(leg + 1);
        falls.resize(length, Millis(0));
        let is_news = falls[leg] <= now;
        if is_news {
            falls[leg] = until;
        }
        is_news
    }
}

/// Of those who come with one event, one finds that nothing was announced that still goes on.
fn is_news(announced: &AtomicU64, until: Millis, now: Millis) -> bool {
    let last = announced.load(Ordering::Acquire);
    last <= now.0 && announced.compare_exchange(last, until.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

impl Turn {
    /// Waits until it is the first.
    pub async fn comes(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    /// Leaves with what it waited for, so that its session has had its turn.
    pub fn served(mut self) {
        self.leaving = Leaving::Served;
    }

    /// Whether it is first and who is to be woken are looked at under one lock, so that no turn is lost.
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut line = unpoisoned(self.lane.line.lock());
        if line.front() == Some(self.ticket) {
            return Poll::Ready(());
        }
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

    /// A future that is polled by hand, and knows whether it was woken since.
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
