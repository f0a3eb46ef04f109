//! Caps of a provider, its accounts and its models: counters, bounds, slots.

use std::sync::Arc;

use pointsman_core::admission::cap::{InFlight, ModelPattern};
use pointsman_core::admission::cell::Deny;
use pointsman_core::ids::{ModelId, ProviderId};

use crate::sync::DashMap;

use super::account::Account;

/// A counter with its bound under a configuration.
#[derive(Clone, Debug, Default)]
pub struct Cap {
    in_flight: Arc<InFlight>,
    bound: Option<u16>,
}

/// The caps of a provider under a configuration. The caps of accounts are in the roster.
#[derive(Clone, Debug, Default)]
pub struct Caps {
    pub total: Cap,
    /// The first matching pattern counts.
    pub models: Vec<(ModelPattern, Cap)>,
}

impl Cap {
    /// Makes a cap from a counter and a bound.
    pub fn new(in_flight: Arc<InFlight>, bound: Option<u16>) -> Self {
        Self { in_flight, bound }
    }

    /// Returns the requests in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.count()
    }

    /// Returns the bound.
    pub fn bound(&self) -> Option<u16> {
        self.bound
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.in_flight.is_full(self.bound)
    }
}

impl Caps {
    /// Returns whether a cap of `model` is reached, for all accounts.
    #[inline]
    pub(super) fn are_full(&self, model: &ModelId) -> bool {
        self.total.is_full() || self.of(model).is_some_and(Cap::is_full)
    }

    /// Takes a slot under each cap of a request for `model` at `account`.
    ///
    /// # Errors
    /// [`Deny::Full`] for a full cap; slots already taken are given back.
    pub(super) fn take(&self, account: &Account, bound: Option<u16>, model: &ModelId) -> Result<Slots, Deny> {
        let mut places = Slots::default();
        let taken = places.take(&self.total.in_flight, self.total.bound)
            && places.take(account.under_way(), bound)
            && self.of(model).is_none_or(|cap| places.take(&cap.in_flight, cap.bound));
        if taken {
            return Ok(places);
        }
        // Somebody may have been denied the places that this request had for a moment.
        places.give_back();
        account.notifier.notify();
        Err(Deny::Full)
    }

    /// Returns a number shared by models under the same cap.
    pub(super) fn group(&self, model: &ModelId) -> u64 {
        self.models.iter().position(|(pattern, _)| pattern.matches(model)).map_or(0, |place| place as u64 + 1)
    }

    fn of(&self, model: &ModelId) -> Option<&Cap> {
        self.models.iter().find(|(pattern, _)| pattern.matches(model)).map(|(_, cap)| cap)
    }
}

/// Slots under caps, given back on drop.
#[derive(Debug, Default)]
pub struct Slots([Option<SlotGuard>; 3]);

#[derive(Debug)]
struct SlotGuard(Arc<InFlight>);

impl Slots {
    /// Gives all slots back.
    pub fn give_back(&mut self) {
        self.0 = Default::default();
    }

    fn take(&mut self, of: &Arc<InFlight>, bound: Option<u16>) -> bool {
        let taken = of.take(bound);
        if taken && let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(SlotGuard(of.clone()));
        }
        taken
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// The counters of providers and model groups. They outlive configurations, so a new configuration counts
/// requests of the old.
#[derive(Debug)]
pub struct Counts {
    counts: DashMap<(ProviderId, Option<ModelPattern>), Arc<InFlight>>,
}

impl Default for Counts {
    fn default() -> Self {
        Self { counts: DashMap::with_shard_amount(super::SHARDS) }
    }
}

impl Counts {
    /// Returns the caps of a provider with these bounds.
    pub fn caps(&self, provider: &ProviderId, total: Option<u16>, models: &[(ModelPattern, u16)]) -> Caps {
        let cap = |models, bound| Cap::new(self.of(provider, models), bound);
        let of_models =
            models.iter().map(|(pattern, bound)| (pattern.clone(), cap(Some(pattern.clone()), Some(*bound))));
        Caps { total: cap(None, total), models: of_models.collect() }
    }

    /// Drops counters without a configuration and a request.
    pub fn forget_unused(&self) {
        self.counts.retain(|_, count| Arc::strong_count(count) > 1);
    }

    fn of(&self, provider: &ProviderId, models: Option<ModelPattern>) -> Arc<InFlight> {
        self.counts.entry((provider.clone(), models)).or_default().clone()
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::ids::AccountId;

    use super::*;
    use crate::fleet::Identity;

    fn acme() -> ProviderId {
        ProviderId::new("acme")
    }

    fn account() -> Account {
        let provider = pointsman_core::request::catalog::Provider {
            id: acme(),
            format: pointsman_core::formats::WireFormat::OpenAi,
            families: Vec::new(),
            pools: Vec::new(),
        };
        Account::new(AccountId::new("acme:a"), 0, Identity(0), &provider, Arc::default())
    }

    #[test]
    fn a_request_that_fails_one_cap_gives_the_others_back() {
        let counts = Counts::default();
        let caps = counts.caps(&acme(), Some(10), &[(ModelPattern::new("big-*"), 1)]);
        let (account, big, small) = (account(), ModelId::new("big-1"), ModelId::new("small"));
        let held = caps.take(&account, Some(5), &big).expect("a place");
        assert!(caps.take(&account, Some(5), &big).is_err(), "the models of this name are at their cap");
        assert!(caps.are_full(&big) && !caps.are_full(&small));
        assert_eq!((caps.total.in_flight(), account.under_way().count()), (1, 1));
        let other = caps.take(&account, Some(5), &small).expect("a place for another model");
        assert_eq!(caps.total.in_flight(), 2);
        drop((held, other));
        assert_eq!((caps.total.in_flight(), account.under_way().count()), (0, 0));
    }

    #[test]
    fn another_configuration_goes_on_with_the_same_count() {
        let counts = Counts::default();
        let before = counts.caps(&acme(), None, &[]);
        let held = before.take(&account(), None, &ModelId::new("m")).expect("a place");
        let after = counts.caps(&acme(), Some(1), &[]);
        assert!(after.are_full(&ModelId::new("m")), "who was there before the cap counts");
        drop(held);
        assert!(!after.are_full(&ModelId::new("m")));
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let counts = Counts::default();
        let caps = counts.caps(&acme(), None, &[(ModelPattern::new("m"), 1)]);
        counts.forget_unused();
        assert_eq!(counts.counts.len(), 2);
        drop(caps);
        counts.forget_unused();
        assert_eq!(counts.counts.len(), 0);
    }
}
