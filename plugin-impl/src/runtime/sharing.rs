//! Sharing: what other processes have learned reaches the fleet, and the fleet's facts reach the store.

use pointsman_core::ids::AccountId;
use pointsman_core::reporting::notice::{Notice, NoticeEvent};
use pointsman_core::state::{Key, Record};
use pointsman_core::time::Now;

use crate::edges::notices::MetBy;
use crate::edges::store::{Resident, Trouble, limit_of};
use crate::runtime::generation::Generation;
use crate::runtime::router::Router;

impl Resident for Router {
    fn collect(&self) {}

    fn changed(&self, changes: &[(Key, Record)]) {
        let (generation, now) = (self.generation(), self.shared().clock.now());
        changes.iter().for_each(|(key, record)| self.take_over(&generation, (key, record), now));
    }

    fn tell(&self, trouble: &Trouble) {
        let shared = self.shared();
        let event = NoticeEvent::StoreTrouble { why: trouble.to_string() };
        let now = shared.clock.now().wall;
        shared.notices.tell(&Notice { event, until: None }, MetBy::Router, &shared.counters, now);
    }
}

impl Router {
    fn take_over(&self, generation: &Generation, (key, record): (&Key, &Record), now: Now) {
        match record {
            Record::Limit(_) => self.take_over_limit(generation, (key, record), now),
            Record::Account(orders) => {
                let account = key.name(0).and_then(|id| self.shared().fleet.account(&AccountId::new(id)));
                if let Some(account) = account {
                    account.obey(orders);
                }
            }
            // Facts that only a start takes over: nothing goes wrong without them.
            Record::Cooldown(_)
            | Record::Reading(_)
            | Record::Learned(_)
            | Record::Sticky(_)
            | Record::Owner(_)
            | Record::Usage(_) => {}
        }
    }

    fn take_over_limit(&self, generation: &Generation, (key, record): (&Key, &Record), now: Now) {
        let Some((id, pool, models, limit)) = limit_of(key, record) else { return };
        let provider =
            generation.config.providers.iter().find(|known| known.core.id.as_str() == id.provider());
        let pool = provider.and_then(|provider| provider.core.pool(pool.as_str()));
        if let (Some(account), Some(pool)) = (self.shared().fleet.account(&id), pool) {
            account.take_over(pool, models.as_ref(), limit.limit(now), now.mono);
        }
    }
}
