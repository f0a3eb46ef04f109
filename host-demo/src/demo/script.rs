//! The upstream's script for the demo, fitted to the length of the run.

use std::time::Duration;

use pointsman_upstream::{DEMO_OUTAGE_AFTER, DEMO_OUTAGE_LENGTH, Lasts, Pace, Script, demo_script};

/// Returns the script for a run of `total`.
pub(crate) fn of(seed: u64, total: Duration) -> Script {
    let mut script = demo_script(seed).pace(pace());
    for fault in &mut script.faults {
        fault.lasts = outage(total);
    }
    script
}

/// An outage within a short run, too.
fn outage(total: Duration) -> Lasts {
    let after = DEMO_OUTAGE_AFTER.min(total.mul_f64(0.3));
    let length = DEMO_OUTAGE_LENGTH.min(total.mul_f64(0.15));
    Lasts::Span { after, length }
}

/// A stream takes a third of a second, so several are in flight at the start of each limit and end after
/// it.
fn pace() -> Pace {
    let (head, gap, jitter) =
        (Duration::from_millis(40), Duration::from_millis(30), Duration::from_millis(10));
    Pace { jitter, ..Pace::spread(8, gap).head(head) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_meets_its_outage() {
        for seconds in [5, 20, 300] {
            let total = Duration::from_secs(seconds);
            let Lasts::Span { after, length } = outage(total) else { panic!("an outage has an end") };
            assert!(after + length < total / 2 && length >= total.mul_f64(0.01), "{seconds} s");
        }
    }
}
