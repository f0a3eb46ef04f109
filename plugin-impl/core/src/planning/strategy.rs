//! Strategies: the policies for the order of accounts.
//!
//! A strategy is a pure function from a plan's view to a rank, in its own file. Ranks are sorted types; the
//! order of fields is the policy, and smaller is better. Figures over all accounts come from the snapshot,
//! so a plan can be repeated from its recorded snapshot.

pub mod drain;
pub mod headroom;
pub mod hybrid;
pub mod least_connections;
pub mod least_recently_used;
pub mod round_robin;
pub mod sticky;
pub mod weighted;

use crate::formats::operation::Operation;
use std::fmt;

use smallvec::SmallVec;

/// The policy for the order of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Health, pace, quota and rest together, with a bonus for the session's own account.
    Hybrid,
    /// A session stays on its account as long as the account can serve.
    Sticky,
    /// Accounts take turns.
    RoundRobin,
    /// Accounts take turns, in proportion to their weight.
    Weighted,
    /// The account with the fewest requests in flight, by weight.
    LeastConnections,
    /// The least recently used account.
    LeastRecentlyUsed,
    /// The account with the most quota per time until reset.
    Headroom,
}

impl Strategy {
    /// All strategies, in the order of lists for people.
    pub const ALL: [Self; 7] = [
        Self::Hybrid,
        Self::Sticky,
        Self::RoundRobin,
        Self::Weighted,
        Self::LeastConnections,
        Self::LeastRecentlyUsed,
        Self::Headroom,
    ];

    /// Returns the strategy's name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Sticky => "sticky",
            Self::RoundRobin => "round-robin",
            Self::Weighted => "weighted",
            Self::LeastConnections => "least-connections",
            Self::LeastRecentlyUsed => "least-recently-used",
            Self::Headroom => "headroom",
        }
    }

    /// Returns whether the strategy prefers the session's account.
    pub const fn keeps_sessions(self) -> bool {
        match self {
            Self::Hybrid | Self::Sticky | Self::Headroom => true,
            Self::RoundRobin | Self::Weighted | Self::LeastConnections | Self::LeastRecentlyUsed => false,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An explainable rank.
pub trait Rank {
    /// Returns the fields of the rank, the most important first. Ranks compare as their parts do.
    fn parts(&self) -> Parts;
}

/// The parts of a rank.
pub type Parts = SmallVec<[Part; 6]>;

/// A field of a rank; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub name: &'static str,
    pub value: PartValue,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartValue {
    Flag(bool),
    Number(i64),
}

impl Part {
    /// Makes a boolean field.
    pub const fn flag(name: &'static str, flag: bool) -> Self {
        Self { name, value: PartValue::Flag(flag) }
    }

    /// Makes a numeric field.
    pub const fn number(name: &'static str, number: i64) -> Self {
        Self { name, value: PartValue::Number(number) }
    }
}

impl fmt::Display for PartValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// The request's own input to ranks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// The request's number within its route. Equal accounts take turns by this number, so simultaneous
    /// requests spread.
    pub turn: u64,
    /// The number of accounts in turn.
    pub accounts: u32,
    /// The sticky account of the request's session.
    pub sticky: Option<u32>,
    /// The home comes before any strategy: the home began the turn that the request continues.
    pub firm: bool,
    /// The account of the parent agent, for a session without a sticky account. The parent decides between
    /// equal accounts only: a subagent's prompt starts with other words than its parent's, so the parent's
    /// cache helps little, and a crowd of subagents has to spread. [`family`](crate::planning::family)
    /// defines the attraction of relatives.
    pub parent: Option<u32>,
    /// The last resort: with nothing open, an estimated limit may be probed before its end.
    pub at_last: bool,
    /// The account that uses the caller's own credential. While it is open it goes before all others.
    pub own: Option<u32>,
    /// What the request wants.
    pub operation: Operation,
}

impl Context {
    /// Returns the account's distance from its turn; 0 is next.
    #[inline]
    pub fn distance(&self, index: u32) -> u32 {
        // Each account of each plan asks, and divisions are slow. That of the turn is the same for all of them.
        let count = self.accounts.max(1);
        let turn = (self.turn % u64::from(count)) as u32;
        let index = if index < count { index } else { index % count };
        if index >= turn { index - turn } else { index + count - turn }
    }

    /// Returns whether the account is neither the session's nor the parent's.
    #[inline]
    pub fn is_off_affinity(&self, index: u32) -> bool {
        self.sticky.or(self.parent) != Some(index)
    }
}
