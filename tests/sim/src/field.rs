//! The routers of the field, as baselines.
//!
//! They keep what most of the field keeps: a cooldown of each account, from Retry-After or of a minute
//! where there was none, in which the last word counts. There is no reservation, no epoch, no line; when
//! all accounts cool down, the caller gets a 429 with the earliest end, and comes again by itself.

pub mod hybrid;
pub mod in_order;
pub mod least_recently_used;
pub mod litellm;
pub mod random;
pub mod round_robin;

use std::collections::HashMap;
use std::time::Duration;

use pointsman_core::time::Millis;

use crate::router::{Action, Ask, RequestId, Router};
use crate::upstream::{Answer, CellId, Verdict};

/// The cooldown after a 429 that does not say until when.
const NO_HINT: Duration = Duration::from_secs(60);

/// The cooldown after a failure that is not quota.
const FAILURE: Duration = Duration::from_secs(20);

/// How often a request is tried for each account there is, before its caller hears of it.
const ATTEMPTS_PER_ACCOUNT: usize = 2;

/// Somebody who chooses among accounts that do not cool down.
pub trait Policy {
    /// Chooses one of `open`, which is not empty and in order of the configuration.
    fn choose(&mut self, open: &[u16], now: Millis) -> u16;

    /// Takes note of an answer.
    fn learn(&mut self, _account: u16, _answer: &Answer, _now: Millis) {}

    /// How long a request is held back while all accounts cool down, at most.
    fn holds(&self) -> Duration {
        Duration::ZERO
    }

    /// How long an account is left alone after a 429 that does not say until when.
    fn cooldown(&self) -> Duration {
        NO_HINT
    }

    /// How often a request is tried, before its caller hears of it.
    fn attempts(&self, accounts: usize) -> usize {
        ATTEMPTS_PER_ACCOUNT * accounts
    }

    /// Whether a success ends the account's cooldown, whenever the request began.
    fn success_clears(&self) -> bool {
        false
    }
}

/// A router made of a policy.
#[derive(Debug)]
pub struct Field<P> {
    policy: P,
    cooldowns: Vec<Millis>,
    under_way: HashMap<RequestId, Journey>,
    open: Vec<u16>,
}

#[derive(Clone, Copy, Debug)]
struct Journey {
    since: Millis,
    good: bool,
    attempts: u32,
}

impl<P: Policy> Field<P> {
    /// Makes a router of so many accounts.
    pub fn new(policy: P, accounts: u16) -> Self {
        let cooldowns = vec![Millis::START; accounts.into()];
        Self { policy, cooldowns, under_way: HashMap::new(), open: Vec::new() }
    }

    fn open(&mut self, now: Millis) {
        self.open.clear();
        let open = (0..).zip(&self.cooldowns).filter(|(_, until)| **until <= now);
        self.open.extend(open.map(|(account, _)| account));
    }

    fn all_cool_down(&mut self, request: RequestId, since: Millis, now: Millis) -> Action {
        let earliest = self.cooldowns.iter().min().copied();
        let held = since.after(self.policy.holds());
        match earliest.filter(|until| *until <= held && now < held) {
            Some(until) => Action::Wait { until: Some(until) },
            None => self.refuse(request),
        }
    }

    fn refuse(&mut self, request: RequestId) -> Action {
        self.under_way.remove(&request);
        Action::Refuse { retry_at: self.cooldowns.iter().min().copied() }
    }

    fn cooldown(&self, answer: &Answer, now: Millis) -> Option<Millis> {
        match answer.verdict {
            Verdict::Good => self.policy.success_clears().then_some(Millis::START),
            Verdict::Limited(hint) => {
                Some(hint.map_or(now.after(self.policy.cooldown()), |hint| hint.until(now)))
            }
            Verdict::Capacity(_) | Verdict::ServerError | Verdict::Unreachable => Some(now.after(FAILURE)),
        }
    }
}

impl<P: Policy> Router for Field<P> {
    fn arrives(&mut self, request: RequestId, _: Ask, now: Millis) {
        self.under_way.insert(request, Journey { since: now, good: false, attempts: 0 });
    }

    fn step(&mut self, request: RequestId, now: Millis) -> Action {
        let Some(journey) = self.under_way.get_mut(&request) else {
            return Action::Refuse { retry_at: None };
        };
        if journey.good {
            return Action::Deliver;
        }
        journey.attempts += 1;
        let (since, attempts) = (journey.since, journey.attempts as usize);
        self.open(now);
        if self.open.is_empty() {
            return self.all_cool_down(request, since, now);
        }
        if attempts > self.policy.attempts(self.cooldowns.len()) {
            return self.refuse(request);
        }
        let account = self.policy.choose(&self.open, now);
        Action::Send { cell: CellId { account, pool: 0 }, probe: false }
    }

    fn head(&mut self, request: RequestId, cell: CellId, answer: &Answer, now: Millis) {
        self.policy.learn(cell.account, answer, now);
        if let Some(until) = self.cooldown(answer, now) {
            self.cooldowns[usize::from(cell.account)] = until;
        }
        if let Some(journey) = self.under_way.get_mut(&request) {
            journey.good = answer.verdict == Verdict::Good;
        }
    }

    fn stream_ended(&mut self, request: RequestId, _: Millis) {
        self.under_way.remove(&request);
    }

    fn cancelled(&mut self, request: RequestId, _: Millis) {
        self.under_way.remove(&request);
    }

    fn woken(&mut self, _: Millis) -> Option<RequestId> {
        None
    }
}
