//! Refusals: why no way is open, and until when.

use crate::planning::snapshot::{AccountView, Closed, Snapshot};
use crate::time::Millis;

use super::{Counts, tier};

/// A refusal: no way is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The earliest helpful instant, if known.
    pub until: Option<Millis>,
    /// The earliest instant for a last-resort probe of a guess.
    pub last_resort: Option<Millis>,
    pub counts: Counts,
}

impl Refusal {
    /// Makes a refusal by so many busy accounts.
    pub fn busy(accounts: u32) -> Self {
        Self { counts: Counts { busy: accounts, ..Counts::default() }, ..Self::default() }
    }

    /// Returns the earliest instant worth waiting for: an end, or a probe of a guess.
    pub fn hope(&self) -> Option<Millis> {
        earlier(self.until, self.last_resort)
    }
}

/// Returns why no way of a snapshot is open.
pub(super) fn refusal(snapshot: &Snapshot) -> Refusal {
    let mut counts = Counts::default();
    let mut until = None;
    for closed in snapshot.accounts.iter().filter_map(first_to_open) {
        counts.count(closed.why);
        // What only the owner can mend is no better at its end.
        if !closed.why.is_owners() {
            until = earlier(until, closed.until);
        }
    }
    Refusal { until, last_resort: tier::first_last_resort(snapshot), counts }
}

/// Returns the closure of the account's most hopeful way.
pub fn first_to_open(account: &AccountView) -> Option<Closed> {
    let hope = |closed: &Closed| (closed.why.is_owners(), closed.until.is_none(), closed.until, closed.why);
    account.ways.iter().filter_map(|way| way.closed).min_by_key(hope)
}

fn earlier(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
