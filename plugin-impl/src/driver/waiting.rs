//! Waiting: a request stands in the line of its lane until there is a place, or no hope of one.

use std::sync::Arc;

use pointsman_core::announce::Onward;
use pointsman_core::dispatch::Event;
use pointsman_core::plan::Refusal;
use pointsman_core::time::Millis;

use crate::call::Routed;
use crate::fleet::lane::Lane;
use crate::generation::Generation;
use crate::shared::Shared;

use super::Journey;

/// Returns the line of a request: of those that may use the same accounts, and that the same caps hold up.
pub(super) fn lane(shared: &Shared, generation: &Generation, routed: &Routed) -> Arc<Lane> {
    let origin = &routed.origin;
    let group = generation.crews[origin.provider].roster.group(&origin.model);
    shared.fleet.lanes.of(routed.lane() ^ group.rotate_right(8))
}

impl Journey<'_> {
    /// Whoever comes while others wait stands behind them, until `bound` at the longest.
    pub(super) async fn stand_in_line(&mut self, bound: Millis) {
        self.shared.counters.waits.count();
        tokio::select! {
            turn = self.lane.stand() => self.turn = Some((turn, self.shared.fleet.bell().listen())),
            () = self.shared.clock.sleep_until(bound) => {}
        }
    }

    /// Returns how long it stands in line: who stays in place of going to another provider has a bound on it.
    pub(super) fn bound(&self) -> Millis {
        let deadline = self.dispatch.deadline();
        self.stay.filter(|stay| self.now() < *stay).unwrap_or(deadline)
    }

    pub(super) async fn wait(&mut self, until: Millis, refusal: Refusal) -> Event {
        self.tell_news(&Onward::Wait);
        self.tell_wait(until, &refusal);
        self.record.waits(self.leg, until, Some(refusal), self.now());
        match &mut self.turn {
            Some((_, listener)) => tokio::select! {
                () = listener.heard() => {}
                () = self.shared.clock.sleep_until(until) => {}
            },
            // Having come to the front it looks again before it waits: it did not listen until now.
            None => self.stand_in_line(self.bound()).await,
        }
        self.record.woke(self.now());
        Event::Woke
    }
}
