//! Waiters: the requests that wait for one account, shared between threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pointsman_core::planning::affinity::{Look, Room, Stake, WaiterTicket, Waiters, room};
use pointsman_core::planning::plan::Plan;
use pointsman_core::planning::snapshot::Snapshot;
use pointsman_core::time::Millis;

use crate::sync::{Mutex, unpoisoned};

use crate::fleet::account::Account;
use crate::fleet::roster::Roster;

/// The waiters of an account. Nobody asks for them but a request whose account is closed for a moment.
#[derive(Debug, Default)]
pub(in crate::fleet) struct Shared {
    waiters: Mutex<Waiters>,
    /// How many wait, for those who only look.
    count: AtomicUsize,
}

impl Shared {
    pub(in crate::fleet) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    fn change<T>(&self, act: impl FnOnce(&mut Waiters) -> T) -> T {
        let mut waiters = unpoisoned(self.waiters.lock());
        let result = act(&mut waiters);
        self.count.store(waiters.len(), Ordering::Release);
        result
    }
}

/// A request's place among the waiters of an account. Dropping it gives it up.
#[derive(Debug)]
#[must_use = "a place that is dropped is given up"]
struct Place {
    account: Arc<Account>,
    ticket: WaiterTicket,
}

impl Place {
    fn take(account: &Arc<Account>, stake: Stake, now: Millis) -> Self {
        let ticket = account.waiters.change(|waiters| waiters.join(stake, now));
        Self { account: account.clone(), ticket }
    }

    fn look(&self, look: &Look) -> Option<Millis> {
        self.account.waiters.change(|waiters| waiters.look(self.ticket, look))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.account.waiters.change(|waiters| waiters.leave(self.ticket));
    }
}

/// How a request waits for the account that its session lives on.
#[derive(Debug, Default)]
pub struct Wait {
    place: Option<Place>,
    /// It goes elsewhere although its account opens soon.
    pub by_choice: bool,
}

/// What a request has to wait for.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The account's place in the roster.
    pub sticky: u32,
    pub stake: Stake,
    /// When the account lets somebody in.
    pub opens: Millis,
    /// Until when the request waits at the longest.
    pub patience: Millis,
    /// The whole patience.
    pub price: Duration,
}

impl Wait {
    /// Says until when the request waits for its account. Where it had better go elsewhere, `plan` begins there.
    pub fn decide(
        &mut self,
        roster: &Roster,
        snapshot: &Snapshot,
        plan: &mut Plan,
        terms: &Terms,
    ) -> Option<Millis> {
        let Terms { sticky, stake, opens, patience, price } = *terms;
        let account = &roster.members[sticky as usize].account;
        let waiters = |place: u32| roster.members[place as usize].account.waiting();
        let place = self.place.take().filter(|place| place.account.ordinal == account.ordinal);
        let place = place.unwrap_or_else(|| Place::take(account, stake, snapshot.now));
        let offer = room(snapshot, plan, sticky, waiters);
        let room = offer.map_or(Room::None, |(_, room)| room);
        let until = place.look(&Look { room, opens, patience, price, now: snapshot.now });
        if until.is_some() {
            self.place = Some(place);
        } else if let Some((candidate, _)) = offer {
            plan.put_first(candidate);
            self.by_choice = true;
        }
        until
    }

    /// Gives the place up.
    pub fn leave(&mut self) {
        self.place = None;
    }

    /// Takes note that an account has let the request in.
    pub fn admitted(&mut self, ordinal: u32, now: Millis) {
        if let Some(place) = self.place.take().filter(|place| place.account.ordinal == ordinal) {
            place.account.waiters.change(|waiters| waiters.serve(place.ticket, now));
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use pointsman_core::ids::AccountId;

    use super::*;
    use crate::fleet::{Fleet, Identity, testing};

    const NOW: Millis = Millis(1_000);

    #[test]
    fn a_place_that_is_dropped_or_served_is_free() {
        let provider = testing::provider();
        let id = AccountId::of(&provider.id, "one");
        let account = Fleet::default().enlist(&id, Identity(1), &provider);
        let [one, other] = [(); 2]
            .map(|()| Wait { place: Some(Place::take(&account, Stake::default(), NOW)), by_choice: false });
        assert_eq!(account.waiting(), 2);
        drop(one);
        assert_eq!(account.waiting(), 1);
        let mut other = other;
        other.admitted(account.ordinal, NOW);
        assert_eq!(account.waiting(), 0);
    }
}
