//! Nobody waits for what has come already.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use pointsman_plugin::edges::upstream::news::News;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;

use super::check;

/// Looks until something is there, which another thread brings.
fn brought(look: fn(&News, &Context<'_>, &AtomicBool) -> bool) {
    let (news, is_there) = (Arc::<News>::default(), Arc::new(AtomicBool::new(false)));
    let bringer = {
        let (news, is_there) = (news.clone(), is_there.clone());
        thread::spawn(move || {
            news.wake_by_ref();
            is_there.store(true, Ordering::SeqCst);
            news.wake_by_ref();
        })
    };
    block_on(poll_fn(
        |context| if look(&news, context, &is_there) { Poll::Ready(()) } else { Poll::Pending },
    ));
    bringer.join().expect("it does not panic");
}

#[test]
fn what_comes_while_it_is_looked_for_is_not_waited_for() {
    check(|| {
        brought(|news, context, is_there| {
            if !news.look(context) {
                return false;
            }
            let found = is_there.load(Ordering::SeqCst);
            if !found {
                news.wait(context);
            }
            found
        });
    });
}

/// Looks first and says only then that what comes is to be told.
#[test]
#[should_panic(expected = "deadlock")]
fn the_naive_twin_waits_for_what_has_come() {
    check(|| {
        brought(|news, context, is_there| {
            let found = is_there.load(Ordering::SeqCst);
            if !found && news.look(&Context::from_waker(Waker::noop())) {
                news.wait(context);
            }
            found
        });
    });
}
