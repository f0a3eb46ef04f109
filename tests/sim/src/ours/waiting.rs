//! Waiting, as the driver does it: in line, for the bell or the clock, or for the session's own account.

use pointsman_core::admission::fair_queue::Leaving;
use pointsman_core::dispatch::Event;
use pointsman_core::time::Millis;

use crate::router::{Action, RequestId};

use super::{Journey, Ours, Rest};

impl Ours {
    /// Whoever is asked again has come to the front of its line, has heard the bell, or its time is over.
    pub(super) fn wake(&mut self, id: RequestId, journey: &mut Journey, now: Millis) {
        let rest = std::mem::replace(&mut journey.rest, Rest::Awake);
        if !rest.waits() {
            return;
        }
        self.waiting -= 1;
        self.holding.retain(|holding| *holding != id);
        let event = match rest {
            Rest::Standing if self.is_first(id, journey) => Event::Front { at_once: false },
            Rest::Standing => {
                self.leave_line(id, journey, Leaving::GaveUp);
                Event::Late
            }
            Rest::Listening | Rest::Holding | Rest::Awake | Rest::Paused => Event::Woke,
        };
        journey.dispatch.handle(event, now);
    }

    fn is_first(&self, id: RequestId, journey: &Journey) -> bool {
        self.wait_queues[journey.wait_queue].line.heard(id).is_some()
    }

    /// Joins the line. The first looks again, and others stand behind it until `bound`.
    pub(super) fn queue(
        &mut self,
        id: RequestId,
        journey: &mut Journey,
        bound: Millis,
    ) -> Result<Event, Action> {
        if !self.stand(id, journey) {
            return Ok(Event::Crowded);
        }
        if self.is_first(id, journey) {
            return Ok(Event::Front { at_once: true });
        }
        Err(self.rest(journey, Rest::Standing, bound))
    }

    /// Who has the turn gives it to the next.
    pub(super) fn hold(&mut self, id: RequestId, journey: &mut Journey, until: Millis) -> Action {
        self.races.holds += 1;
        self.leave_line(id, journey, Leaving::GaveUp);
        journey.heard = self.provider(journey).rung;
        self.holding.push(id);
        self.rest(journey, Rest::Holding, until)
    }

    pub(super) fn rest(&mut self, journey: &mut Journey, rest: Rest, until: Millis) -> Action {
        self.waiting += 1;
        journey.rest = rest;
        Action::Wait { until: Some(until) }
    }

    /// Stands in line, and says whether there was room.
    fn stand(&mut self, id: RequestId, journey: &Journey) -> bool {
        let session = if self.setup.first_come { 0 } else { journey.session.0.into() };
        let rung = self.rung(journey.wait_queue);
        let line = &mut self.wait_queues[journey.wait_queue].line;
        line.stand(id, session, self.setup.max_waiting, rung).is_ok()
    }

    pub(super) fn leave_line(&mut self, id: RequestId, journey: &Journey, leaving: Leaving) {
        let rung = self.rung(journey.wait_queue);
        self.wait_queues[journey.wait_queue].line.leave(id, leaving, rung);
    }
}
