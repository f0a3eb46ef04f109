//! Legs: the providers that may serve one request, one after the other.
//!
//! The first leg is the request's own provider, its origin; the others are the chain that the configuration
//! names for its model. A request leaves its origin when that is closed for longer than a short wait, because
//! what a chain leads to is somebody else's quota, another model and a cold prompt cache. It does not look
//! for the best of all legs: the first that is open serves it. Chains do not recurse.
//!
//! It is one request throughout: its attempts and its waits are counted over all legs, and where all are
//! closed it waits for the earliest instant that could help at any of them.

use std::time::Duration;

use crate::planning::plan::{Plan, Refusal};
use crate::time::Millis;

/// How soon a place that is only busy is looked at again.
const MOMENT: Duration = Duration::from_secs(1);

/// Finds where a request goes that its origin refused.
///
/// It stays and waits where the origin opens by `stay`, which is as far off as it would wait for its session's
/// own account: both save a prompt from being read again where no cache knows it. Else `plan` is asked for each other leg, from 1 to
/// `last`, until one is open. Returns the leg and its plan. Leg 0 comes with a refusal: the origin's while
/// it is worth waiting for, else that of all legs together.
///
/// # Errors
/// The second half is a [`Refusal`] where the request has to wait or to give up.
pub fn onward(
    origin: Refusal,
    last: usize,
    stay: Millis,
    now: Millis,
    mut plan: impl FnMut(usize) -> Result<Plan, Refusal>,
) -> (usize, Result<Plan, Refusal>) {
    if let Some(soon) = opens_by(&origin, stay, now) {
        return (0, Err(Refusal { until: Some(soon), knock: None, ..origin }));
    }
    let mut all = dated(origin, now);
    for leg in 1..=last {
        match plan(leg) {
            Ok(plan) => return (leg, Ok(plan)),
            Err(refusal) => all = both(all, dated(refusal, now)),
        }
    }
    (0, Err(all))
}

/// Returns when to look at the origin again, where that is soon enough.
fn opens_by(origin: &Refusal, stay: Millis, now: Millis) -> Option<Millis> {
    let until = earliest([origin.until, moment(origin, now).map(|moment| moment.min(stay))])?;
    (now < stay && until <= stay).then_some(until)
}

/// A place that is busy can be free at any time, whatever other accounts wait for.
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
    let [until, knock] = [[one.until, other.until], [one.knock, other.knock]].map(earliest);
    Refusal { until, knock, counts: one.counts.and(other.counts) }
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
                trial: None,
                spared: false
            }],
        })
    }

    fn closed(until: Option<u64>, counts: Counts) -> Refusal {
        Refusal { until: until.map(Millis), knock: None, counts }
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
        origin: Refusal,
        others: &[Result<Plan, Refusal>],
        now: Millis,
    ) -> (usize, Option<Refusal>, usize) {
        let mut asked = 0;
        let (leg, plan) = onward(origin, others.len(), STAY, now, |leg| {
            asked += 1;
            others[leg - 1].clone()
        });
        (leg, plan.err(), asked)
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
        let (leg, refusal, asked) = went(busy(), &[open()], NOW);
        assert_eq!((leg, refusal.and_then(|refusal| refusal.until), asked), (0, Some(Millis(11_000)), 0));
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
