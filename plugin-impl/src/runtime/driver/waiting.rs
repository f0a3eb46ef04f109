//! Waiting: a request waits in the queue of its lane until a slot is free, or until waiting is hopeless.

use std::sync::Arc;

use pointsman_core::admission::fair_queue::Class;
use pointsman_core::dispatch::{Dispatch, Event};
use pointsman_core::jitter::Jitter;
use pointsman_core::planning::plan::Refusal;
use pointsman_core::reporting::announce::Onward;
use pointsman_core::time::Millis;

use crate::fleet::notifier::Waiters;
use crate::fleet::wait_queue::{Crowded, WaitQueue};
use crate::runtime::answer::Answer;
use crate::runtime::call::Resolved;
use crate::runtime::generation::Generation;
use crate::runtime::hold::Waiting;
use crate::runtime::journal::record::How;
use crate::runtime::shared::Shared;

use super::RequestDriver;

/// Returns the wait queue of a request: requests of a queue have an equal choice of accounts and an equal
/// cap group.
pub(super) fn wait_queue(shared: &Shared, generation: &Generation, resolved: &Resolved) -> Arc<WaitQueue> {
    let primary = &resolved.primary;
    let group = generation.provider_runtimes[primary.provider].roster.group(&primary.model);
    shared.fleet.wait_queues.of(resolved.wait_queue() ^ group.rotate_right(8))
}

/// Starts the state machine of the request with the number `turn` in the lane.
pub(super) fn dispatch(
    shared: &Shared,
    generation: &Generation,
    resolved: &Resolved,
    turn: u64,
    now: Millis,
) -> Dispatch {
    let max_wait = generation.config.settings.max_wait;
    let max_wait = resolved.hold.as_ref().map_or(max_wait, |hold| hold.longest(max_wait));
    let jitter = Jitter::of(shared.seed(), turn);
    Dispatch::new(now, max_wait).with_jitter(jitter).with_fallbacks(resolved.others() > 0)
}

impl RequestDriver<'_> {
    /// Whoever comes while others wait stands behind them, until `bound` at the longest. Says whether anybody
    /// was ahead.
    async fn enqueue(&mut self, bound: Millis) -> Result<Event, Crowded> {
        let _waiting = Waiting::of(self.resolved.hold.as_ref());
        let settings = &self.generation.config.settings;
        let class = if settings.interactive_first { self.resolved.class() } else { Class::default() };
        let stood = self.wait_queue.stand(self.queue_key(), class, settings.max_waiting);
        self.crowded = stood.is_err();
        let mut turn = stood?;
        self.shared.counters.waits.count();
        let event = if turn.is_first() { Event::AtFront } else { Event::Woke };
        tokio::select! {
            // At the head: from now on the request hears of every change.
            () = turn.comes() => self.turn = Some((turn, self.listen())),
            () = self.shared.clock.sleep_until(bound) => {}
        }
        Ok(event)
    }

    /// Listens to the notifier of every possible provider.
    fn listen(&self) -> Waiters {
        let notifier = |hop| self.shared.fleet.notifier(&self.resolved.hop(hop).route.provider.id).listen();
        (0..=self.resolved.others()).map(notifier).collect()
    }

    /// Stands in line, or where that has no room looks at the other legs first.
    pub(super) async fn stand(&mut self, bound: Millis) -> Result<Event, Crowded> {
        let has_looked = self.crowded || self.resolved.others() == 0;
        match self.enqueue(bound).await {
            Err(Crowded) if !has_looked => Ok(Event::AtFront),
            stood => stood,
        }
    }

    /// Returns the end of the wait in the queue: the end of the stay during a stay at the primary hop, or
    /// else the deadline.
    pub(super) fn bound(&self) -> Millis {
        let deadline = self.dispatch.deadline();
        self.stay.filter(|stay| self.now < *stay).unwrap_or(deadline)
    }

    pub(super) async fn wait(&mut self, until: Millis, refusal: Refusal) -> Result<Event, Crowded> {
        self.resolve_doubts();
        self.tell_news(&Onward::Wait);
        // Where the end is out of reach, it waits for a guess to be tried.
        let in_reach = |at: &Millis| *at <= self.dispatch.deadline();
        let end = refusal.until.filter(in_reach).or(refusal.last_resort.filter(in_reach)).or(refusal.until);
        self.tell_wait(end.unwrap_or(until), &refusal);
        self.record.waits(self.hop, until, Some(refusal), self.now);
        let _waiting = Waiting::of(self.resolved.hold.as_ref());
        let event = match &mut self.turn {
            Some((_, listener)) => {
                tokio::select! {
                    () = listener.heard() => {}
                    () = self.shared.clock.sleep_until(until) => {}
                }
                Event::Woke
            }
            // Having come to the front it looks again before it waits: it did not listen until now.
            None => self.stand(self.bound()).await?,
        };
        self.look_at_clock();
        self.record.woke(self.now);
        Ok(event)
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
