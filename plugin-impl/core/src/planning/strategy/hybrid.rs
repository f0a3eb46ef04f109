//! The hybrid strategy: a weighted score of health, pace, quota and rest, with a bonus for the session's
//! sticky account.
//!
//! Two conditions are not weighed but form tiers: an account with a nearly exhausted quota and an account
//! in repeated failure come after every other, however rested. The rest of a scarce quota is kept for the
//! sessions at home there. A session stays with its cached prompt until another account is better by more
//! than the bonus, or its own account keeps failing.
//!
//! The client's own tokens are a pace, not a limit: an account without tokens only loses their weight. To
//! leave the sticky account for tokens would trade a warm cache for politeness.

use std::cmp::Reverse;

use crate::admission::health_stats::{Rates, Refill};
use crate::planning::snapshot::{AccountView, WayView};
use crate::time::Millis;

use super::{Context, Part, Parts, drain, least_connections};

/// The numbers of the strategy, set by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The rates of change of health and tokens.
    pub rates: Rates,
    /// The least points of health; an account below comes after the others.
    pub usable: u16,
    pub weights: Weights,
    /// Points for the session's sticky account.
    pub sticky: u16,
    pub quota: Quota,
}

/// The weight of a point of each part, in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// For a point of health.
    pub health: u16,
    /// For a hundredth of the client's tokens.
    pub tokens: u16,
    /// For a hundredth of the quota.
    pub quota: u16,
    /// For a second of rest, up to an hour.
    pub idle: u16,
    /// For a request under way, at an account of weight 1.
    pub busy: u16,
    /// For a hundredth of a reset's nearness; see [`drain`].
    pub drain: u16,
}

/// The thresholds of remaining quota, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// An account below comes after the others.
    pub critical: u16,
    /// A remainder below counts as nothing.
    pub low: u16,
    /// The assumed remainder of an unreported quota.
    pub unknown: u16,
}

impl Numbers {
    /// Returns the numbers with the weight of resets, or without.
    #[must_use]
    pub const fn draining(mut self, drains: bool) -> Self {
        if !drains {
            self.weights.drain = 0;
        }
        self
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            usable: 50,
            weights: Weights { health: 200, tokens: 500, quota: 300, idle: 10, busy: 1_000, drain: 400 },
            sticky: 700,
            quota: Quota { critical: 50, low: 100, unknown: 500 },
        }
    }
}

/// Field order is priority; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    tier: HealthTier,
    score: Reverse<i64>,
    off_affinity: bool,
    distance: u32,
}

impl super::Rank for Rank {
    fn parts(&self) -> Parts {
        let Self { tier, score, off_affinity, distance } = *self;
        [
            Part::number("tier", tier as i64),
            Part::number("negative points (1/100)", -score.0),
            Part::flag("away from home", off_affinity),
            Part::number("turn", distance.into()),
        ]
        .into_iter()
        .collect()
    }
}

/// The tier, compared before every score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum HealthTier {
    Fit,
    /// The quota is nearly exhausted.
    Drained,
    /// The account keeps failing.
    Unwell,
}

/// Ranks an account by its candidate way.
#[inline]
pub fn rank(account: &AccountView, way: &WayView, context: &Context, numbers: &Numbers, now: Millis) -> Rank {
    let health = way
        .health_stats
        .health()
        .map_or(numbers.rates.health.fresh(), |level| level.amount(numbers.rates.health, now));
    let quota = way.outlook.at(now).remaining;
    let is_sticky = context.sticky == Some(account.index);
    let bonus = if is_sticky { i64::from(numbers.sticky) * HUNDREDTHS } else { of_family(account, numbers) };
    Rank {
        tier: tier(health, if is_sticky { None } else { quota }, numbers),
        score: Reverse(bonus + score(account, way, health, quota, numbers, now)),
        off_affinity: context.is_off_affinity(account.index),
        distance: context.distance(account.index),
    }
}

/// Returns the points of an agent without a home, in hundredths: each relative at home there takes a tenth
/// of the home bonus, and attraction gives one and a half of these tenths.
#[inline]
fn of_family(account: &AccountView, numbers: &Numbers) -> i64 {
    let relative = i64::from(numbers.sticky) * HUNDREDTHS / 10;
    let attraction = if account.attracts { relative * 3 / 2 } else { 0 };
    attraction - i64::from(account.agents) * relative
}

const HUNDREDTHS: i64 = 100;
/// The longest rest with an effect: an hour, in seconds.
const LONGEST_REST: u64 = 3_600;

#[inline]
fn tier(health: u32, quota: Option<u16>, numbers: &Numbers) -> HealthTier {
    // Health is in thousandths of a point, the setting in points.
    if health < u32::from(numbers.usable) * 1_000 {
        HealthTier::Unwell
    } else if quota.is_some_and(|left| left < numbers.quota.critical) {
        HealthTier::Drained
    } else {
        HealthTier::Fit
    }
}

/// Returns the points of an account, in hundredths.
#[inline]
fn score(
    account: &AccountView,
    way: &WayView,
    health: u32,
    quota: Option<u16>,
    numbers: &Numbers,
    now: Millis,
) -> i64 {
    let weights = numbers.weights;
    // A low remainder is worth nothing, so that it stays for the sessions at home there.
    let quota = match quota {
        Some(left) if left < numbers.quota.low => 0,
        left => left.unwrap_or(numbers.quota.unknown),
    };
    // Seconds since the account was last used.
    let rest = (now.0.saturating_sub(way.health_stats.used.0) / 1_000).min(LONGEST_REST);
    let thousandths = |weight: u16, amount: u32| i64::from(weight) * i64::from(amount) / 1_000;
    // All terms are in hundredths of a point.
    thousandths(weights.health, health)
        + thousandths(weights.tokens, tokens(way, numbers.rates.tokens, now))
        + thousandths(weights.quota, u32::from(quota) * 100)
        + i64::from(weights.idle) * rest as i64
        + i64::from(weights.drain) * i64::from(drain::nearness(way, now))
        - i64::from(weights.busy) * (least_connections::load(account) / 1_000) as i64
}

/// Returns the remaining share of the client's tokens, in thousandths of a hundredth.
#[inline]
fn tokens(way: &WayView, refill: Refill, now: Millis) -> u32 {
    let left = way.health_stats.tokens().map_or(refill.fresh(), |level| level.amount(refill, now));
    left / u32::from(refill.max.max(1)) * 100
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admission::health_stats::{HealthStats, Sign};
    use crate::planning::plan::testing::{THREE, account, order_at};
    use crate::planning::strategy::Strategy;
    use crate::quota::outlook::{Outlook, OutlookWord};

    const NOW: Millis = Millis(7_200_000);

    fn with(index: u32, happened: impl FnOnce(&HealthStats)) -> AccountView {
        let health_stats = HealthStats::default();
        happened(&health_stats);
        let mut account = account(index, 0);
        account.ways[0].health_stats = health_stats.view();
        account
    }

    fn used(times: u32, ago: u64) -> impl Fn(&HealthStats) {
        let then = Millis(NOW.0 - Duration::from_secs(ago).as_millis() as u64);
        move |health_stats| (0..times).for_each(|_| health_stats.take(&Rates::default(), then))
    }

    fn marked(signs: &[Sign]) -> impl Fn(&HealthStats) {
        move |health_stats| signs.iter().for_each(|sign| health_stats.mark(*sign, &Rates::default(), NOW))
    }

    fn check(context: &Context, accounts: [AccountView; 3], expected: [u32; 3]) {
        assert_eq!(order_at(Strategy::Hybrid, context, accounts, NOW), expected);
    }

    #[test]
    fn equals_take_turns() {
        check(&Context { turn: 1, ..THREE }, [0, 1, 2].map(|index| account(index, 0)), [1, 2, 0]);
    }

    #[test]
    fn each_part_counts() {
        check(
            &THREE,
            [with(0, marked(&[Sign::Limited])), with(1, |_| ()), with(2, marked(&[Sign::Good]))],
            [2, 1, 0],
        );
        check(&THREE, [with(0, used(9, 60)), with(1, used(3, 60)), with(2, used(6, 60))], [1, 2, 0]);
        check(&THREE, [with(0, used(1, 30)), with(1, used(1, 3_000)), with(2, used(1, 300))], [1, 2, 0]);
        check(&THREE, [account(0, 2), account(1, 1), account(2, 0)], [2, 1, 0]);
    }

    #[test]
    fn who_keeps_failing_comes_last_even_for_its_own_sessions() {
        let accounts = || [with(0, marked(&[Sign::Failed; 2])), with(1, used(50, 0)), with(2, used(50, 9))];
        check(&Context { sticky: Some(0), ..THREE }, accounts(), [2, 1, 0]);
    }

    #[test]
    fn what_is_left_of_a_quota_is_for_the_sessions_that_live_there() {
        let read = |index, remaining| {
            let mut account = account(index, 0);
            let left = Outlook { remaining: Some(remaining), reset: None };
            account.ways[0].outlook = OutlookWord::pack(left, 0, NOW);
            account
        };
        let accounts = || [read(0, 40), read(1, 60), read(2, 60)];
        check(&THREE, accounts(), [1, 2, 0]);
        check(&Context { sticky: Some(0), ..THREE }, accounts(), [0, 1, 2]);
    }

    #[test]
    fn a_session_stays_until_another_account_is_better_by_more_than_the_bonus() {
        let sticky = Context { sticky: Some(0), ..THREE };
        // Out of tokens and just used, while the others have rested for ten minutes.
        check(&sticky, [with(0, used(50, 0)), with(1, used(1, 600)), with(2, used(1, 500))], [0, 1, 2]);
        // It has met limits as well, and the others have rested for an hour.
        let worse = with(0, |health_stats| {
            used(50, 0)(health_stats);
            marked(&[Sign::Limited, Sign::Limited])(health_stats);
        });
        check(&sticky, [worse, with(1, used(1, 3_600)), with(2, used(1, 3_500))], [1, 2, 0]);
    }

    #[test]
    fn the_parents_account_decides_between_equals_only() {
        let parent = Context { parent: Some(2), ..THREE };
        check(&parent, [0, 1, 2].map(|index| account(index, 0)), [2, 0, 1]);
        check(&parent, [account(0, 0), account(1, 0), account(2, 1)], [0, 1, 2]);
    }
}
