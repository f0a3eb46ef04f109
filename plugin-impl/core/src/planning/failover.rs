//! Failover: the hops of a request over its own provider and its failover chain.
//!
//! The first hop is the request's own provider, the primary; the others are the configured chain for its
//! model. A request leaves its primary only for a closure longer than a short wait, because a chain leads
//! to another quota, another model and a cold prompt cache. The first open hop serves; hops are not
//! compared. Chains do not recurse.
//!
//! Attempts and waits count over all hops. With every hop closed, the request waits for the earliest useful
//! instant at any of them.

use std::time::Duration;

use crate::planning::plan::{Plan, Refusal};
use crate::time::Millis;

/// The interval between two looks at a busy hop.
const MOMENT: Duration = Duration::from_secs(1);

/// Finds the next hop of a request refused by its primary.
///
/// The request stays and waits if the primary opens by `stay`, the limit of its wait for affinity: both
/// waits avoid reading a prompt again without a cache. Otherwise `plan` is asked for each other hop, from 1
/// to `last`, up to the first open hop. Returns the hop and its plan. Hop 0 comes with a refusal: the
/// primary's as long as waiting pays, else the sum of all hops.
///
/// # Errors
/// The second half is a [`Refusal`] for a request that has to wait or to give up.
pub fn onward(
    primary: Refusal,
    last: usize,
    stay: Millis,
    now: Millis,
    mut plan: impl FnMut(usize) -> Result<Plan, Refusal>,
) -> (usize, Result<Plan, Refusal>) {
    // A short wait at the primary is cheaper than a cold cache elsewhere.
    if let Some(soon) = opens_by(&primary, stay, now) {
        return (0, Err(Refusal { until: Some(soon), last_resort: None, ..primary }));
    }
    // The sum of all refusals, for the case that no hop is open.
    let mut all = dated(primary, now);
    for hop in 1..=last {
        match plan(hop) {
            Ok(plan) => return (hop, Ok(plan)),
            Err(refusal) => all = both(all, dated(refusal, now)),
        }
    }
    (0, Err(all))
}

/// Returns the next look at the primary, if soon enough.
fn opens_by(primary: &Refusal, stay: Millis, now: Millis) -> Option<Millis> {
    let until = earliest([primary.until, moment(primary, now).map(|moment| moment.min(stay))])?;
    (now < stay && until <= stay).then_some(until)
}

/// A busy slot may come free at any time, independent of other accounts.
fn dated(refusal: Refusal, now: Millis) -> Refusal {
    Refusal { until: earliest([refusal.until, moment(&refusal, now)]), ..refusal }
}

fn moment(refusal: &Refusal, now: Millis) -> Option<Millis> {
    (refusal.counts.busy > 0).then(|| now.after(MOMENT))
}

fn earliest(instants: [Option<Millis>; 2]) -> Option<Millis> {
    instants.into_iter().flatten().min()
}

fn both(one: Refusal, other: Refusal) -> Refusal {
    let [until, last_resort] = [[one.until, other.until], [one.last_resort, other.last_resort]].map(earliest);
    Refusal { until, last_resort, counts: one.counts.and(other.counts) }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::planning::plan::{Candidate, Counts};

    const NOW: Millis = Millis(10_000);
    const STAY: Millis = Millis(15_000);

    fn open() -> Result<Plan, Refusal> {
        Ok(Plan {
            candidates: smallvec![Candidate {
                account: 0,
                pool: 0,
                endpoint: 0,
                preference: 0,
                probe: None,
                deprioritised: false
            }],
        })
    }

    fn closed(until: Option<u64>, counts: Counts) -> Refusal {
        Refusal { until: until.map(Millis), last_resort: None, counts }
    }

    fn limited(until: u64) -> Refusal {
        closed(Some(until), Counts { limited: 1, ..Counts::default() })
    }

    fn busy() -> Refusal {
        closed(None, Counts { busy: 1, ..Counts::default() })
    }

    fn sign_in() -> Refusal {
        closed(None, Counts { needs_sign_in: 1, ..Counts::default() })
    }

    /// Returns the leg, the refusal if it is one, and which legs were asked.
    fn went(
        primary: Refusal,
        others: &[Result<Plan, Refusal>],
        now: Millis,
    ) -> (usize, Option<Refusal>, usize) {
        let mut asked = 0;
        let (hop, plan) = onward(primary, others.len(), STAY, now, |hop| {
            asked += 1;
            others[hop - 1].clone()
        });
        (hop, plan.err(), asked)
    }

    #[test]
    fn a_short_wait_at_the_origin_is_better_than_another_provider() {
        for until in [10_500, 15_000] {
            let stays = went(limited(until), &[open()], NOW);
            assert_eq!(stays, (0, Some(limited(until)), 0), "{until}");
        }
        assert_eq!(went(limited(15_001), &[open()], NOW), (1, None, 1));
    }

    #[test]
    fn patience_with_a_busy_origin_has_an_end() {
        let (hop, refusal, asked) = went(busy(), &[open()], NOW);
        assert_eq!((hop, refusal.and_then(|refusal| refusal.until), asked), (0, Some(Millis(11_000)), 0));
        let (_, refusal, _) = went(busy(), &[open()], Millis(14_500));
        assert_eq!(refusal.and_then(|refusal| refusal.until), Some(STAY), "it does not wait beyond");
        assert_eq!(went(busy(), &[open()], STAY), (1, None, 1));
    }

    #[test]
    fn one_busy_account_is_waited_for_whatever_the_others_are() {
        let counts = Counts { limited: 3, busy: 1, ..Counts::default() };
        let stays = went(closed(Some(90_000), counts), &[open()], NOW);
        assert_eq!(stays, (0, Some(closed(Some(11_000), counts)), 0));
    }

    #[test]
    fn nobody_waits_for_what_only_the_owner_can_mend() {
        assert_eq!(went(sign_in(), &[open()], NOW), (1, None, 1));
    }

    #[test]
    fn the_first_open_leg_serves_in_the_order_written() {
        let others = [Err(limited(90_000)), open(), open()];
        assert_eq!(went(limited(60_000), &others, NOW), (2, None, 2));
    }

    #[test]
    fn where_all_are_closed_all_are_counted_and_the_earliest_instant_is_told() {
        let counts = Counts { limited: 2, needs_sign_in: 1, ..Counts::default() };
        let others = [Err(limited(40_000)), Err(sign_in())];
        assert_eq!(went(limited(60_000), &others, NOW), (0, Some(closed(Some(40_000), counts)), 2));
    }

    #[test]
    fn a_busy_leg_is_worth_another_look_before_a_limit_ends() {
        let counts = Counts { limited: 1, busy: 1, ..Counts::default() };
        let told = Some(closed(Some(11_000), counts));
        assert_eq!(went(limited(60_000), &[Err(busy())], NOW), (0, told, 1));
    }
}
