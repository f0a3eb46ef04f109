//! Failover: what the refusals of several hops come to.

use std::time::Duration;

use crate::planning::plan::Refusal;
use crate::time::Millis;

/// The interval between two looks at a busy hop.
const MOMENT: Duration = Duration::from_secs(1);

/// Returns the next look at the primary, if the primary may open by `stay`, the end of the wait there.
pub(crate) fn opens_by(primary: &Refusal, stay: Millis, now: Millis) -> Option<Millis> {
    let until = earliest([primary.until, moment(primary, now).map(|moment| moment.min(stay))])?;
    (now < stay && until <= stay).then_some(until)
}

/// Adds the next look at a busy hop: a slot may come free at any time, independent of other accounts.
pub(crate) fn dated(refusal: Refusal, now: Millis) -> Refusal {
    Refusal { until: earliest([refusal.until, moment(&refusal, now)]), ..refusal }
}

/// Returns the refusal by two hops together.
pub(crate) fn both(one: Refusal, other: Refusal) -> Refusal {
    let [until, last_resort] = [[one.until, other.until], [one.last_resort, other.last_resort]].map(earliest);
    Refusal { until, last_resort, counts: one.counts.and(other.counts) }
}

/// Returns the earlier of two instants, as far as they are known.
pub(crate) fn earliest(instants: [Option<Millis>; 2]) -> Option<Millis> {
    instants.into_iter().flatten().min()
}

fn moment(refusal: &Refusal, now: Millis) -> Option<Millis> {
    (refusal.counts.busy > 0).then(|| now.after(MOMENT))
}
