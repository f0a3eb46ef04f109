//! A flag for news since the last look.
//!
//! A writer of a body polls several times per piece: to merge ready pieces, and again after a flush. A
//! connection polled inside of its body wakes its own task with each piece. Each such poll would run
//! through the whole connection without a result, so a poll is skipped without news.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use crate::sync::{Mutex, unpoisoned};

/// Stands between a task and its wakers.
#[derive(Debug, Default)]
pub struct News(Mutex<NewsState>);

#[derive(Debug, Default)]
enum NewsState {
    /// News, or no look yet.
    #[default]
    Came,
    /// A look without need for a wake-up.
    Looked,
    /// A look without a result: wake this task at news.
    Awaited(Waker),
}

impl News {
    /// Starts a look, or registers the task to wait if there is no news.
    pub fn look(&self, context: &Context<'_>) -> bool {
        let mut state = unpoisoned(self.0.lock());
        match &mut *state {
            NewsState::Awaited(waker) => {
                waker.clone_from(context.waker());
                false
            }
            NewsState::Came | NewsState::Looked => {
                *state = NewsState::Looked;
                true
            }
        }
    }

    /// Wakes the task at the next news, and at news since the look began.
    pub fn wait(&self, context: &Context<'_>) {
        let mut state = unpoisoned(self.0.lock());
        if matches!(*state, NewsState::Came) {
            context.waker().wake_by_ref();
        } else {
            *state = NewsState::Awaited(context.waker().clone());
        }
    }
}

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let before = std::mem::replace(&mut *unpoisoned(self.0.lock()), NewsState::Came);
        if let NewsState::Awaited(waker) = before {
            waker.wake();
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A task that counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Task {
        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn whoever_waits_is_woken_once_and_looks_again() {
        let (news, task) = (Arc::<News>::default(), Arc::<Task>::default());
        let waker = Waker::from(task.clone());
        let context = Context::from_waker(&waker);
        assert!(news.look(&context), "nobody has looked yet");
        news.wait(&context);
        assert!(!news.look(&context), "nothing has come");
        news.wake_by_ref();
        news.wake_by_ref();
        assert_eq!(task.woken(), 1);
        assert!(news.look(&context));
    }

    #[test]
    fn what_comes_while_somebody_looks_is_told_when_it_waits() {
        let (news, task) = (Arc::<News>::default(), Arc::<Task>::default());
        let waker = Waker::from(task.clone());
        let context = Context::from_waker(&waker);
        assert!(news.look(&context));
        news.wake_by_ref();
        assert_eq!(task.woken(), 0, "it has not stopped looking");
        assert!(news.look(&context), "it found something, and looks for more");
        news.wake_by_ref();
        news.wait(&context);
        assert_eq!(task.woken(), 1);
        assert!(news.look(&context));
    }

    #[test]
    fn the_last_who_asked_is_woken() {
        let news = Arc::<News>::default();
        let [first, last] = [(); 2].map(|()| Arc::<Task>::default());
        let wakers = [&first, &last].map(|task| Waker::from(Arc::clone(task)));
        assert!(news.look(&Context::from_waker(&wakers[0])));
        news.wait(&Context::from_waker(&wakers[0]));
        assert!(!news.look(&Context::from_waker(&wakers[1])));
        news.wake_by_ref();
        assert_eq!((first.woken(), last.woken()), (0, 1));
    }
}
