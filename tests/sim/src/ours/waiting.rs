//! Waiting, as the driver does it: in line, for the bell or the clock, or for the session's own account.

use pointsman_core::admission::fair_queue::Leaving;
use pointsman_core::dispatch::Event;
use pointsman_core::time::Millis;

use crate::router::{Action, RequestId};

use super::{Journey, Ours, Rest};

impl Ours {
    /// Whoever is asked again has come to the front of its line, or its time is over.
    pub(super) fn wake(&mut self, id: RequestId, journey: &mut Journey, now: Millis) {
        let rest = std::mem::replace(&mut journey.rest, Rest::Awake);
        if !rest.waits() {
            return;
        }
        self.waiting -= 1;
        self.holding.retain(|holding| *holding != id);
        if self.wait_queues[journey.wait_queue].line.heard(id).is_none() {
            self.leave_line(id, journey, Leaving::GaveUp);
        }
        if rest != Rest::Queued {
            journey.dispatch.handle(Event::Woke, now);
        }
    }

    /// The first of a line watches clock and bell; others stand behind it. Who came to the front without a
    /// wait looks again before it waits.
    pub(super) fn wait(&mut self, id: RequestId, journey: &mut Journey, until: Millis) -> Option<Action> {
        if self.wait_queues[journey.wait_queue].line.heard(id).is_some() {
            return Some(self.rest(journey, Rest::Listening, until));
        }
        if !self.stand(id, journey) {
            return Some(Action::Refuse { retry_at: None });
        }
        if self.wait_queues[journey.wait_queue].line.heard(id).is_some() {
            return None;
        }
        Some(self.rest(journey, Rest::Standing, journey.dispatch.deadline()))
    }

    /// Who has the turn gives it to the next.
    pub(super) fn hold(&mut self, id: RequestId, journey: &mut Journey, until: Millis) -> Action {
        self.races.holds += 1;
        self.leave_line(id, journey, Leaving::GaveUp);
        journey.heard = self.notifications;
        self.holding.push(id);
        self.rest(journey, Rest::Holding, until)
    }

    pub(super) fn rest(&mut self, journey: &mut Journey, rest: Rest, until: Millis) -> Action {
        self.waiting += 1;
        journey.rest = rest;
        Action::Wait { until: Some(until) }
    }

    /// Stands in line, and says whether there was room.
    pub(super) fn stand(&mut self, id: RequestId, journey: &Journey) -> bool {
        let session = if self.setup.first_come { 0 } else { journey.session.0.into() };
        let line = &mut self.wait_queues[journey.wait_queue].line;
        let stands = line.stand(id, session, self.setup.max_waiting, self.notifications).is_ok();
        self.races.turned_away += u64::from(!stands);
        stands
    }

    pub(super) fn leave_line(&mut self, id: RequestId, journey: &Journey, leaving: Leaving) {
        self.wait_queues[journey.wait_queue].line.leave(id, leaving, self.notifications);
    }
}
