//! Plans: the ordered ways of a request, or the reason and the end of their absence.

mod counts;
mod order;
mod refusal;
mod tier;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use crate::admission::probe::Probe;
use crate::planning::settings::Settings;
use crate::planning::snapshot::Snapshot;
use crate::planning::strategy::Context;

pub use self::counts::{Cooling, Counts};
pub(crate) use self::order::{drains, ways_in_order};
pub use self::refusal::{Refusal, first_to_open};
pub(crate) use self::tier::Tier;

/// One way to serve a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The account's index in the snapshot's roster.
    pub account: u32,
    /// The index of the pool at its provider.
    pub pool: u16,
    /// The index of the endpoint at its pool.
    pub endpoint: u16,
    /// The pool's index in the route; 0 is the preferred pool.
    pub preference: u16,
    /// The reason for trying a closed way.
    pub probe: Option<Probe>,
    /// Whether the way is deprioritised to spare its quota, as the user wishes.
    pub deprioritised: bool,
}

/// The open ways, best first. Not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub candidates: SmallVec<[Candidate; 16]>,
}

impl Plan {
    /// Returns whether more than one account is open, probes excluded.
    pub fn has_others(&self) -> bool {
        let mut open = self.candidates.iter().filter(|candidate| candidate.probe.is_none());
        let first = open.next().map(|candidate| candidate.account);
        open.any(|candidate| Some(candidate.account) != first)
    }

    /// Has it begin with one of its candidates.
    pub fn put_first(&mut self, candidate: Candidate) {
        if let Some(place) = self.candidates.iter().position(|other| *other == candidate) {
            self.candidates[..=place].rotate_right(1);
        }
    }
}

/// Sorts the open ways of a snapshot.
///
/// The result depends on nothing else, so that a plan can be made again from its snapshot.
///
/// # Errors
/// [`Refusal`] if no way is open.
pub fn plan(snapshot: &Snapshot, settings: &Settings, context: &Context) -> Result<Plan, Refusal> {
    let candidates = ways_in_order(snapshot, settings, context, |_, way| way);
    if candidates.is_empty() { Err(refusal::refusal(snapshot)) } else { Ok(Plan { candidates }) }
}
