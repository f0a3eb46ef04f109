//! Retries: what a failed attempt leads to, and which attempts the retry budget pays for.

use crate::admission::budget::is_burden;
use crate::planning::plan::{Plan, Refusal};
use crate::response::evidence::Evidence;
use crate::response::outcome::{NetworkFault, Outcome};
use crate::time::Millis;

use super::Dispatch;
use super::doubt::Doubt;
use super::phase::Phase;

/// The most upstream calls of one request. Each failed call closes something, so a request gets this far
/// only if 64 accounts fail one after the other.
pub const MAX_ATTEMPTS: u32 = 64;

/// The attempts of a request, and the price of the next.
#[derive(Debug, Default)]
pub(super) struct Retries {
    pub(super) attempts: u32,
    next: RetryState,
    /// The request has waited for a closed way to open; its attempt there cost no retry.
    has_waited_out: bool,
    /// The last failure tells the caller more than a count of accounts would.
    pub(super) is_tellable: bool,
    /// The provider of the last upstream call.
    provider: Option<u16>,
}

/// What another attempt of a request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RetryState {
    /// The first attempt, or a free attempt.
    #[default]
    Free,
    /// A retry; see [`budget`](crate::admission::budget).
    Retry,
    /// A retry without room in the budget.
    Withheld,
}

impl Retries {
    /// Counts an upstream call.
    pub(super) fn called(&mut self, provider: u16) {
        self.attempts += 1;
        self.provider = Some(provider);
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.next == RetryState::Withheld
    }

    /// Returns whether the next attempt is a retry, at a provider. A change of provider is none.
    pub(super) fn must_pay(&mut self, provider: u16) -> bool {
        if self.next == RetryState::Retry && self.provider != Some(provider) {
            self.next = RetryState::Free;
        }
        self.next == RetryState::Retry
    }

    /// A closed way lets 1, 2, 4 probes through as it opens, so its waiters are no flood and pay no retry.
    /// Free only once: an upstream that opens and fails by turns is not asked by every waiter each time.
    pub(super) fn waited_for(&mut self, refusal: &Refusal) {
        if self.next == RetryState::Retry && refusal.counts.cooling.total() > 0 && !self.has_waited_out {
            self.next = RetryState::Free;
            self.has_waited_out = true;
        }
    }
}

impl Dispatch {
    pub(super) fn withdrawn(&mut self, plan: Plan, paid: bool) -> Phase {
        if paid {
            self.retries.next = RetryState::Free;
            Phase::Admitting { plan, next: 0 }
        } else {
            self.retries.next = RetryState::Withheld;
            Phase::Delivering
        }
    }

    pub(super) fn answered(&mut self, outcome: &Outcome, renewable: bool, now: Millis) -> Phase {
        if matches!(outcome, Outcome::Good | Outcome::RequestFault) {
            self.doubt.iter_mut().for_each(Doubt::is_settled);
            Phase::Delivering
        } else if is_local(outcome) {
            Phase::Delivering
        } else if *outcome == Outcome::Unauthorized && renewable {
            Phase::Authorizing { renew: true }
        } else {
            self.failed(outcome, now)
        }
    }

    /// Each call made to resolve a doubt is a retry, so that a fleet without a good key does not double its
    /// calls.
    pub(super) fn doubted(&mut self, evidence: Evidence, now: Millis) -> Phase {
        let asks_another = match &mut self.doubt {
            Some(doubt) => doubt.hears(&evidence, !self.hops.are_one()),
            none => {
                *none = Some(Doubt::new(evidence));
                true
            }
        };
        self.retries.is_tellable = true;
        self.retries.next = RetryState::Retry;
        if asks_another { self.plans_anew(now) } else { Phase::Delivering }
    }

    /// Nothing was sent: a count of the accounts tells the caller more than the failed token does.
    pub(super) fn unauthorized(&mut self, outcome: &Outcome, now: Millis) -> Phase {
        self.retries.is_tellable = false;
        // No account is closed by it, so another plan would come to the same.
        if is_local(outcome) { Phase::Delivering } else { self.plans_anew(now) }
    }

    pub(super) fn failed(&mut self, outcome: &Outcome, now: Millis) -> Phase {
        // A 429 of one account says less than our own count of all of them.
        self.retries.is_tellable = !matches!(outcome, Outcome::Limited(_));
        self.retries.next = if is_burden(outcome) { RetryState::Retry } else { RetryState::Free };
        // A call made to resolve a doubt is a retry, whatever came of it.
        let Some(doubt) = &mut self.doubt else { return self.plans_anew(now) };
        self.retries.next = RetryState::Retry;
        if doubt.hears_of_another() { self.plans_anew(now) } else { Phase::Delivering }
    }
}

/// Returns whether this process could open no connection. Nothing else is asked: the outcome would be the same.
const fn is_local(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unreachable(NetworkFault::Local))
}
