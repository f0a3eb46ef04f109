//! Facts with the instant of their observation: the latest observation wins.

use std::cmp::Reverse;

use crate::time::UnixMillis;

use super::form::{Extra, Members};

/// A last-writer-wins register. The join is the maximum, so equal instants have one winner too, whatever
/// the order of arrival. Wall-clock instants, because the reader may be another process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamped<T> {
    /// The observation.
    pub at: UnixMillis,
    pub fact: T,
    /// Members of a later version.
    pub(super) extra: Extra,
}

/// A fact with a form.
pub(super) trait Fact: Ord + Sized {
    fn read(members: &mut Members) -> Option<Self>;

    fn write(&self, members: &mut Members);
}

impl<T> Stamped<T> {
    /// Stamps a fact.
    pub fn new(at: UnixMillis, fact: T) -> Self {
        Self { at, fact, extra: Extra::default() }
    }
}

/// Reads the form of a stamped fact.
pub(super) fn read<T: Fact>(text: &str) -> Option<Stamped<T>> {
    let mut members = Members::read(text)?;
    let at = members.instant("at")?;
    let fact = T::read(&mut members)?;
    Some(Stamped { at, fact, extra: members.rest() })
}

/// Returns the form of a stamped fact.
pub(super) fn write<T: Fact>(stamped: &Stamped<T>) -> String {
    let mut members = Members::of(&stamped.extra);
    members.put("at", stamped.at.0);
    stamped.fact.write(&mut members);
    members.write()
}

/// A limit. Of one millisecond, a reported end beats an estimate: the order of the fields is the join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredLimit {
    /// Whether the upstream reported the end; otherwise an estimate.
    pub known: bool,
    /// The end. A limit that is over ends at its observation.
    pub until: UnixMillis,
}

impl Fact for StoredLimit {
    fn read(members: &mut Members) -> Option<Self> {
        let until = members.instant("until")?;
        // Qualities of later versions are estimates: nothing is relied on that is not understood.
        let known = members.text("quality").as_deref() == Some("reported");
        Some(Self { known, until })
    }

    fn write(&self, members: &mut Members) {
        members.put("until", self.until.0);
        members.put("quality", if self.known { "reported" } else { "estimated" });
    }
}

/// A closed circuit breaker of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cooldown {
    pub until: UnixMillis,
    /// The word of the reason.
    pub reason: Box<str>,
}

impl Fact for Cooldown {
    fn read(members: &mut Members) -> Option<Self> {
        Some(Self { until: members.instant("until")?, reason: members.text("reason").unwrap_or_default() })
    }

    fn write(&self, members: &mut Members) {
        members.put("until", self.until.0);
        members.put("reason", &*self.reason);
    }
}

/// A window as reported. Of one instant the tighter report wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavedReading {
    /// Thousandths that remain.
    pub remaining: Reverse<Option<u16>>,
    /// Remaining and total.
    pub count: Option<(u64, u64)>,
    pub reset: Option<UnixMillis>,
}

impl Fact for SavedReading {
    fn read(members: &mut Members) -> Option<Self> {
        let remaining = Reverse(members.number("remaining").and_then(|share| share.try_into().ok()));
        let count = members.number("left").zip(members.number("total"));
        Some(Self { remaining, count, reset: members.instant("reset") })
    }

    fn write(&self, members: &mut Members) {
        members.put_some("remaining", self.remaining.0);
        members.put_some("left", self.count.map(|(left, _)| left));
        members.put_some("total", self.count.map(|(_, total)| total));
        members.put_some("reset", self.reset.map(|reset| reset.0));
    }
}

/// What a pool's limits have taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LearnedAllowance {
    /// Requests per window.
    pub capacity: u32,
    /// The shortest and the longest length that explain the resets so far, in milliseconds.
    pub span: Option<(u64, u64)>,
    /// Requests of the current window, with the instant of the first.
    pub used: Option<(u32, UnixMillis)>,
}

impl Fact for LearnedAllowance {
    fn read(members: &mut Members) -> Option<Self> {
        let capacity = members.number("capacity")?.try_into().ok()?;
        let span = members.number("shortest").zip(members.number("longest"));
        let used = members.number("used").and_then(|used| used.try_into().ok());
        Some(Self { capacity, span, used: used.zip(members.instant("start")) })
    }

    fn write(&self, members: &mut Members) {
        members.put("capacity", self.capacity);
        members.put_some("shortest", self.span.map(|(shortest, _)| shortest));
        members.put_some("longest", self.span.map(|(_, longest)| longest));
        members.put_some("used", self.used.map(|(used, _)| used));
        members.put_some("start", self.used.map(|(_, start)| start.0));
    }
}

/// The sticky account of a session, stamped with its last request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StickyAccount {
    pub account: Box<str>,
    /// The last served request: until then the prompt was cached.
    pub served: Option<UnixMillis>,
}

impl Fact for StickyAccount {
    fn read(members: &mut Members) -> Option<Self> {
        Some(Self { account: members.text("account")?, served: members.instant("served") })
    }

    fn write(&self, members: &mut Members) {
        members.put("account", &*self.account);
        members.put_some("served", self.served.map(|served| served.0));
    }
}

/// The account that made a resource, stamped with the last use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pub account: Box<str>,
}

impl Fact for Owner {
    fn read(members: &mut Members) -> Option<Self> {
        Some(Self { account: members.text("account")? })
    }

    fn write(&self, members: &mut Members) {
        members.put("account", &*self.account);
    }
}
