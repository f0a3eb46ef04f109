//! Explanations: the reasons for the order of a plan's ways.
//!
//! The plan is made again from its snapshot, this time with the ranks beside the ways. So a request pays
//! nothing for explanations, and an explanation always agrees with the plan.

use crate::planning::plan::{Candidate, Tier, drains, ways_in_order};
use crate::planning::settings::{FallbackOrder, Settings};
use crate::planning::snapshot::{Closed, Snapshot};
use crate::planning::strategy::{Context, drain};

pub use crate::planning::strategy::{Part, PartValue, Parts};

/// One way, and its place in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub way: Candidate,
    /// The parts of the rank, the most important first. A closed way has no rank.
    pub parts: Parts,
    pub place: Place,
}

/// A place in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    /// After others; `by` names the first part that is worse than the first way's.
    Behind {
        rank: usize,
        by: &'static str,
    },
    /// Not in the plan.
    Closed(Closed),
}

/// The part before every strategy, if the user protects a quota.
const SPARED: &str = "quota to be spared";
/// The part before every strategy, if the request brings a credential of its own and uses it.
const SHARED: &str = "not the caller's own account";
/// The part of the account's tier, if the tiers differ.
const PRIORITY: &str = "priority";
/// The part of the nearness of a reset, if resets count before the strategy.
const RESET: &str = "time to the reset";
/// The part for the order of a request's pools.
const POOL_ORDER: &str = "pool order";

/// Makes a plan again and explains it: the open ways in order, then the closed ways.
pub fn explain(snapshot: &Snapshot, settings: &Settings, context: &Context) -> Vec<Line> {
    let order = settings.fallback_order;
    let before = Before::of(snapshot, settings, context);
    let spares = snapshot.accounts.iter().flat_map(|account| &account.ways).any(|way| way.deprioritised);
    let open = ways_in_order(snapshot, settings, context, |rank, way| {
        let mut parts = rank.parts();
        // Insert in reverse order of priority: each insertion goes to the front.
        before.insert(&mut parts, way);
        if let Some(own) = context.own {
            parts.insert(0, Part::flag(SHARED, own != way.account));
        }
        let mut parts = with_pool_order(parts, way, order);
        if spares {
            parts.insert(0, Part::flag(SPARED, way.deprioritised));
        }
        (way, parts)
    });
    let first = open.first().map(|(_, parts)| parts.clone()).unwrap_or_default();
    let open = open.into_iter().enumerate().map(|(at, (way, parts))| {
        let place =
            if at == 0 { Place::First } else { Place::Behind { rank: at + 1, by: worse(&parts, &first) } };
        Line { way, parts, place }
    });
    open.chain(closed(snapshot, Tier::of(snapshot, context))).collect()
}

/// The parts between the caller's own account and the strategy.
struct Before<'a> {
    snapshot: &'a Snapshot,
    has_tiers: bool,
    /// The sticky account, if resets count before the strategy.
    drains: Option<Option<u32>>,
}

impl<'a> Before<'a> {
    fn of(snapshot: &'a Snapshot, settings: &Settings, context: &Context) -> Self {
        let mut priorities = snapshot.accounts.iter().map(|account| account.priority);
        let first = priorities.next();
        let has_tiers = priorities.any(|priority| Some(priority) != first);
        Self { snapshot, has_tiers, drains: drains(settings).then_some(context.sticky) }
    }

    fn insert(&self, parts: &mut Parts, way: Candidate) {
        let Some(account) = self.snapshot.accounts.iter().find(|account| account.index == way.account) else {
            return;
        };
        if let Some(sticky) = self.drains {
            // The account's first way stands for the account.
            let first = account.ways.first().filter(|_| sticky != Some(way.account));
            let steps = first.map_or(0, |first| drain::rank(first, self.snapshot.now));
            parts.insert(0, Part::number(RESET, i64::from(steps)));
        }
        if self.has_tiers {
            parts.insert(0, Part::number(PRIORITY, account.priority.into()));
        }
    }
}

/// Adds the pool's place in the route's order as a part of the rank.
fn with_pool_order(mut parts: Parts, way: Candidate, order: FallbackOrder) -> Parts {
    let part = Part::number(POOL_ORDER, i64::from(way.preference));
    match order {
        FallbackOrder::AccountFirst => parts.push(part),
        FallbackOrder::PoolFirst => parts.insert(0, part),
    }
    parts
}

/// Returns the words for the first way's precedence over another way, as the end of "prefers ACCOUNT: …".
pub fn preference(by: &str, parts: &Parts, first: &Parts) -> String {
    let number = |parts: &Parts| match parts.iter().find(|part| part.name == by).map(|part| part.value) {
        Some(PartValue::Number(number)) => number,
        Some(PartValue::Flag(flag)) => flag.into(),
        None => 0,
    };
    let more = number(parts).saturating_sub(number(first));
    match by {
        // Load counts a request of an account of weight 1 as 1,000.
        "load" => match (more + 500) / 1_000 {
            0 => "less load".to_owned(),
            1 => "1 request fewer in flight".to_owned(),
            fewer => format!("{fewer} requests fewer in flight"),
        },
        "turn" => "all else is equal, and it is its turn".to_owned(),
        "away from home" => "its session lives there".to_owned(),
        "away from its parent" => "its parent session lives there".to_owned(),
        "last use" => "it was used longer ago".to_owned(),
        "tier" => "it is in a better state".to_owned(),
        "negative points (1/100)" => format!("{} points more", decimal(more)),
        "quota for the time left" => "more quota for the time left".to_owned(),
        PRIORITY => "its `priority` goes first".to_owned(),
        RESET => "its quota is whole again sooner".to_owned(),
        SPARED => "its quota need not be spared".to_owned(),
        POOL_ORDER => "its pool goes first".to_owned(),
        other => format!("better by {other}"),
    }
}

/// Writes hundredths as a decimal, without zeros at its end.
fn decimal(hundredths: i64) -> String {
    match (hundredths / 100, hundredths.rem_euclid(100)) {
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}

fn worse(parts: &Parts, first: &Parts) -> &'static str {
    let differs = parts.iter().zip(first).find(|(part, best)| part != best);
    differs.map_or(POOL_ORDER, |(part, _)| part.name)
}

fn closed(snapshot: &Snapshot, tier: Tier) -> impl Iterator<Item = Line> {
    snapshot.accounts.iter().flat_map(move |account| {
        let ways = account.ways.iter().enumerate().filter(move |(_, way)| !tier.has(way));
        ways.filter_map(|(preference, way)| {
            let way_of_it = Candidate {
                account: account.index,
                pool: way.pool,
                endpoint: way.endpoint,
                preference: preference as u16,
                probe: None,
                deprioritised: way.deprioritised,
            };
            Some(Line { way: way_of_it, parts: Parts::new(), place: Place::Closed(way.closed?) })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planning::plan::plan;
    use crate::planning::plan::testing::account;
    use crate::planning::snapshot::{WayView, Why};
    use crate::planning::strategy::Strategy;
    use crate::time::Millis;

    fn snapshot(in_flight: &[u32]) -> Snapshot {
        let accounts = (0..).zip(in_flight).map(|(index, in_flight)| account(index, *in_flight));
        Snapshot { now: Millis(1_000), accounts: accounts.collect() }
    }

    fn settings(strategy: Strategy) -> Settings {
        Settings { strategy, ..Settings::default() }
    }

    fn context(sticky: Option<u32>) -> Context {
        Context { accounts: 4, sticky, ..Context::default() }
    }

    /// Returns account and place of each line.
    fn places(lines: &[Line]) -> Vec<(u32, Place)> {
        lines.iter().map(|line| (line.way.account, line.place)).collect()
    }

    #[test]
    fn each_way_says_by_what_it_was_passed_over() {
        let lines = explain(&snapshot(&[3, 0, 0, 1]), &settings(Strategy::Sticky), &context(Some(3)));
        let expected = [
            (3, Place::First),
            (1, Place::Behind { rank: 2, by: "away from home" }),
            (2, Place::Behind { rank: 3, by: "away from home" }),
            (0, Place::Behind { rank: 4, by: "away from home" }),
        ];
        assert_eq!(places(&lines), expected);
        let lines = explain(&snapshot(&[1, 0]), &settings(Strategy::LeastConnections), &context(None));
        assert_eq!(places(&lines)[1], (0, Place::Behind { rank: 2, by: "load" }));
    }

    #[test]
    fn every_part_of_every_strategy_has_words() {
        for strategy in Strategy::ALL {
            let mut seen = snapshot(&[3, 0]);
            seen.accounts[0].ways[0].deprioritised = true;
            let lines = explain(&seen, &settings(strategy), &context(Some(1)));
            for part in &lines[1].parts {
                let words = preference(part.name, &lines[1].parts, &lines[0].parts);
                assert!(!words.starts_with("better by"), "{strategy}: {}", part.name);
            }
        }
    }

    #[test]
    fn a_difference_in_load_is_told_in_requests() {
        let lines = explain(&snapshot(&[2, 0]), &settings(Strategy::LeastConnections), &context(None));
        let words = preference("load", &lines[1].parts, &lines[0].parts);
        assert_eq!(words, "2 requests fewer in flight");
        let lines = explain(&snapshot(&[1, 0]), &settings(Strategy::LeastConnections), &context(None));
        assert_eq!(preference("load", &lines[1].parts, &lines[0].parts), "1 request fewer in flight");
    }

    #[test]
    fn a_closed_way_says_why() {
        let mut snapshot = snapshot(&[0, 0]);
        let limited = Closed { until: Some(Millis(9_000)), why: Why::Limited };
        snapshot.accounts[0].ways[0].closed = Some(limited);
        let lines = explain(&snapshot, &settings(Strategy::RoundRobin), &context(None));
        assert_eq!(places(&lines), [(1, Place::First), (0, Place::Closed(limited))]);
    }

    #[test]
    fn the_order_told_is_the_order_of_the_plan_and_by_the_parts_told() {
        for strategy in Strategy::ALL {
            for order in [FallbackOrder::AccountFirst, FallbackOrder::PoolFirst] {
                let settings = Settings { fallback_order: order, ..settings(strategy) };
                let mut snapshot = snapshot(&[5, 0, 2, 1]);
                let second = WayView { deprioritised: true, ..snapshot.accounts[1].ways[0] };
                snapshot.accounts[1].ways.push(second);
                for own in [None, Some(0)] {
                    let context = Context { own, ..context(Some(2)) };
                    let lines = explain(&snapshot, &settings, &context);
                    let plan = plan(&snapshot, &settings, &context).expect("open ways");
                    let told: Vec<_> = lines.iter().map(|line| line.way).collect();
                    assert_eq!(told, plan.candidates.to_vec(), "{strategy}");
                    assert!(lines.is_sorted_by_key(|line| line.parts.clone()), "{strategy}: {lines:#?}");
                    assert!(own.is_none() || told[0].account == 0, "{strategy}: {lines:#?}");
                }
            }
        }
    }
}
