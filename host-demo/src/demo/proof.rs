//! The proofs of a run, as a pure function of its evidence.
//!
//! A proof needs two facts: the situation occurred, and no harm came from it. Without the situation nothing
//! is proved, and the proof says so.

use std::collections::HashMap;

use super::evidence::{Call, Cell, Evidence, LEARNING_MS, Limit, Visit};
use super::scenario::{Family, Pin};

/// A claim with its verdict and numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) claim: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) numbers: String,
}

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    Fails,
    /// The situation did not occur in this run.
    Unseen,
}

/// Examines the evidence.
pub(crate) fn prove(evidence: &Evidence) -> Vec<Proof> {
    let limits = evidence.limits();
    vec![
        all_answered(evidence),
        no_limit_seen(evidence),
        no_limit_lifted(evidence, &limits),
        bursts_counted_once(evidence, &limits),
        pins_held(evidence),
        families_apart(evidence, &limits),
        refused_left_alone(evidence),
        outage_was_no_limit(evidence),
    ]
}

/// Judges a claim: failed after `harm`, open without a test.
fn proof(claim: &'static str, tested: bool, harm: bool, numbers: String) -> Proof {
    let verdict = match (harm, tested) {
        (true, _) => Verdict::Fails,
        (false, true) => Verdict::Holds,
        (false, false) => Verdict::Unseen,
    };
    Proof { claim, verdict, numbers }
}

fn all_answered(evidence: &Evidence) -> Proof {
    let (made, answered, counted) = (evidence.made, evidence.answered(), evidence.counted.requests);
    let harm = answered != made || counted != made;
    let numbers = format!("{answered} of {made}; the plugin counted {counted}");
    proof("every request was answered", made > 0, harm, numbers)
}

fn no_limit_seen(evidence: &Evidence) -> Proof {
    let (given, seen) = (evidence.visits_with(429), evidence.calls_with(429));
    let numbers = format!("{given} given upstream, {seen} seen");
    proof("no caller saw a 429", given > 0, seen > 0, numbers)
}

/// Streams from before a limit must not open the pool by their end.
fn no_limit_lifted(evidence: &Evidence, limits: &[Limit]) -> Proof {
    let late = evidence.visits.iter().filter(|visit| limits.iter().any(|limit| is_late(visit, limit)));
    let stray = evidence.visits.iter().filter(|visit| limits.iter().any(|limit| strays_into(visit, limit)));
    let (late, stray, counted) = (late.count(), stray.count(), evidence.counted.stale_successes);
    let numbers = format!("{late} late ({counted} counted), {stray} went in");
    proof("no late success lifted a limit", late > 0, stray > 0, numbers)
}

fn is_late(visit: &Visit, limit: &Limit) -> bool {
    let is_success = visit.status == 200 && visit.cell == limit.cell;
    is_success
        && visit.at_ms < limit.began_ms
        && (limit.told_ms + 1..limit.until_ms).contains(&visit.ended_ms)
}

fn strays_into(visit: &Visit, limit: &Limit) -> bool {
    visit.cell == limit.cell && limit.holds_at(visit.at_ms)
}

fn bursts_counted_once(evidence: &Evidence, limits: &[Limit]) -> Proof {
    let counted = &evidence.counted;
    let (given, events) = (evidence.visits_with(429), limits.len() as u64);
    let sums = counted.trips + counted.burst_duplicates;
    let harm = counted.trips > events || sums != counted.upstream_429 || counted.upstream_429 != given;
    let (trips, same) = (counted.trips, counted.burst_duplicates);
    let numbers = format!("{given} = {trips} trips + {same} same; {events} limits");
    proof("a burst of 429s counts once", same > 0, harm, numbers)
}

fn pins_held(evidence: &Evidence) -> Proof {
    let pins: HashMap<u64, Pin> = evidence.calls.iter().filter_map(pin).collect();
    let left = evidence.visits.iter().filter(|visit| {
        let pin = visit.call.and_then(|call| pins.get(&call));
        pin.is_some_and(|pin| !pin.allows(&visit.cell))
    });
    let (pinned, left) = (pins.len(), left.count());
    proof("a pinned request goes nowhere else", pinned > 0, left > 0, format!("{pinned} pinned, {left} went"))
}

fn pin(call: &Call) -> Option<(u64, Pin)> {
    Some((call.number, call.ask.pin?))
}

fn families_apart(evidence: &Evidence, limits: &[Limit]) -> Proof {
    let strayed = evidence.visits.iter().filter(|visit| !visit.family.pools().contains(&&*visit.cell.pool));
    let claude: Vec<&Limit> =
        limits.iter().filter(|limit| Family::Claude.pools().contains(&&*limit.cell.pool)).collect();
    let went_on = evidence.visits.iter().filter(|visit| {
        let serves = visit.family == Family::Gemini && visit.status == 200;
        serves && claude.iter().any(|limit| is_on_account_of(visit, limit))
    });
    let (strayed, went_on) = (strayed.count(), went_on.count());
    let numbers = format!("{strayed} strayed; {went_on} Gemini in Claude limits");
    proof("a family's limit is its own", went_on > 0, strayed > 0, numbers)
}

fn is_on_account_of(visit: &Visit, limit: &Limit) -> bool {
    visit.cell.account == limit.cell.account && limit.holds_at(visit.at_ms)
}

fn refused_left_alone(evidence: &Evidence) -> Proof {
    let its: Vec<&Visit> =
        evidence.visits.iter().filter(|visit| visit.cell.account == evidence.refused).collect();
    let told: Vec<u64> = its.iter().filter(|visit| visit.status == 401).map(|visit| visit.ended_ms).collect();
    let after = its.iter().filter(|visit| told.iter().any(|told| is_soon_after(visit.at_ms, *told))).count();
    let misnamed = evidence.notices.iter().filter(|seen| is_of(&seen.account, &evidence.refused));
    let misnamed = misnamed.filter(|seen| speaks_of_quota(&seen.text)).count();
    let numbers = format!("{after} within 30 s of a 401, {misnamed} wrong notices");
    proof("a refused account is left alone", !told.is_empty(), after + misnamed > 0, numbers)
}

/// The shortest acceptable pause before another try of a refused credential.
const LEFT_ALONE_MS: u64 = 30_000;

/// Returns whether a request came late enough to know of the 401, and too soon to try again.
fn is_soon_after(at_ms: u64, told_ms: u64) -> bool {
    (told_ms + LEARNING_MS..told_ms + LEFT_ALONE_MS).contains(&at_ms)
}

/// Returns whether the account's id, `provider:label`, has this label.
fn is_of(id: &str, label: &str) -> bool {
    id == label || id.rsplit(':').next() == Some(label)
}

fn speaks_of_quota(text: &str) -> bool {
    let text = text.to_lowercase();
    ["rate", "quota", "limit"].iter().any(|word| text.contains(word))
}

/// An outage mistaken for a limit is a trip without a 429 in the upstream's books.
fn outage_was_no_limit(evidence: &Evidence) -> Proof {
    let (given, seen) = (evidence.visits_with(503), evidence.calls_with(503));
    let trips = evidence.counted.trips_by_cell.iter();
    let invented: u64 = trips.map(|(cell, trips)| trips.saturating_sub(refusals(evidence, cell))).sum();
    let numbers = format!("{given} of 503, {seen} seen, {invented} taken for limits");
    proof("an outage is not a limit", given > 0, seen + invented > 0, numbers)
}

fn refusals(evidence: &Evidence, cell: &Cell) -> u64 {
    evidence.visits.iter().filter(|visit| visit.status == 429 && visit.cell == *cell).count() as u64
}

#[cfg(test)]
mod tests;
