//! Tiers: a plan of open pools, of pools closed by a prediction, or of pools closed by an estimate.

use crate::planning::snapshot::{Snapshot, WayView, Why};
use crate::planning::strategy::Context;
use crate::time::Millis;

/// The pools of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Open pools, and pools with a due recheck.
    Open,
    /// Pools with a due probe over capacity.
    OverCapacity,
    /// Pools closed by an estimate until `by`, with a due early probe.
    Estimated { now: Millis, by: Option<Millis> },
}

impl Tier {
    /// Returns the first non-empty tier.
    pub(crate) fn of(snapshot: &Snapshot, context: &Context) -> Self {
        let any = |tier: &Self| ways(snapshot).any(|way| tier.has(way));
        if any(&Self::Open) {
            Self::Open
        } else if any(&Self::OverCapacity) || !context.at_last {
            Self::OverCapacity
        } else {
            last_resort(snapshot).unwrap_or(Self::OverCapacity)
        }
    }

    pub(crate) fn has(self, way: &WayView) -> bool {
        match self {
            Self::Open => way.closed.is_none() || way.recheck,
            Self::OverCapacity => way.over_capacity,
            Self::Estimated { now, by } => guess(way, by).is_some_and(|from| from <= now),
        }
    }
}

/// An estimate is a last resort if no pool is busy or in probing, and no reported or predicted end comes
/// before the estimate's: such an end is worth waiting for.
fn last_resort(snapshot: &Snapshot) -> Option<Tier> {
    let closed = || ways(snapshot).filter_map(|way| Some((way.closed?, way.guess)));
    if closed().any(|(closed, _)| matches!(closed.why, Why::Busy | Why::Probing)) {
        return None;
    }
    let by = closed().filter(|(_, guess)| guess.is_none()).filter_map(|(closed, _)| closed.until).min();
    Some(Tier::Estimated { now: snapshot.now, by })
}

/// Returns the earliest probe of a pool with an estimated end by `by`.
fn guess(way: &WayView, by: Option<Millis>) -> Option<Millis> {
    let until = way.closed?.until?;
    way.guess.filter(|from| *from < until && by.is_none_or(|by| until <= by))
}

/// Returns the earliest last-resort probe, if nothing else is left.
pub(super) fn first_last_resort(snapshot: &Snapshot) -> Option<Millis> {
    let Tier::Estimated { by, .. } = last_resort(snapshot)? else { return None };
    ways(snapshot).filter_map(|way| guess(way, by)).min()
}

fn ways(snapshot: &Snapshot) -> impl Iterator<Item = &WayView> {
    snapshot.accounts.iter().flat_map(|account| &account.ways)
}
