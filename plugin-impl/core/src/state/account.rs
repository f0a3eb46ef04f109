//! Orders of the operator on an account.

use crate::time::UnixMillis;

use super::form::{Extra, Members};

/// The orders on an account. Each member has a join of its own, so the product has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRecord {
    /// The number of times that the account was added anew, and whether this addition was removed: a
    /// tombstone. A removal wins over every report of the same addition, so no merge brings the account back.
    addition: (u64, bool),
    /// The last order to disable (true) or enable. Of one millisecond, disabling wins.
    disabled: (UnixMillis, bool),
    /// The last order to forget limits and cooldowns.
    pub reset: UnixMillis,
    extra: Extra,
}

impl AccountRecord {
    /// Returns whether the account was removed, and not added since.
    pub const fn is_removed(&self) -> bool {
        self.addition.1
    }

    /// Returns whether the account is disabled by order.
    pub const fn is_disabled(&self) -> bool {
        self.disabled.1
    }

    /// Removes the account.
    pub const fn remove(&mut self) {
        self.addition.1 = true;
    }

    /// Adds a removed account anew.
    pub const fn add(&mut self) {
        if self.addition.1 {
            self.addition = (self.addition.0 + 1, false);
        }
    }

    /// Disables or enables the account.
    pub const fn set_disabled(&mut self, disabled: bool, now: UnixMillis) {
        // Not before an order that is known already, whatever the clock has done since.
        let last = self.disabled.0.0;
        let at = if now.0 > last { now.0 } else { last + 1 };
        self.disabled = (UnixMillis(at), disabled);
    }

    /// Orders limits and cooldowns to be forgotten that were heard until `now`.
    pub fn order_reset(&mut self, now: UnixMillis) {
        self.reset = self.reset.max(now);
    }

    pub(super) fn joined(self, other: Self) -> Self {
        Self {
            addition: self.addition.max(other.addition),
            disabled: self.disabled.max(other.disabled),
            reset: self.reset.max(other.reset),
            extra: self.extra.max(other.extra),
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let mut members = Members::read(text)?;
        let addition = (members.number("addition").unwrap_or(0), members.flag("removed").unwrap_or(false));
        let ordered = members.instant("ordered").unwrap_or_default();
        let disabled = (ordered, members.flag("disabled").unwrap_or(false));
        let reset = members.instant("reset").unwrap_or_default();
        Some(Self { addition, disabled, reset, extra: members.rest() })
    }

    pub(super) fn write(&self) -> String {
        let mut members = Members::of(&self.extra);
        members.put("addition", self.addition.0);
        members.put("removed", self.addition.1);
        members.put("ordered", self.disabled.0.0);
        members.put("disabled", self.disabled.1);
        members.put("reset", self.reset.0);
        members.write()
    }

    /// Makes any record, for tests of the join.
    #[cfg(test)]
    pub(super) fn any((number, at): (u64, u64), (removed, disabled): (bool, bool)) -> Self {
        let disabled = (UnixMillis(at), disabled);
        let extra = Extra::default();
        Self { addition: (number, removed), disabled, reset: UnixMillis(at), extra }
    }
}
