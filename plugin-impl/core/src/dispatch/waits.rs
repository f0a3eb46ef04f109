//! Waits: in the queue, at its front, and beside it for the session's sticky account.

use std::time::Duration;

use crate::jitter::Jitter;
use crate::planning::affinity::{Look, Room};
use crate::planning::plan::{Candidate, Plan, Refusal};
use crate::time::Millis;

use super::doubt::Doubt;
use super::phase::{Phase, Queued};
use super::planned::StickyWait;
use super::{Dispatch, MAX_ATTEMPTS};

/// The longest wait without a known end before the request looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The wait before the request asks the account again, if no other account can be asked.
const MOMENT: Duration = Duration::from_secs(1);

/// The bounds of a request's waits, and their number.
#[derive(Debug)]
pub(super) struct Waits {
    began: Millis,
    pub(super) deadline: Millis,
    patience: Duration,
    pub(super) jitter: Jitter,
    /// The end of the request's stay at the primary hop, before any failover.
    stay: Option<Millis>,
    pub(super) count: u32,
}

/// How a request stands to its queue.
#[derive(Debug, Default)]
pub(super) struct Queueing {
    /// The request holds the place at the front.
    pub(super) is_front: bool,
    /// The queue had no room for the request, which therefore looks at the other hops only.
    pub(super) is_crowded: bool,
}

impl Waits {
    pub(super) fn new(now: Millis, max_wait: Duration, patience: Duration, jitter: Jitter) -> Self {
        Self { began: now, deadline: now.after(max_wait), patience, jitter, stay: None, count: 0 }
    }

    pub(super) fn patience(&self) -> Millis {
        self.began.after(self.patience).min(self.deadline)
    }

    /// Returns the end of the stay at the primary hop, counted from the first call.
    pub(super) fn stay(&mut self, now: Millis) -> Millis {
        let until = now.after(self.patience).min(self.deadline);
        *self.stay.get_or_insert(until)
    }

    /// Returns the end of a stay in the queue: the end of the stay at the primary hop, or else the deadline.
    fn bound(&self, now: Millis) -> Millis {
        self.stay.filter(|stay| now < *stay).unwrap_or(self.deadline)
    }

    pub(super) fn told_end(&self, refusal: &Refusal) -> Option<Millis> {
        let in_reach = |at: &Millis| *at <= self.deadline;
        refusal.until.filter(in_reach).or(refusal.last_resort.filter(in_reach)).or(refusal.until)
    }
}

impl Dispatch {
    /// Earlier requests wait: overtaking them would starve the queue.
    pub(super) fn arrived(&mut self, others_wait: bool, now: Millis) -> Phase {
        if !others_wait {
            return self.plans_anew(now);
        }
        let bound = if self.hops.are_one() { self.waits.deadline } else { self.waits.stay(now) };
        Phase::Queueing(Queued { until: bound, bound, refusal: None })
    }

    /// At the front the request hears of every change, and so looks again before it waits.
    pub(super) fn came_to_front(&mut self, queued: &Queued, at_once: bool, now: Millis) -> Phase {
        self.queueing = Queueing { is_front: true, is_crowded: false };
        if at_once { self.plans_anew(now) } else { self.woke(queued.refusal.as_ref(), now) }
    }

    /// Plans without the place, which was given up.
    pub(super) fn late(&mut self, queued: &Queued, now: Millis) -> Phase {
        self.queueing = Queueing::default();
        self.woke(queued.refusal.as_ref(), now)
    }

    /// Looks at the other hops once, or else turns the request away: one more would only wait in vain.
    pub(super) fn crowded(&mut self, now: Millis) -> Phase {
        if self.queueing.is_crowded || self.hops.are_one() {
            return Phase::TurningAway;
        }
        self.queueing.is_crowded = true;
        self.plans_anew(now)
    }

    /// Plans again after a wait in the queue.
    pub(super) fn woke(&mut self, refusal: Option<&Refusal>, now: Millis) -> Phase {
        self.waits.count += 1;
        if let Some(refusal) = refusal {
            self.retries.waited_for(refusal);
        }
        self.plans_anew(now)
    }

    /// Every hop is closed to the request, which waits or gives up.
    pub(super) fn refused(&mut self, refusal: Refusal, now: Millis) -> Phase {
        // With a doubt open, a refusal means that no witness is available.
        match &self.doubt {
            Some(doubt) if doubt.yields_to(&refusal) => self.doubt = None,
            Some(_) => return self.unwitnessed(now),
            None => {}
        }
        let deadline = self.waits.deadline;
        let look = deadline.min(now.after(LOOK_AGAIN));
        let hope = refusal.hope();
        // Where somebody is only busy, a place may come free before the end that is known.
        let until = match hope {
            Some(until) if refusal.counts.busy > 0 => until.min(look),
            Some(until) => until,
            None => look,
        };
        // Waiting must be able to help, and must end before the caller's deadline.
        if self.is_hopeless(&refusal) || until > deadline || now >= deadline {
            return self.gives_up(refusal);
        }
        let until = match hope {
            // Spread the waiters of one reset, so that they do not return at one instant.
            Some(end) => self.waits.jitter.after(end, now).min(deadline),
            None => until,
        };
        self.waits_until(until, refusal, now)
    }

    /// Waits at the front of the queue, or joins it first.
    fn waits_until(&self, until: Millis, refusal: Refusal, now: Millis) -> Phase {
        if self.queueing.is_front {
            return Phase::Waiting { until, refusal };
        }
        Phase::Queueing(Queued { until, bound: self.waits.bound(now), refusal: Some(refusal) })
    }

    /// Returns whether no passing of time can help.
    fn is_hopeless(&self, refusal: &Refusal) -> bool {
        refusal.counts.passing() == 0 || self.retries.attempts >= MAX_ATTEMPTS
    }

    fn gives_up(&self, refusal: Refusal) -> Phase {
        if self.retries.is_tellable && refusal.counts.limited == 0 {
            Phase::Delivering
        } else {
            Phase::Refusing(refusal)
        }
    }

    /// Nobody waits for a witness.
    fn unwitnessed(&mut self, now: Millis) -> Phase {
        let until = now.after(MOMENT);
        let asks_again = until <= self.waits.deadline && self.doubt.as_mut().is_some_and(Doubt::asks_again);
        if asks_again { self.holds(until) } else { Phase::Delivering }
    }

    /// Decides between a wait for the session's sticky account and the plan, which leads elsewhere. An account
    /// that began a turn is not left while it may open; of others, the waiters share a budget.
    pub(super) fn stays(&mut self, plan: Plan, wait: StickyWait, now: Millis) -> Phase {
        let StickyWait { opens, is_firm, stake, offer } = wait;
        if is_firm {
            return self.holds(opens);
        }
        let room = offer.map_or(Room::None, |(_, room)| room);
        let (patience, price) = (self.waits.patience(), self.waits.patience);
        let look = Look { room, opens, patience, price, now };
        Phase::Staying { plan, offer: offer.map(|(candidate, _)| candidate), stake, look }
    }

    /// The waiters' budget has decided.
    pub(super) fn looked(
        &mut self,
        mut plan: Plan,
        offer: Option<Candidate>,
        until: Option<Millis>,
    ) -> Phase {
        if let Some(until) = until {
            return self.holds(until);
        }
        if let Some(offer) = offer {
            plan.put_first(offer);
            self.moves_by_choice = true;
        }
        self.takes(plan)
    }

    /// Waits beside the queue, because no other session depends on the account. A place at the front goes to
    /// the next request.
    fn holds(&mut self, until: Millis) -> Phase {
        self.queueing.is_front = false;
        Phase::Holding { until }
    }
}
