//! Lanes: the lines in which requests with the same choice of accounts wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use pointsman_core::time::Millis;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::sync::{DashMap, unpoisoned};

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
    /// Returns the lane of a route; see [`Route::lane`](pointsman_core::route::Route::lane).
    pub fn of(&self, route: u64) -> Arc<Lane> {
        if let Some(lane) = self.lanes.get(&route) {
            return lane.clone();
        }
        if self.lanes.len() >= CROWDED {
            self.lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        }
        self.lanes.entry(route).or_default().clone()
    }
}

/// A line of requests that wait for the same accounts.
///
/// The first of the line is the one who holds the turn; it alone watches the clock and the bell. When it
/// has got its place it leaves, and the next one looks at once whether there is another. So a place that
/// is freed wakes one request, and those who give up leave no trace.
#[derive(Debug, Default)]
pub struct Lane {
    turns: AtomicU64,
    queued: AtomicU32,
    line: Arc<Mutex<()>>,
    announced: AtomicU64,
    /// For each leg until when it is known that requests go on to the next.
    falls: crate::sync::Mutex<Vec<Millis>>,
}

/// The right to be the first of a line.
#[derive(Debug)]
pub struct Turn {
    _held: OwnedMutexGuard<()>,
    _place: Place,
}

#[derive(Debug)]
struct Place(Arc<Lane>);

impl Lane {
    /// Returns the number of this request among those of its route.
    pub fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Says whether anybody waits, so that who comes now has to stand behind.
    pub fn has_line(&self) -> bool {
        self.queued.load(Ordering::Acquire) > 0
    }

    /// Stands in line until it is the first.
    pub async fn stand(self: &Arc<Self>) -> Turn {
        let place = Place::take(self);
        Turn { _held: self.line.clone().lock_owned().await, _place: place }
    }

    /// Says whether a wait until `until` is news: nobody has announced one that is still going on.
    pub fn announce(&self, until: Millis, now: Millis) -> bool {
        let announced = self.announced.load(Ordering::Acquire);
        let over = announced <= now.0;
        over && self
            .announced
            .compare_exchange(announced, until.0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Lane {
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

impl Place {
    fn take(lane: &Arc<Lane>) -> Self {
        lane.queued.fetch_add(1, Ordering::AcqRel);
        Self(lane.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_line_is_served_in_the_order_of_coming() {
        let lane = Arc::new(Lane::default());
        let first = lane.stand().now_or_never().expect("nobody is before it");
        let mut second = Box::pin(lane.stand());
        let mut third = Box::pin(lane.stand());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[test]
    fn who_gives_up_leaves_no_trace() {
        let lane = Arc::new(Lane::default());
        let first = lane.stand().now_or_never().expect("nobody is before it");
        let mut second = Box::pin(lane.stand());
        assert!(second.as_mut().now_or_never().is_none());
        drop(second);
        drop(first);
        assert!(!lane.has_line());
        assert!(lane.stand().now_or_never().is_some());
    }

    #[test]
    fn a_wait_is_announced_once_until_it_is_over() {
        let lane = Lane::default();
        assert!(lane.announce(Millis(50), Millis(10)));
        assert!(!lane.announce(Millis(60), Millis(20)));
        assert!(lane.announce(Millis(90), Millis(50)));
    }

    #[test]
    fn leaving_a_leg_is_announced_once_until_it_opens_and_for_each_leg() {
        let lane = Lane::default();
        assert!(lane.announce_fall(1, Millis(50), Millis(10)));
        assert!(lane.announce_fall(0, Millis(50), Millis(10)));
        assert!(!lane.announce_fall(1, Millis(90), Millis(49)));
        assert!(lane.announce_fall(1, Millis(90), Millis(50)));
    }
}
