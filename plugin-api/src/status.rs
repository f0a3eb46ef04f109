//! What an operator sees: accounts, their pools, and counters.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec, Tuple2};

use crate::headers::Extensions;

/// Whether an account takes work.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountState(pub u8);

impl AccountState {
    pub const READY: Self = Self(1);
    /// Left alone until an instant, for a reason that is not quota.
    pub const COOLING: Self = Self(2);
    /// Nobody can use it until its owner signs in again.
    pub const NEEDS_SIGN_IN: Self = Self(3);
    pub const DISABLED: Self = Self(4);

    /// Returns the word that status tables and JSON print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::READY => "ready",
            Self::COOLING => "cooling",
            Self::NEEDS_SIGN_IN => "needs sign-in",
            Self::DISABLED => "disabled",
            _ => "unknown",
        }
    }
}

/// Whether a pool of an account takes work.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolState(pub u8);

impl PoolState {
    pub const OPEN: Self = Self(1);
    /// Limited until an instant that the upstream told.
    pub const LIMITED: Self = Self(2);
    /// Limited until an instant that is a guess.
    pub const GUESSED: Self = Self(3);
    /// The limit has ended; single requests try whether it is really over.
    pub const PROBING: Self = Self(4);
    /// What is left of the quota is kept, by the user's wish.
    pub const PROTECTED: Self = Self(5);

    /// Returns the word that status tables and JSON print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OPEN => "open",
            Self::LIMITED => "limited",
            Self::GUESSED => "limited (guess)",
            Self::PROBING => "probing",
            Self::PROTECTED => "protected",
            _ => "unknown",
        }
    }
}

/// One pool of one account.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct PoolView {
    pub name: RString,
    pub state: PoolState,
    /// When the limit ends, in milliseconds of the Unix clock.
    pub until_unix_ms: ROption<u64>,
    /// Requests under way.
    pub in_flight: u32,
    /// Limits in a row that were guesses.
    pub streak: u8,
    /// Times a limit began.
    pub trips: u64,
    /// Attempts that were answered well.
    pub served: u64,
    /// Answers that said the quota is used up, several per trip when requests meet one limit together.
    pub limited: u64,
    pub extensions: Extensions,
}

/// One account. It carries no credential, nor part of one.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct AccountView {
    /// The id, `provider:label`.
    pub id: RString,
    pub provider: RString,
    pub label: RString,
    pub state: AccountState,
    /// Why it is not ready, or empty.
    pub reason: RString,
    /// When a cooldown ends, in milliseconds of the Unix clock.
    pub until_unix_ms: ROption<u64>,
    pub pools: RVec<PoolView>,
    pub extensions: Extensions,
}

/// The state of the fleet at one instant.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Status {
    /// The version of the plugin.
    pub version: RString,
    /// The instant of the reading, in milliseconds of the Unix clock.
    pub now_unix_ms: u64,
    pub accounts: RVec<AccountView>,
    /// Counters since the start by name, such as `requests`; sorted by name.
    pub counters: RVec<Tuple2<RString, u64>>,
    pub extensions: Extensions,
}

impl Status {
    /// Returns the counter `name`, or 0 where the plugin has none of that name.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.iter().find(|pair| pair.0 == name).map_or(0, |pair| pair.1)
    }
}
