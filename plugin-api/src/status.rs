//! The state of the fleet for operators: accounts, pools, counters.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec, Tuple2};

use crate::headers::Extensions;

/// The state of an account.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountState(pub u8);

impl AccountState {
    pub const READY: Self = Self(1);
    /// In cooldown until an instant, for a reason other than quota.
    pub const COOLING: Self = Self(2);
    /// Unusable until the owner signs in again.
    pub const NEEDS_SIGN_IN: Self = Self(3);
    pub const DISABLED: Self = Self(4);

    /// Returns the word for status tables and JSON.
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

/// The state of a pool of an account.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolState(pub u8);

impl PoolState {
    pub const OPEN: Self = Self(1);
    /// Limited until an instant reported by the upstream.
    pub const LIMITED: Self = Self(2);
    /// Limited until an estimated instant.
    pub const ESTIMATED: Self = Self(3);
    /// Half-open: the limit has ended, and single requests probe the pool.
    pub const PROBING: Self = Self(4);
    /// The user's quota protection reserves the remaining quota.
    pub const PROTECTED: Self = Self(5);

    /// Returns the word that status tables and JSON print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OPEN => "open",
            Self::LIMITED => "limited",
            Self::ESTIMATED => "limited (estimate)",
            Self::PROBING => "probing",
            Self::PROTECTED => "protected",
            _ => "unknown",
        }
    }
}

/// A pool of an account.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct PoolView {
    pub name: RString,
    pub state: PoolState,
    /// The end of the limit, in milliseconds of the Unix clock.
    pub until_unix_ms: ROption<u64>,
    /// Requests in flight.
    pub in_flight: u32,
    /// Consecutive trips with an estimated end.
    pub consecutive_trips: u8,
    /// Limits since the start.
    pub trips: u64,
    /// Successful attempts.
    pub served: u64,
    /// Answers with a limit; a trip has several when requests meet a limit together.
    pub limited: u64,
    pub extensions: Extensions,
}

/// An account, without any part of a credential.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct AccountView {
    /// The id, `provider:label`.
    pub id: RString,
    pub provider: RString,
    pub label: RString,
    pub state: AccountState,
    /// The reason for a state other than ready, or empty.
    pub reason: RString,
    /// The end of a cooldown, in milliseconds of the Unix clock.
    pub until_unix_ms: ROption<u64>,
    pub pools: RVec<PoolView>,
    pub extensions: Extensions,
}

/// The state of the fleet at an instant.
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
    /// Returns the counter `name`, or 0 for an unknown name.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters.iter().find(|pair| pair.0 == name).map_or(0, |pair| pair.1)
    }
}
