//! The account with the most quota per time until reset goes first.
//!
//! Quota is spent at the rate of its renewal: quota close to a reset is used before it lapses, and quota
//! for days is spared. An account without a reading ranks in the middle, because its quota is unknown.
//!
//! Readings arrive with answers, so they lag behind the requests in flight. Accounts of a similar pace
//! therefore count as equal and share work by load. Among equals a session stays on its account.

use std::cmp::Reverse;

use smallvec::SmallVec;

use crate::planning::snapshot::{AccountView, Snapshot, WayView};
use crate::quota::outlook::Outlook;
use crate::time::Millis;

use super::{Context, Part, Parts, least_connections};

/// The order of fields is their priority; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pace: Reverse<Urgency>,
    away: bool,
    load: u64,
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        let Self { pace, away, load, distance } = *self;
        [
            Part::number("quota for the time left", -i64::from(pace.0.0)),
            Part::flag("away from home", away),
            Part::number("load", load as i64),
            Part::number("turn", distance.into()),
        ]
        .into_iter()
        .collect()
    }
}

/// Quota per second until reset, on a logarithmic scale: four steps double the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Urgency(u32);

/// The reference values of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    now: Millis,
    /// The pace of accounts without a reading.
    middle: Urgency,
}

impl Scale {
    /// Reads the known paces of a snapshot.
    pub fn new(snapshot: &Snapshot) -> Self {
        let ways = snapshot
            .accounts
            .iter()
            .filter_map(|account| Some((account, account.ways.iter().find(|way| way.closed.is_none())?)));
        let known = ways.filter_map(|(account, way)| {
            Urgency::of(way.outlook.at(snapshot.now), account.weight, snapshot.now)
        });
        let mut known: SmallVec<[Urgency; 16]> = known.collect();
        known.sort_unstable();
        Self { now: snapshot.now, middle: middle(&known) }
    }

    /// Ranks an account at a pool and endpoint.
    #[inline]
    pub fn rank(&self, account: &AccountView, way: &WayView, context: &Context) -> Rank {
        let pace = Urgency::of(way.outlook.at(self.now), account.weight, self.now).unwrap_or(self.middle);
        Rank {
            pace: Reverse(pace),
            away: context.sticky != Some(account.index),
            load: least_connections::burden(account),
            distance: context.distance(account.index),
        }
    }
}

/// Returns the median of sorted paces; without any known pace, all accounts are equal.
fn middle(known: &[Urgency]) -> Urgency {
    let Some(last) = known.len().checked_sub(1) else { return Urgency::default() };
    let (below, above) = (known[last / 2], known[known.len() / 2]);
    Urgency(u32::midpoint(below.0, above.0))
}

impl Urgency {
    /// Returns the pace of an account with a reading; double weight doubles the pace.
    #[inline]
    fn of(outlook: Outlook, weight: u16, now: Millis) -> Option<Self> {
        let (remaining, reset) = (outlook.remaining?, outlook.reset);
        if remaining == 0 {
            return Some(Self(0));
        }
        let left = reset?.since(now).as_millis().max(1) as u64;
        // In units in which the last thousandth of a month is 3.
        let speed = u64::from(remaining) * u64::from(weight.max(1)) * 10_000_000_000 / left;
        Some(Self::on_scale(speed))
    }

    fn on_scale(speed: u64) -> Self {
        let speed = speed.max(1) << 2;
        let octave = speed.ilog2();
        let quarter = (speed >> (octave - 2)) & 3;
        Self(octave * 4 + quarter as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::plan::testing::{THREE, account, order_at};
    use crate::planning::strategy::Strategy;
    use crate::quota::outlook::OutlookWord;

    const NOW: Millis = Millis(1_000_000);

    /// An account with so many thousandths left, until a reset in so many seconds.
    fn read(index: u32, remaining: u16, seconds: u64) -> AccountView {
        let mut account = account(index, 0);
        let reset = Some(Millis(NOW.0 + seconds * 1_000));
        account.ways[0].outlook = OutlookWord::pack(Outlook { remaining: Some(remaining), reset }, 0, NOW);
        account
    }

    fn check(context: &Context, accounts: [AccountView; 3], expected: [u32; 3]) {
        assert_eq!(order_at(Strategy::Headroom, context, accounts, NOW), expected);
    }

    #[test]
    fn the_most_for_the_time_until_the_reset_goes_first() {
        check(&THREE, [read(0, 200, 3_600), read(1, 900, 3_600), read(2, 500, 3_600)], [1, 2, 0]);
        check(&THREE, [read(0, 900, 500_000), read(1, 100, 60), read(2, 500, 3_600)], [1, 2, 0]);
        check(&THREE, [read(0, 0, 1), read(1, 1, 500_000), read(2, 2, 500_000)], [2, 1, 0]);
    }

    #[test]
    fn what_is_not_known_is_in_the_middle() {
        check(&THREE, [read(0, 100, 3_600), account(1, 0), read(2, 900, 3_600)], [2, 1, 0]);
        let four = [read(0, 100, 3_600), read(1, 300, 3_600), read(2, 900, 3_600), account(3, 0)];
        let context = Context { accounts: 4, ..THREE };
        assert_eq!(order_at(Strategy::Headroom, &context, four, NOW)[3], 0);
        check(&Context { turn: 2, ..THREE }, [0, 1, 2].map(|index| account(index, 0)), [2, 0, 1]);
    }

    #[test]
    fn about_the_same_pace_is_shared_by_load_and_sessions_stay() {
        let nearly = |index, remaining, in_flight| AccountView { in_flight, ..read(index, remaining, 3_600) };
        let accounts = || [nearly(0, 505, 2), nearly(1, 500, 1), nearly(2, 495, 0)];
        check(&THREE, accounts(), [2, 1, 0]);
        check(&Context { sticky: Some(0), ..THREE }, accounts(), [0, 2, 1]);
    }

    #[test]
    fn twice_the_weight_is_twice_the_quota() {
        let heavy = AccountView { weight: 4, ..read(0, 200, 3_600) };
        check(&THREE, [heavy, read(1, 400, 3_600), read(2, 100, 3_600)], [0, 1, 2]);
    }
}
