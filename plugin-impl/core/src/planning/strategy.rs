//! Strategies: the policies that put accounts in order.
//!
//! Each is a pure function of what one plan sees to a rank, in a file of its own. Ranks are sorted types
//! whose field order is the policy; smaller is better. What a strategy has to know of all accounts before
//! it can rank one of them it reads from the snapshot, so that a plan can be made again from what it saw.

pub mod headroom;
pub mod hybrid;
pub mod least_connections;
pub mod least_recently_used;
pub mod round_robin;
pub mod sticky;
pub mod weighted;

use std::fmt;

use smallvec::SmallVec;

/// Which policy puts accounts in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// By health, pace, quota and rest together, with a bonus for the session's own account.
    Hybrid,
    /// A session stays on its account while that can serve it.
    Sticky,
    /// Accounts take turns.
    RoundRobin,
    /// Accounts take turns, as many as their weight.
    Weighted,
    /// The account with the fewest requests under way, by weight.
    LeastConnections,
    /// The account that has rested longest.
    LeastRecentlyUsed,
    /// The account with the most quota for the time until its reset.
    Headroom,
}

impl Strategy {
    /// All strategies, in the order they are listed to people.
    pub const ALL: [Self; 7] = [
        Self::Hybrid,
        Self::Sticky,
        Self::RoundRobin,
        Self::Weighted,
        Self::LeastConnections,
        Self::LeastRecentlyUsed,
        Self::Headroom,
    ];

    /// Returns the name that the configuration uses.
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

    /// Says whether it goes by the account that a session was on.
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

/// A rank that can be explained.
pub trait Rank {
    /// Returns what it goes by, the most important first: its fields in their order. Ranks compare as their
    /// parts do.
    fn parts(&self) -> Parts;
}

/// The parts of a rank.
pub type Parts = SmallVec<[Part; 6]>;

/// One thing that a rank goes by; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub name: &'static str,
    pub value: PartValue,
}

/// How much of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartValue {
    Flag(bool),
    Number(i64),
}

impl Part {
    /// Makes a part that is there or not.
    pub const fn flag(name: &'static str, flag: bool) -> Self {
        Self { name, value: PartValue::Flag(flag) }
    }

    /// Makes a part that is counted.
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

/// What ranks read besides the account itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// The number of the request among those of its route. Accounts that are otherwise equal take turns
    /// by it, so that requests that start together spread.
    pub turn: u64,
    /// How many accounts take turns.
    pub accounts: u32,
    /// The account that the request's session was on.
    pub home: Option<u32>,
    /// The account of the agent that started this one, where this one has no home yet. It decides between
    /// equals only: a subagent's prompt begins with other words than its parent's, so that there is little to
    /// gain from the parent's cache, and a crowd of subagents has to spread. How far relatives attract is said
    /// by [`family`](crate::planning::family).
    pub parent: Option<u32>,
    /// There is nobody else to turn to: where nothing is open, a guess may be tried before its end.
    pub at_last: bool,
}

impl Context {
    /// Returns how far the account is from its turn: 0 for the one whose turn it is.
    #[inline]
    pub fn distance(&self, index: u32) -> u32 {
        // Each account of each plan asks, and divisions are slow. That of the turn is the same for all of them.
        let count = self.accounts.max(1);
        let turn = (self.turn % u64::from(count)) as u32;
        let index = if index < count { index } else { index % count };
        if index >= turn { index - turn } else { index + count - turn }
    }

    /// Says whether the account is neither the session's nor its parent's.
    #[inline]
    pub fn is_strange(&self, index: u32) -> bool {
        self.home.or(self.parent) != Some(index)
    }
}
