//! Event queues: events are kept until the host asks.
//!
//! The memory of a host that never asks must not grow. So a full queue drops the oldest event, and the next
//! event taken carries the number of missing events.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::sync::unpoisoned;

/// The most events kept: more than a person reads at once.
const ROOM: usize = 256;

/// A bounded queue of events.
#[derive(Debug)]
pub(super) struct EventQueue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct Inner<T> {
    pieces: VecDeque<T>,
    missed: u64,
    closed: bool,
}

/// An event, with the number of dropped events before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken<T> {
    pub(super) piece: T,
    pub(super) missed: u64,
}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        let inner = Inner { pieces: VecDeque::new(), missed: 0, closed: false };
        Self { inner: Mutex::new(inner), filled: Condvar::new() }
    }
}

impl<T> EventQueue<T> {
    pub(super) fn put(&self, piece: T) {
        let mut inner = unpoisoned(self.inner.lock());
        if inner.pieces.len() == ROOM {
            inner.pieces.pop_front();
            inner.missed += 1;
        }
        inner.pieces.push_back(piece);
        drop(inner);
        self.filled.notify_one();
    }

    /// Takes the oldest event. If the queue is empty, waits for at most `patience`.
    pub(super) fn take(&self, patience: Duration) -> Option<Taken<T>> {
        let deadline = Instant::now() + patience;
        let mut inner = unpoisoned(self.inner.lock());
        loop {
            if let Some(piece) = inner.pieces.pop_front() {
                return Some(Taken { piece, missed: std::mem::take(&mut inner.missed) });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if inner.closed || left.is_zero() {
                return None;
            }
            inner = unpoisoned(self.filled.wait_timeout(inner, left)).0;
        }
    }

    /// Ends every wait. Remaining events can still be taken.
    pub(super) fn close(&self) {
        unpoisoned(self.inner.lock()).closed = true;
        self.filled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn pieces_come_in_their_order() {
        let event_queue = EventQueue::default();
        event_queue.put(1);
        event_queue.put(2);
        let taken = || event_queue.take(Duration::ZERO).map(|taken| taken.piece);
        assert_eq!((taken(), taken(), taken()), (Some(1), Some(2), None));
    }

    #[test]
    fn the_oldest_goes_when_it_is_full_and_is_counted() {
        let event_queue = EventQueue::default();
        (0..ROOM + 3).for_each(|piece| event_queue.put(piece));
        assert_eq!(event_queue.take(Duration::ZERO), Some(Taken { piece: 3, missed: 3 }));
        assert_eq!(event_queue.take(Duration::ZERO), Some(Taken { piece: 4, missed: 0 }));
    }

    #[test]
    fn who_waits_is_woken_by_a_piece_and_by_the_end() {
        for close in [false, true] {
            let event_queue = Arc::new(EventQueue::default());
            let waiting = event_queue.clone();
            let waiter = std::thread::spawn(move || waiting.take(Duration::from_secs(60)));
            if close {
                event_queue.close()
            } else {
                event_queue.put(7)
            }
            assert_eq!(waiter.join().unwrap().is_none(), close);
        }
    }
}
