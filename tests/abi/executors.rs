//! Hosts of any kind: without a runtime, from many threads, with several routers and several libraries.

use std::thread;

use futures_util::future::join_all;
use pointsman_loader::{Library, load};
use pointsman_tests::setup::{free, options, spent};
use pointsman_tests::{Ask, Heard, Setup, Told, plugin, within};

/// Waits for a future with nothing but a parked thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(ready) => return ready,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn threads_without_any_runtime_can_fetch() {
    let stage = Setup::new().anthropic("a", free()).start();
    let ask = || {
        let answer = block_on(stage.router.fetch(Ask::messages().streaming().request())).expect("an answer");
        block_on(Heard::all(answer)).good()
    };
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..5).for_each(|_| drop(ask())));
        }
    });
    assert_eq!((stage.counter("requests"), stage.counter("answered")), (80, 80));
    block_on(stage.router.shutdown(std::time::Duration::ZERO)).expect("it is shut down");
}

/// The router's methods may be called inside of a runtime of the host's, which is not the plugin's.
#[tokio::test]
async fn blocking_calls_are_no_trouble_inside_a_runtime() {
    let stage = Setup::new().anthropic("a", free()).start();
    stage.gateway();
    stage.status();
    let router = stage.router.clone();
    drop(stage);
    within(router.shutdown(std::time::Duration::ZERO)).await.expect("it is shut down");
    drop(router);
}

#[tokio::test]
async fn a_current_thread_runtime_can_fetch_a_hundred_at_once() {
    let stage = Setup::new().anthropic("a", free()).start();
    for answer in stage.fetch_times(100, Ask::messages).await {
        answer.good();
    }
}

/// Two routers of one library know nothing of each other.
#[tokio::test]
async fn two_routers_of_one_library_are_two() {
    check_two(plugin::library(), plugin::library()).await;
}

/// A second library in the process has statics, threads and limits of its own.
#[tokio::test]
async fn two_libraries_in_one_process_are_two() {
    let other = load(&plugin::example("panicking_plugin")).expect("it holds a copy of the plugin");
    check_two(plugin::library(), &other).await;
}

async fn check_two(one: &Library, other: &Library) {
    let setup = Setup::new().anthropic("a", spent(60));
    let upstream = setup.upstream();
    let config = setup.config(&upstream.base_url());
    let start = |library: &Library| library.start(options(&config), Told::default()).expect("a router");
    let routers = [start(one), start(other)];
    let answers = join_all(routers.iter().map(|router| router.fetch(Ask::messages().request()))).await;
    assert!(answers.into_iter().all(|answer| answer.expect("an answer").status == 429));
    assert_eq!(upstream.ledger().entries().len(), 2, "each learned of the limit by itself");
    for router in &routers {
        assert_eq!(router.status().expect("it is open").counter("trips"), 1);
    }
}
