//! Hops: the request's own provider, then its failover chain.
//!
//! A request leaves its primary only for a closure longer than a short wait, because a chain leads to another
//! quota, another model and a cold prompt cache. The first open hop serves; hops are not compared. Where every
//! hop is closed, guesses that are due are tried on each hop, and else the request waits for the earliest
//! useful instant at any of them.

use smallvec::SmallVec;

use crate::planning::failover::{both, dated, earliest, opens_by};
use crate::planning::plan::{Counts, Refusal};
use crate::time::Millis;

use super::Dispatch;
use super::phase::{Phase, Round};

/// The hops of a request, and the current one.
#[derive(Clone, Debug)]
pub struct Hops {
    /// The provider of each hop; two models of one provider are two hops.
    providers: SmallVec<[u16; 4]>,
    /// The accounts of the primary.
    accounts: u32,
    pub(super) at: usize,
    /// Why the hop before the current one was left.
    pub(super) left: Option<Refusal>,
}

impl Hops {
    /// Makes hops of the provider of each, the primary's first, and the number of the primary's accounts.
    pub fn new(primary: usize, others: impl IntoIterator<Item = usize>, accounts: u32) -> Self {
        let providers = std::iter::once(primary).chain(others).map(|provider| provider as u16).collect();
        Self { providers, accounts, at: 0, left: None }
    }

    /// Returns the provider of the current hop.
    pub(super) fn provider(&self) -> u16 {
        self.providers[self.at]
    }

    /// Returns whether no other provider may serve.
    pub(super) fn are_one(&self) -> bool {
        self.providers.len() == 1
    }

    /// Goes to the next hop; after the last, back to the primary. Returns whether there was one.
    fn go_on(&mut self) -> bool {
        let is_last = self.at + 1 == self.providers.len();
        self.at = if is_last { 0 } else { self.at + 1 };
        !is_last
    }

    /// Removes double counts from a refusal: two models of a provider are two hops with common accounts.
    fn counted_once(&self, refusal: Refusal) -> Refusal {
        let is_counted = self.providers[..self.at].contains(&self.provider());
        if is_counted { Refusal { counts: Counts::default(), ..refusal } } else { refusal }
    }
}

impl Dispatch {
    /// The current hop is closed to the request.
    pub(super) fn closed(&mut self, round: Round, refusal: Refusal, now: Millis) -> Phase {
        if self.hops.are_one() {
            return self.refused(refusal, now);
        }
        match round {
            Round { closed: None, .. } => self.primary_closed(refusal, now),
            Round { closed: Some(all), is_last_resort: false } => {
                self.hops.left = Some(refusal);
                let all = both(all, dated(self.hops.counted_once(refusal), now));
                self.goes_on(Round { closed: Some(all), ..round }, now)
            }
            Round { closed: Some(all), is_last_resort: true } => {
                let all = Refusal { last_resort: earliest([all.last_resort, refusal.last_resort]), ..all };
                self.goes_on(Round { closed: Some(all), ..round }, now)
            }
        }
    }

    fn primary_closed(&mut self, refusal: Refusal, now: Millis) -> Phase {
        // A short wait at the primary is cheaper than a cold cache elsewhere.
        if let Some(soon) = opens_by(&refusal, self.waits.stay(now), now) {
            return self.refused(Refusal { until: Some(soon), last_resort: None, ..refusal }, now);
        }
        self.leaves_primary(refusal, now)
    }

    /// Leaves the primary without a plan there: its queue has no room for the request.
    pub(super) fn passes_primary(&mut self, now: Millis) -> Phase {
        self.leaves_primary(Refusal::busy(self.hops.accounts), now)
    }

    fn leaves_primary(&mut self, refusal: Refusal, now: Millis) -> Phase {
        self.hops.left = Some(refusal);
        self.goes_on(Round { closed: Some(dated(refusal, now)), is_last_resort: false }, now)
    }

    fn goes_on(&mut self, round: Round, now: Millis) -> Phase {
        if self.hops.go_on() {
            return Phase::Planning(round);
        }
        // Every hop is closed.
        let all = round.closed.unwrap_or_default();
        if round.is_last_resort || all.last_resort.is_none_or(|from| from > now) {
            return self.refused(all, now);
        }
        // A guess is due. The primary's queue is not overtaken for that either.
        self.hops.at = usize::from(self.queueing.is_crowded);
        Phase::Planning(Round { closed: Some(Refusal { last_resort: None, ..all }), is_last_resort: true })
    }
}
