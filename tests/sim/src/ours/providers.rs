//! The providers of a run: each with its accounts, its retry budget, and its bell.

use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Waker};

use pointsman_core::admission::budget::Budget;
use pointsman_core::request::route::Route;
use pointsman_plugin::fleet::notifier::Waiter;
use pointsman_plugin::fleet::{Fleet, Member, Roster};

/// A provider.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) roster: Roster,
    pub(super) budget: Budget,
    /// Its accounts, numbered over all providers.
    pub(super) accounts: Range<u16>,
    listener: Waiter,
    /// How often its bell was heard.
    pub(super) rung: u64,
}

/// A hop of a route: the provider, and the way there.
#[derive(Debug)]
pub(super) struct Hop {
    pub(super) provider: usize,
    pub(super) route: Route,
}

impl Provider {
    pub(super) fn new(fleet: &Fleet, roster: Roster, accounts: Range<u16>, route: &Route) -> Self {
        let listener = fleet.notifier(&route.provider.id).listen();
        Self { roster, budget: Budget::default(), accounts, listener, rung: 0 }
    }

    /// Listens to the real bell, without a runtime.
    pub(super) fn listen(&mut self) {
        let heard = pin!(self.listener.heard());
        let rang = heard.poll(&mut Context::from_waker(Waker::noop())).is_ready();
        self.rung += u64::from(rang);
    }

    /// Returns an account by its number, if it is of this provider.
    pub(super) fn member(&self, account: u16) -> Option<&Member> {
        let place = account.checked_sub(self.accounts.start)?;
        self.roster.members.get(usize::from(place))
    }
}
