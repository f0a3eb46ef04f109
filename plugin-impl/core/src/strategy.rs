//! Strategies: the policies that put accounts in order.
//!
//! Each is a pure function of what one plan sees to a rank, in a file of its own. Ranks are sorted types
//! whose field order is the policy; smaller is better.

pub mod least_connections;
pub mod round_robin;
pub mod sticky;

use std::fmt;

use smallvec::SmallVec;

/// Which policy puts accounts in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// A session stays on its account while that can serve it.
    Sticky,
    /// Accounts take turns.
    RoundRobin,
    /// The account with the fewest requests under way, by weight.
    LeastConnections,
}

impl Strategy {
    /// All strategies, in the order they are listed to people.
    pub const ALL: [Self; 3] = [Self::Sticky, Self::RoundRobin, Self::LeastConnections];

    /// Returns the name that the configuration uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sticky => "sticky",
            Self::RoundRobin => "round-robin",
            Self::LeastConnections => "least-connections",
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
}

impl Context {
    /// Returns how far the account is from its turn: 0 for the one whose turn it is.
    pub fn distance(&self, index: u32) -> u32 {
        let count = self.accounts.max(1);
        let turn = (self.turn % u64::from(count)) as u32;
        (index % count + count - turn) % count
    }
}
