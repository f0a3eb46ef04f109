//! The line under random schedules: no turn is lost, whoever gives up and whenever.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use pointsman_core::admission::fair_queue::Class;
use pointsman_plugin::fleet::wait_queue::WaitQueue;
use shuttle::future::block_on;
use shuttle::sync::Mutex;
use shuttle::thread;

use super::check;

const ROOM: usize = 10;

#[test]
fn everybody_in_line_comes_to_the_front_though_somebody_gives_up() {
    check(|| {
        let wait_queue = Arc::new(WaitQueue::default());
        let served = (0..3).map(|session| {
            let wait_queue = wait_queue.clone();
            thread::spawn(move || {
                let mut turn = wait_queue.stand(session % 2, Class::default(), ROOM).expect("room");
                block_on(turn.comes());
                turn.served();
            })
        });
        let gone = {
            let wait_queue = wait_queue.clone();
            thread::spawn(move || drop(wait_queue.stand(1, Class::default(), ROOM).expect("room")))
        };
        let threads: Vec<_> = served.chain([gone]).collect();
        // A turn that is lost leaves somebody waiting for ever, which shuttle calls a deadlock.
        threads.into_iter().for_each(|thread| thread.join().expect("a thread that returns"));
        assert!(!wait_queue.has_waiters());
    });
}

#[test]
fn no_more_wait_than_there_is_room_for() {
    check(|| {
        let wait_queue = Arc::new(WaitQueue::default());
        let threads: Vec<_> = (0..3)
            .map(|session| {
                let wait_queue = wait_queue.clone();
                thread::spawn(move || wait_queue.stand(session, Class::default(), 2).ok())
            })
            .collect();
        let turns: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().expect("a turn")).collect();
        assert_eq!(turns.len(), 2);
    });
}

/// What one writes first: who is next under one lock, and who is to be woken under another.
#[derive(Default)]
struct Naive {
    line: Mutex<VecDeque<u64>>,
    wakers: Mutex<BTreeMap<u64, Waker>>,
}

impl Naive {
    async fn comes(&self, number: u64) {
        poll_fn(|context| {
            if self.line.lock().expect("no thread panics").front() == Some(&number) {
                return Poll::Ready(());
            }
            self.wakers.lock().expect("no thread panics").insert(number, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn leave(&self) {
        let next = {
            let mut line = self.line.lock().expect("no thread panics");
            line.pop_front();
            line.front().copied()
        };
        let waker = next.and_then(|next| self.wakers.lock().expect("no thread panics").remove(&next));
        waker.into_iter().for_each(Waker::wake);
    }
}

#[test]
#[should_panic(expected = "deadlock")]
fn the_naive_twin_with_two_locks_loses_a_turn() {
    check(|| {
        let naive = Arc::new(Naive::default());
        naive.line.lock().expect("no thread panics").extend(0..3);
        let threads: Vec<_> = (0..3)
            .map(|number| {
                let naive = naive.clone();
                thread::spawn(move || {
                    block_on(naive.comes(number));
                    naive.leave();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("a thread that returns"));
    });
}
