//! Shared state: the records that outlive a process, and that processes of a machine share.
//!
//! Every kind of record has a join: a merge that is commutative, associative and idempotent. So the order of
//! reports, duplicates and restarts do not matter, and two stores that have seen the same reports are equal.
//! A record is found by names, never by a position.
//!
//! Forms are JSON objects and evolve by additions only: a reader keeps the members that it does not know,
//! and a change of a member's meaning takes a new kind of record. A record of an unknown kind, or without a
//! required member, is left alone in the store.

mod account;
mod form;
mod key;
mod ledger;
mod record;
mod stamped;
pub mod token_lease;
mod usage;

pub use self::account::AccountRecord;
pub use self::key::{Key, Kind};
pub use self::ledger::Ledger;
pub use self::record::Record;
pub use self::stamped::{
    Cooldown, LearnedAllowance, Owner, SavedReading, Stamped, StickyAccount, StoredLimit,
};
pub use self::usage::Usage;

#[cfg(test)]
mod tests;
