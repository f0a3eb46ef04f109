//! Tiers: whether a plan is made of what is open, of what experience closes, or of what is only guessed.

use crate::planning::snapshot::{Snapshot, WayView, Why};
use crate::planning::strategy::Context;
use crate::time::Millis;

/// Which ways a plan is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Those that are open, and those whose guess it is time to check again.
    Open,
    /// Those that may be tried against experience.
    Explorable,
    /// Those that a guess closes which may be tried before its end, and that ends by `by`.
    Guessed { now: Millis, by: Option<Millis> },
}

impl Tier {
    /// Returns the first that any way is in.
    pub(crate) fn of(snapshot: &Snapshot, context: &Context) -> Self {
        let any = |tier: &Self| ways(snapshot).any(|way| tier.has(way));
        if any(&Self::Open) {
            Self::Open
        } else if any(&Self::Explorable) || !context.at_last {
            Self::Explorable
        } else {
            last_resort(snapshot).unwrap_or(Self::Explorable)
        }
    }

    pub(crate) fn has(self, way: &WayView) -> bool {
        match self {
            Self::Open => way.closed.is_none() || way.recheck,
            Self::Explorable => way.explorable,
            Self::Guessed { now, by } => guess(way, by).is_some_and(|from| from <= now),
        }
    }
}

/// A guess is the last resort where nobody is merely busy or just being tried, and where nothing that is more
/// than a guess ends before it: that would be worth waiting for.
fn last_resort(snapshot: &Snapshot) -> Option<Tier> {
    let closed = || ways(snapshot).filter_map(|way| Some((way.closed?, way.guess)));
    if closed().any(|(closed, _)| matches!(closed.why, Why::Busy | Why::Probing)) {
        return None;
    }
    let by = closed().filter(|(_, guess)| guess.is_none()).filter_map(|(closed, _)| closed.until).min();
    Some(Tier::Guessed { now: snapshot.now, by })
}

/// Returns from when on a way may be tried whose guess ends by `by`.
fn guess(way: &WayView, by: Option<Millis>) -> Option<Millis> {
    let until = way.closed?.until?;
    way.guess.filter(|from| *from < until && by.is_none_or(|by| until <= by))
}

/// Returns from when on a guess may be tried as the last resort, if that is what is left.
pub(super) fn first_knock(snapshot: &Snapshot) -> Option<Millis> {
    let Tier::Guessed { by, .. } = last_resort(snapshot)? else { return None };
    ways(snapshot).filter_map(|way| guess(way, by)).min()
}

fn ways(snapshot: &Snapshot) -> impl Iterator<Item = &WayView> {
    snapshot.accounts.iter().flat_map(|account| &account.ways)
}
