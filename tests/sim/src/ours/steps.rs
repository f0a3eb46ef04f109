//! The steps of a request, as the driver performs them.

use pointsman_core::admission::cell::Deny;
use pointsman_core::admission::fair_queue::Leaving;
use pointsman_core::dispatch::{Event, Step};
use pointsman_core::formats::operation::Operation;
use pointsman_core::planning::affinity::{Look, Stake};
use pointsman_core::planning::plan::Candidate;
use pointsman_core::time::Millis;

use crate::router::{Action, RequestId};
use crate::upstream::CellId;

use super::{Journey, Ours, PROMPT, Rest};

impl Ours {
    /// Goes on until the request waits, is sent, or is over.
    pub(super) fn travel(&mut self, id: RequestId, journey: &mut Journey, now: Millis) -> Action {
        self.wake(id, journey, now);
        loop {
            match self.event(id, journey, now) {
                Ok(event) => journey.dispatch.handle(event, now),
                Err(action) => return action,
            }
            journey.has_paused = false;
        }
    }

    /// Performs a step, and returns what came of it; an error is what the caller has to do first.
    fn event(&mut self, id: RequestId, journey: &mut Journey, now: Millis) -> Result<Event, Action> {
        match journey.dispatch.step() {
            Step::Arrive => {
                Ok(Event::Arrived { others_wait: !self.wait_queues[journey.wait_queue].line.is_empty() })
            }
            Step::Plan { at_last, .. } => self.plan(journey, at_last, now).ok_or_else(|| pause(journey)),
            Step::Stay { stake, look } => Ok(self.look_among_waiters(journey, stake, &look)),
            Step::Withdraw => Ok(Event::Withdrawn(self.withdraw(journey, now))),
            Step::Admit(_) if self.setup.interleaved && !journey.has_paused => Err(pause(journey)),
            Step::Admit(candidate) => Ok(self.admit(id, journey, candidate, now)),
            Step::Authorize { .. } => Ok(Event::Authorized),
            Step::Send => Err(self.send(journey, now)),
            Step::Queue { bound, .. } => self.queue(id, journey, bound),
            Step::Wait { until, .. } => Err(self.rest(journey, Rest::Listening, until)),
            Step::Hold { until } => Err(self.hold(id, journey, until)),
            Step::Deliver => Err(self.over(id, journey, Action::Deliver)),
            Step::Refuse(refusal) => Err(self.over(id, journey, Action::Refuse { retry_at: refusal.until })),
            Step::TurnAway => {
                self.races.turned_away += 1;
                Err(self.over(id, journey, Action::Refuse { retry_at: None }))
            }
        }
    }

    /// Plans, or returns nothing where another thread goes on before the session's account is claimed.
    fn plan(&self, journey: &mut Journey, at_last: bool, now: Millis) -> Option<Event> {
        let agent = self.agent(journey, now);
        let snapshot = match journey.snapshot.take() {
            Some(snapshot) => snapshot,
            None => {
                journey.context.at_last = at_last;
                journey.context.accounts = agent.roster.members.len() as u32;
                journey.context.sticky = journey.sticky.look_up(&agent, PROMPT);
                let route = &self.hop(journey).route;
                let snapshot = Box::new(agent.roster.snapshot(route, &self.model, &journey.context, now));
                if self.setup.interleaved && journey.context.sticky.is_none() {
                    journey.snapshot = Some(snapshot);
                    return None;
                }
                snapshot
            }
        };
        let patience = journey.dispatch.patience();
        Some(Event::Planned(journey.sticky.plan(&agent, &snapshot, &mut journey.context, patience, |_| ())))
    }

    fn look_among_waiters(&self, journey: &mut Journey, stake: Stake, look: &Look) -> Event {
        let members = &self.provider(journey).roster.members;
        let account = journey.context.sticky.map(|sticky| &members[sticky as usize].account);
        Event::Looked(account.and_then(|account| journey.sticky.look(account, stake, look)))
    }

    fn withdraw(&mut self, journey: &Journey, now: Millis) -> bool {
        let paid = self.provider(journey).budget.withdraw(self.setup.retries, now);
        self.races.withheld_retries += u64::from(!paid);
        paid
    }

    fn admit(&mut self, id: RequestId, journey: &mut Journey, candidate: Candidate, now: Millis) -> Event {
        let roster = &self.provider(journey).roster;
        match roster.admit(&candidate, &self.model, Operation::Generating, journey.dispatch.jitter(), now) {
            Ok(lease) => {
                journey.sticky.admitted(lease.target().account.ordinal, now);
                journey.lease = Some(lease);
                self.leave_line(id, journey, Leaving::Served);
                Event::Admitted
            }
            Err(deny) => {
                self.races.lost_admissions += 1;
                self.races.contended_probes += u64::from(deny == Deny::Probing);
                Event::Denied(deny)
            }
        }
    }

    fn send(&self, journey: &Journey, now: Millis) -> Action {
        if journey.dispatch.attempts() == 0 {
            self.provider(journey).budget.deposit(self.setup.retries, now);
        }
        let Some(lease) = &journey.lease else { return Action::Refuse { retry_at: None } };
        let target = lease.target();
        let cell = CellId { account: target.account.ordinal as u16, pool: target.pool as u16 };
        Action::Send { cell, probe: lease.is_probe() }
    }

    fn over(&mut self, id: RequestId, journey: &Journey, action: Action) -> Action {
        self.leave_line(id, journey, Leaving::GaveUp);
        action
    }
}

fn pause(journey: &mut Journey) -> Action {
    journey.rest = Rest::Paused;
    journey.has_paused = true;
    Action::Pause
}
