//! The headers in which an account tells of its own limits.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::formats::agent::Agent;
use crate::time::UnixMillis;

/// The headers of limits in a format.
#[derive(Debug)]
pub struct LimitHeaders {
    /// Returns whether a header warns a person of the account's limits.
    pub is_warning: fn(&str, &HeaderValue) -> bool,
    /// The overall status, and its value without limits.
    pub status: Option<(&'static HeaderName, &'static str)>,
    pub told_end: Option<ToldEndForm>,
    /// Words of a 429 about an option of the request that is paid apart from the account's windows.
    pub option: Option<&'static str>,
}

/// The form in which agents read the end of a usage limit, to tell it in words of their own.
#[derive(Clone, Copy, Debug)]
pub struct ToldEndForm {
    pub agents: &'static [Agent],
    pub headers: fn(&ToldEnd) -> HeaderMap,
}

impl LimitHeaders {
    /// A format without such headers.
    pub const NONE: Self = Self { is_warning: |_, _| false, status: None, told_end: None, option: None };

    /// Returns whether an agent has words of its own for the end of a usage limit.
    pub fn are_told_to(&self, agent: Agent) -> bool {
        self.told_end.is_some_and(|form| form.agents.contains(&agent))
    }
}

/// The earliest reset of several accounts, each closed by a reported window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldEnd {
    pub reset: UnixMillis,
    /// The window, such as `5h`, if known.
    pub window: Option<String>,
}

impl ToldEnd {
    /// Returns the headers for a usage limit, in an account's own form.
    pub fn headers(&self, limits: &LimitHeaders) -> HeaderMap {
        limits.told_end.map_or_else(HeaderMap::new, |form| (form.headers)(self))
    }
}
