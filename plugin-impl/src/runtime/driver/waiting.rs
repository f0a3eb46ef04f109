//! Waiting: a request waits in the queue of its lane, and at the front for a free slot.

use std::sync::Arc;

use pointsman_core::admission::fair_queue::Class;
use pointsman_core::dispatch::Event;
use pointsman_core::planning::plan::Refusal;
use pointsman_core::reporting::announce::Onward;
use pointsman_core::time::Millis;

use crate::clock::Clock;
use crate::fleet::notifier::Waiters;
use crate::fleet::wait_queue::{Crowded, QueueSlot, WaitQueue};
use crate::runtime::answer::Answer;
use crate::runtime::call::Resolved;
use crate::runtime::generation::Generation;
use crate::runtime::hold::Waiting;
use crate::runtime::journal::record::How;
use crate::runtime::shared::Shared;

use super::RequestDriver;

/// A request's queue, and its place there.
pub(super) struct Queueing {
    pub(super) wait_queue: Arc<WaitQueue>,
    /// The place at the front, with the waiter for every change.
    front: Option<(QueueSlot, Waiters)>,
}

/// Who joins a queue.
pub(super) struct Joining {
    /// The root session.
    pub(super) session: u64,
    pub(super) class: Class,
    /// The most requests in the queue.
    pub(super) room: usize,
}

impl Queueing {
    /// Returns the queue of a request: requests of a queue have an equal choice of accounts and an equal cap
    /// group.
    pub(super) fn of(shared: &Shared, generation: &Generation, resolved: &Resolved) -> Self {
        let primary = &resolved.primary;
        let group = generation.provider_runtimes[primary.provider].roster.group(&primary.model);
        Self::new(shared.fleet.wait_queues.of(resolved.wait_queue() ^ group.rotate_right(8)))
    }

    fn new(wait_queue: Arc<WaitQueue>) -> Self {
        Self { wait_queue, front: None }
    }

    /// Returns the serial number of a request in the queue.
    pub(super) fn next_turn(&self) -> u64 {
        self.wait_queue.next_turn()
    }

    pub(super) fn has_waiters(&self) -> bool {
        self.wait_queue.has_waiters()
    }

    /// Joins the queue.
    fn join(&self, joining: Joining) -> Result<QueueSlot, Crowded> {
        self.wait_queue.stand(joining.session, joining.class, joining.room)
    }

    /// Stays behind others until `bound` at the longest. At the front the request listens from now on.
    async fn come_to_front(
        &mut self,
        mut slot: QueueSlot,
        bound: Millis,
        clock: &Clock,
        listen: impl FnOnce() -> Waiters,
    ) -> Event {
        let at_once = slot.is_first();
        tokio::select! {
            () = slot.comes() => {
                self.front = Some((slot, listen()));
                Event::Front { at_once }
            }
            () = clock.sleep_until(bound) => Event::Late,
        }
    }

    /// Waits at the front until `until` or a change.
    async fn wait(&mut self, until: Millis, clock: &Clock) {
        let Some((_, changes)) = &mut self.front else { return clock.sleep_until(until).await };
        tokio::select! {
            () = changes.heard() => {}
            () = clock.sleep_until(until) => {}
        }
    }

    /// Leaves the queue as served, so that the session's turn is used up.
    pub(super) fn served(&mut self) {
        if let Some((slot, _)) = self.front.take() {
            slot.served();
        }
    }

    /// Gives the place up.
    pub(super) fn leave(&mut self) {
        self.front = None;
    }
}

impl RequestDriver<'_> {
    /// Joins the queue. Earlier requests wait there, and whoever comes to the front takes the next place.
    pub(super) async fn queue(&mut self, until: Millis, bound: Millis, refusal: Option<Refusal>) -> Event {
        self.begin_wait(until, refusal);
        let _waiting = Waiting::of(self.resolved.hold.as_ref());
        let event = match self.queueing.join(self.joining()) {
            Ok(slot) => self.wait_for_front(slot, bound).await,
            Err(Crowded) => Event::Crowded,
        };
        self.end_wait();
        event
    }

    async fn wait_for_front(&mut self, slot: QueueSlot, bound: Millis) -> Event {
        self.shared.counters.waits.count();
        let (shared, resolved) = (self.shared, self.resolved);
        let listen = || {
            let notifier = |hop| shared.fleet.notifier(&resolved.hop(hop).route.provider.id).listen();
            (0..=resolved.others()).map(notifier).collect()
        };
        self.queueing.come_to_front(slot, bound, &shared.clock, listen).await
    }

    /// Waits at the front of the queue.
    pub(super) async fn wait(&mut self, until: Millis, refusal: Refusal) -> Event {
        self.begin_wait(until, Some(refusal));
        let _waiting = Waiting::of(self.resolved.hold.as_ref());
        self.queueing.wait(until, &self.shared.clock).await;
        self.end_wait();
        Event::Woke
    }

    /// Tells of a wait, and of everything learned before.
    fn begin_wait(&mut self, until: Millis, refusal: Option<Refusal>) {
        if let Some(refusal) = &refusal {
            self.resolve_doubts();
            self.tell_news(&Onward::Wait);
            self.tell_wait(self.dispatch.told_end(refusal).unwrap_or(until), refusal);
        }
        self.record.waits(self.dispatch.hop(), until, refusal, self.now);
    }

    fn end_wait(&mut self) {
        self.look_at_clock();
        self.record.woke(self.now);
    }

    fn joining(&self) -> Joining {
        let settings = &self.generation.config.settings;
        let class = if settings.interactive_first { self.resolved.class() } else { Class::default() };
        Joining { session: self.queue_key(), class, room: settings.max_waiting }
    }

    /// Returns the root session for the queue. A request without a session counts as a session of its own.
    fn queue_key(&self) -> u64 {
        let root = |session| self.shared.fleet.affinity.lineage.root(&session).0;
        self.resolved.in_line().map_or(!self.context.turn, root)
    }

    /// Refuses the request because the queue is full: one more request would only wait in vain.
    pub(super) fn turn_away(mut self) -> Answer {
        self.tell_news(&Onward::GiveUp);
        self.shared.counters.refused.count();
        let why = format!(
            "{} requests for {} wait in line already (`max_waiting`)",
            self.generation.config.settings.max_waiting,
            self.resolved.subject()
        );
        self.ended(How::Failed(why.clone()));
        self.reply(None).crowded(&why)
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use std::time::Duration;

    use pointsman_core::ids::ProviderId;

    use super::*;
    use crate::fleet::Fleet;

    const BOUND: Millis = Millis(5_000);

    /// Requests of one queue, and the notifier of its provider.
    struct Lane {
        wait_queue: Arc<WaitQueue>,
        fleet: Fleet,
        clock: Clock,
    }

    impl Lane {
        fn new() -> Self {
            Self { wait_queue: Arc::default(), fleet: Fleet::default(), clock: Clock::start() }
        }

        fn request(&self) -> Queueing {
            Queueing::new(self.wait_queue.clone())
        }

        /// Joins the queue, which has room for two.
        async fn join(&self, request: &mut Queueing, session: u64) -> Event {
            let joining = Joining { session, class: Class::default(), room: 2 };
            let Ok(slot) = request.join(joining) else { return Event::Crowded };
            request.come_to_front(slot, BOUND, &self.clock, || self.listen()).await
        }

        fn listen(&self) -> Waiters {
            [self.fleet.notifier(&ProviderId::new("acme")).listen()].into_iter().collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_an_empty_queue_is_at_the_front_at_once() {
        let lane = Lane::new();
        let mut request = lane.request();
        assert!(!request.has_waiters());
        assert_eq!(lane.join(&mut request, 1).await, Event::Front { at_once: true });
        assert!(lane.request().has_waiters(), "the next one sees it");
        request.served();
        assert!(!lane.request().has_waiters());
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_behind_another_comes_to_the_front_when_that_is_served() {
        let lane = Lane::new();
        let [mut first, mut second] = [lane.request(), lane.request()];
        lane.join(&mut first, 1).await;
        let served = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            first.served();
        };
        let (event, ()) = tokio::join!(lane.join(&mut second, 2), served);
        assert_eq!((event, lane.clock.mono()), (Event::Front { at_once: false }, Millis(1_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_stay_gives_the_place_up() {
        let lane = Lane::new();
        let [mut first, mut second] = [lane.request(), lane.request()];
        lane.join(&mut first, 1).await;
        assert_eq!((lane.join(&mut second, 2).await, lane.clock.mono()), (Event::Late, BOUND));
        first.leave();
        assert!(!lane.request().has_waiters(), "it left no trace");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_has_no_room_and_nothing_is_waited_for() {
        let lane = Lane::new();
        let [mut first, mut second, mut third] = [lane.request(), lane.request(), lane.request()];
        lane.join(&mut first, 1).await;
        let third_comes = async { lane.join(&mut third, 3).await };
        let (_, event) = tokio::join!(biased; lane.join(&mut second, 2), third_comes);
        assert_eq!(event, Event::Crowded);
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_front_a_change_ends_the_wait_and_otherwise_the_clock() {
        let lane = Lane::new();
        let mut request = lane.request();
        lane.join(&mut request, 1).await;
        lane.fleet.notifier(&ProviderId::new("acme")).notify();
        request.wait(BOUND, &lane.clock).await;
        assert_eq!(lane.clock.mono(), Millis(0), "a change since it came to the front is heard");
        request.wait(BOUND, &lane.clock).await;
        assert_eq!(lane.clock.mono(), BOUND);
    }
}
