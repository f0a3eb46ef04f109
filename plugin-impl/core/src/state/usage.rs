//! Usage counters.

use std::collections::BTreeMap;

use super::form::Members;

/// The counters of one hour, account, pool, model, kind of agent and *writer*, by name.
///
/// A grow-only counter: each process counts under a key of its own, so each number only grows and the join
/// is the maximum of each. A reader adds the writers up. Counters of later versions are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage(pub BTreeMap<Box<str>, u64>);

impl Usage {
    /// Sent requests.
    pub const REQUESTS: &'static str = "requests";
    /// Answers with a limit.
    pub const LIMITED: &'static str = "limited";
    /// Milliseconds that requests have waited here.
    pub const WAITED: &'static str = "waited_ms";
    /// Tokens of prompts.
    pub const TOKENS_IN: &'static str = "tokens_in";
    /// Tokens of answers.
    pub const TOKENS_OUT: &'static str = "tokens_out";
    /// Tokens of prompts that came from the upstream's cache.
    pub const TOKENS_CACHED: &'static str = "tokens_cached";

    /// Returns a counter.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Adds to a counter.
    pub fn count(&mut self, name: &str, by: u64) {
        let counter = self.0.entry(name.into()).or_default();
        *counter = counter.saturating_add(by);
    }

    pub(super) fn joined(mut self, other: Self) -> Self {
        for (name, count) in other.0 {
            let known = self.0.entry(name).or_default();
            *known = count.max(*known);
        }
        self
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        Some(Self(Members::read(text)?.numbers().into_iter().collect()))
    }

    pub(super) fn write(&self) -> String {
        let mut members = Members::default();
        self.0.iter().for_each(|(name, count)| members.put(name, *count));
        members.write()
    }
}
