//! Sharing: what other processes have learned reaches the fleet, and the fleet's facts reach the store.
//!
//! Both run on the store's own thread. No request waits for either.

use std::time::Duration;

use pointsman_core::admission::blame::Reason;
use pointsman_core::ids::{AccountId, PoolId};
use pointsman_core::planning::affinity::Sticky;
use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use pointsman_core::request::catalog::{Pool, Provider};
use pointsman_core::state::{Cooldown, Key, Kind, Owner, Record, SavedReading, Stamped, StickyAccount};
use pointsman_core::time::{Millis, Now};

use crate::edges::notices::MetBy;
use crate::edges::store::{Resident, Trouble, limit_of, reading_of, reading_record};
use crate::fleet::Account;
use crate::runtime::generation::{Generation, ProviderRuntime};
use crate::runtime::router::Router;
use crate::runtime::usage;

impl Resident for Router {
    fn collect(&self) -> bool {
        let (generation, now) = (self.generation(), self.shared().clock.now());
        let since = self.shared().collected_until(now.mono);
        let providers = generation.config.providers.iter().zip(&generation.provider_runtimes);
        providers.for_each(|(provider, runtime)| self.collect_accounts(&provider.core, runtime, since, now));
        self.collect_sessions(&generation, since, now);
        self.collect_owners(since, now);
        let shared = self.shared();
        usage::count(&shared.journal.recent(), shared.writer(), &shared.store)
    }

    fn changed(&self, changes: &[(Key, Record)]) {
        let (generation, now) = (self.generation(), self.shared().clock.now());
        // Orders first: a reset forgets what was heard before the order, and nothing after.
        let is_order = |(key, _): &&(Key, Record)| key.kind == Kind::Account;
        let orders = changes.iter().filter(is_order);
        let others = changes.iter().filter(|change| !is_order(change));
        orders.chain(others).for_each(|(key, record)| self.take_over(&generation, (key, record), now));
    }

    fn tell(&self, trouble: &Trouble) {
        let shared = self.shared();
        let event = NoticeEvent::StoreTrouble { why: trouble.to_string() };
        let now = shared.clock.now().wall;
        shared.notices.tell(&Notice { event, until: None }, MetBy::Router, &shared.counters, now);
    }
}

/// From the fleet to the store.
impl Router {
    fn collect_accounts(&self, provider: &Provider, runtime: &ProviderRuntime, since: Millis, now: Now) {
        let accounts = runtime.roster.members.iter().map(|member| &member.account);
        // What is of a caller is kept nowhere.
        for account in accounts.filter(|account| !account.is_callers()) {
            self.collect_cooldown(account, now);
            for (place, pool) in provider.pools.iter().enumerate() {
                self.collect_readings(account, (place, pool), since, now);
            }
        }
    }

    fn collect_readings(&self, account: &Account, (place, pool): (usize, &Pool), since: Millis, now: Now) {
        let windows = account.pool(place).windows;
        for reading in windows.readings().iter().filter(|reading| reading.observed >= since) {
            let (key, record) = reading_record((&account.id, &pool.name), reading, now);
            self.shared().store.learn(key, record);
        }
    }

    fn collect_cooldown(&self, account: &Account, now: Now) {
        let Some((reason, until)) = account.cooldown(now.mono) else { return };
        let fact = Cooldown { until: now.wall_of(until), reason: reason.as_str().into() };
        let key = Key::of(Kind::Cooldown, &account.id, &[]);
        self.shared().store.learn(key, Record::Cooldown(Stamped::new(now.wall, fact)));
    }

    fn collect_sessions(&self, generation: &Generation, since: Millis, now: Now) {
        for (session, sticky) in self.shared().fleet.affinity.touched_since(since) {
            let Some(account) = generation.account_of(sticky.account) else { continue };
            let served = sticky.last_served().map(|served| now.wall_of(served));
            let fact = StickyAccount { account: account.id.as_str().into(), served };
            let record = Record::Sticky(Stamped::new(now.wall_of(sticky.touched()), fact));
            self.shared().store.learn(Key::numbered(Kind::Sticky, session), record);
        }
    }

    fn collect_owners(&self, since: Millis, now: Now) {
        for (hash, account, seen) in self.shared().fleet.resource_owners.seen_since(since) {
            let record = Stamped::new(now.wall_of(seen), Owner { account: account.as_str().into() });
            self.shared().store.learn(Key::numbered(Kind::Owner, hash), Record::Owner(record));
        }
    }
}

/// From the store to the fleet.
impl Router {
    fn take_over(&self, generation: &Generation, (key, record): (&Key, &Record), now: Now) {
        match record {
            Record::Limit(_) => self.take_over_limit(generation, (key, record), now),
            Record::Account(orders) => self.obey(key, |account| account.obey(orders)),
            Record::Reading(reading) => self.take_over_reading(generation, (key, reading), now),
            Record::Cooldown(cooldown) => self.obey(key, |account| restore(account, cooldown, now)),
            Record::Sticky(sticky) => self.take_over_session(generation, (key, sticky), now),
            Record::Owner(owner) => self.take_over_owner((key, owner), now),
            // Counters are for people, and are added up where they are shown.
            Record::Learned(_) | Record::Usage(_) => {}
        }
    }

    fn obey(&self, key: &Key, order: impl FnOnce(&Account)) {
        let account = key.name(0).and_then(|id| self.shared().fleet.account(&AccountId::new(id)));
        if let Some(account) = account {
            order(&account);
        }
    }

    fn take_over_limit(&self, generation: &Generation, (key, record): (&Key, &Record), now: Now) {
        let Some((id, pool, models, limit)) = limit_of(key, record) else { return };
        if limit.heard <= self.shared().store.orders(&id).reset {
            return;
        }
        let pool = generation.pool_of(&id, &pool);
        if let (Some(account), Some((pool, _))) = (self.shared().fleet.account(&id), pool) {
            account.take_over(pool, models.as_ref(), limit.limit(now), now.mono);
        }
    }

    fn take_over_reading(
        &self,
        generation: &Generation,
        (key, reading): (&Key, &Stamped<SavedReading>),
        now: Now,
    ) {
        let Some((id, pool, reading)) = reading_of(key, reading, now) else { return };
        let pool = generation.pool_of(&id, &pool);
        if let (Some(account), Some((place, pool))) = (self.shared().fleet.account(&id), pool) {
            account.take_in(place, vec![reading], pool, now.mono);
        }
    }

    fn take_over_session(
        &self,
        generation: &Generation,
        (key, sticky): (&Key, &Stamped<StickyAccount>),
        now: Now,
    ) {
        let rules = &generation.config.settings.affinity;
        let is_within =
            |at: u64, span: Duration| u128::from(now.wall.0.saturating_sub(at)) < span.as_millis();
        if !is_within(sticky.at.0, rules.memory) {
            return;
        }
        // A process has no instants from before its start, so a cache that is cold is told by its absence.
        let served = sticky.fact.served.filter(|served| is_within(served.0, rules.warm));
        let served = served.map(|served| now.past_of(served));
        let account = self.shared().fleet.account(&AccountId::new(&sticky.fact.account));
        if let (Some(session), Some(account)) = (key.number(), account) {
            let sticky = Sticky::restored(account.ordinal, now.past_of(sticky.at), served);
            self.shared().fleet.affinity.take_over(session, sticky, rules, now.mono);
        }
    }

    fn take_over_owner(&self, (key, owner): (&Key, &Stamped<Owner>), now: Now) {
        if let Some(hash) = key.number() {
            let (account, seen) = (AccountId::new(&owner.fact.account), now.past_of(owner.at));
            self.shared().fleet.resource_owners.restore(hash, &account, seen);
        }
    }
}

fn restore(account: &Account, cooldown: &Stamped<Cooldown>, now: Now) {
    let Cooldown { until, reason } = &cooldown.fact;
    let reason = Reason::ALL.into_iter().find(|known| known.as_str() == &**reason);
    if let Some(reason) = reason.filter(|_| *until > now.wall) {
        account.restore_cooldown(reason, now.mono_of(*until), now.mono);
    }
}

impl Generation {
    /// Returns the account of an ordinal.
    fn account_of(&self, ordinal: u32) -> Option<&Account> {
        let members = self.provider_runtimes.iter().flat_map(|runtime| &runtime.roster.members);
        members
            .map(|member| &*member.account)
            .find(|account| account.ordinal == ordinal && !account.is_callers())
    }

    /// Returns a pool of an account's provider, with its place.
    fn pool_of(&self, account: &AccountId, pool: &PoolId) -> Option<(usize, &Pool)> {
        let providers = self.config.providers.iter();
        let mut providers = providers.filter(|provider| provider.core.id.as_str() == account.provider());
        let provider = &providers.next()?.core;
        let place = provider.pool(pool.as_str())?;
        Some((place, &provider.pools[place]))
    }
}
