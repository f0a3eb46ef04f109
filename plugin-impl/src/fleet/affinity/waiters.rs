//! Waiters: the requests that wait for one account, shared between threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pointsman_core::planning::affinity::{Look, Stake, WaiterTicket, Waiters};
use pointsman_core::time::Millis;

use crate::sync::{Mutex, unpoisoned};

use crate::fleet::account::Account;

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
pub(super) struct Place {
    account: Arc<Account>,
    ticket: WaiterTicket,
}

impl Place {
    pub(super) fn take(account: &Arc<Account>, stake: Stake, now: Millis) -> Self {
        let ticket = account.waiters.change(|waiters| waiters.join(stake, now));
        Self { account: account.clone(), ticket }
    }

    pub(super) fn is_at(&self, ordinal: u32) -> bool {
        self.account.ordinal == ordinal
    }

    pub(super) fn look(&self, look: &Look) -> Option<Millis> {
        self.account.waiters.change(|waiters| waiters.look(self.ticket, look))
    }

    /// Gives the place up because the account has let the request in.
    pub(super) fn serve(self, now: Millis) {
        self.account.waiters.change(|waiters| waiters.serve(self.ticket, now));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.account.waiters.change(|waiters| waiters.leave(self.ticket));
    }
}
