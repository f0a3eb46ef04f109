//! The allowance of a pool: its windows, and what a refusal tells of them.

use std::time::Duration;

use serde::Deserialize;

use crate::pace::Pace;
use crate::span;

/// The allowance of one account in one pool.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Pool {
    /// All of them must admit; none is no limit.
    pub windows: Vec<Window>,
    /// Requests in flight at once.
    pub concurrency: Option<u32>,
    pub hint: Hint,
    /// In place of the script's pace.
    pub pace: Option<Pace>,
}

/// One allowance with its own reset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    pub limit: u32,
    #[serde(deserialize_with = "span::deserialize")]
    pub every: Duration,
    /// As headers name it; `5h`, `7d`, `7d_oi` in their order if not set.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub unit: Unit,
    #[serde(default)]
    pub refill: Refill,
}

/// How what was used comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refill {
    /// All of it when the window ends.
    #[default]
    AtOnce,
    /// Evenly, one after the other: a token bucket that holds `limit` and fills in `every`.
    Evenly,
}

/// What a window counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    #[default]
    Requests,
    /// The tokens of what is asked, four bytes each.
    InputTokens,
}

/// What a refusal tells about its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    /// The provider's whole body and headers; good answers carry readings.
    #[default]
    Full,
    /// `retry-after` and a body without details.
    HeaderOnly,
    /// Nothing.
    Bare,
    /// As `Full`, with this wait in place of the true one.
    #[serde(deserialize_with = "span::deserialize")]
    Wrong(Duration),
    /// As `Full`, with this wait beside readings that are true: a provider tells the end of another window than
    /// the one that is used up.
    #[serde(deserialize_with = "span::deserialize")]
    Overlong(Duration),
}

impl Pool {
    /// Returns a pool without a limit.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Returns a pool of so many requests in each window of so long.
    pub fn limited(limit: u32, every: Duration) -> Self {
        Self::default().and(limit, every)
    }

    /// Adds a window that holds at the same time.
    #[must_use]
    pub fn and(self, limit: u32, every: Duration) -> Self {
        self.with(limit, every, Unit::Requests)
    }

    /// Adds a window of so many tokens in each so long.
    #[must_use]
    pub fn and_tokens(self, limit: u32, every: Duration) -> Self {
        self.with(limit, every, Unit::InputTokens)
    }

    /// Returns a token bucket that holds so many requests and fills in so long.
    pub fn bucket(limit: u32, every: Duration) -> Self {
        let mut pool = Self::limited(limit, every);
        pool.windows.iter_mut().for_each(|window| window.refill = Refill::Evenly);
        pool
    }

    fn with(mut self, limit: u32, every: Duration, unit: Unit) -> Self {
        self.windows.push(Window { limit, every, name: None, unit, refill: Refill::AtOnce });
        self
    }

    #[must_use]
    pub fn concurrency(mut self, cap: u32) -> Self {
        self.concurrency = Some(cap);
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: Hint) -> Self {
        self.hint = hint;
        self
    }

    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }
}

impl Window {
    /// How long one of the allowance takes to come back, where it comes back evenly.
    pub(crate) fn step(&self) -> Duration {
        self.every / self.limit.max(1)
    }

    /// The name in headers.
    pub(crate) fn name_at(&self, index: usize) -> &str {
        const NAMES: [&str; 3] = ["5h", "7d", "7d_oi"];
        self.name.as_deref().unwrap_or(NAMES[index.min(NAMES.len() - 1)])
    }
}
