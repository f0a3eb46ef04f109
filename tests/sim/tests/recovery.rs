//! After a limit the fleet is used again. `recover` measures the same over many seeds.

use std::time::Duration;

use pointsman_sim::recovery::{Case, Quotas, Recovered, Trouble, Who, recovery};

const SEEDS: u64 = 3;

fn worst(case: &Case, figure: impl Fn(&Recovered) -> f64) -> f64 {
    (0..SEEDS).map(|seed| figure(&recovery(case, Who::Ours, seed))).fold(f64::INFINITY, f64::min)
}

/// Returns what is served of the fluid limit at least, in hundredths.
fn least(case: &Case) -> f64 {
    match case.quotas {
        Quotas::Buckets if case.trouble == Trouble::None => 88.0,
        Quotas::Buckets => 78.0,
        Quotas::Windows(length, _) if length < Duration::from_secs(10) => 75.0,
        Quotas::Windows(length, _) if length < Duration::from_secs(60) => 82.0,
        Quotas::Windows(..) => 97.0,
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let is_short = |quotas: &Quotas| match quotas {
        Quotas::Buckets => true,
        Quotas::Windows(length, _) => *length <= Duration::from_secs(60),
    };
    Case::all().into_iter().filter(move |case| case.hints && is_short(&case.quotas))
}

#[test]
fn a_fleet_is_used_again_after_a_limit() {
    for case in cases() {
        let served = worst(&case, Recovered::goodput) * 100.0;
        assert!(served >= least(&case), "{case}: {served:.1} % of the fluid limit");
    }
}

#[test]
fn sessions_stay_once_they_have_spread_and_no_caller_sees_a_limit() {
    for case in cases() {
        let stayed = worst(&case, |run| run.stayed);
        assert!(stayed >= 0.87, "{case}: {stayed:.3} stay");
        assert!(worst(&case, |run| -(run.shown as f64)) >= 0.0, "{case}: a caller saw a 429");
    }
}

#[test]
fn an_account_does_not_refuse_much_more_than_once_in_a_window() {
    for case in cases().filter(|case| case.quotas != Quotas::Buckets) {
        let limited = -worst(&case, |run| -run.limited);
        assert!(limited <= 3.0, "{case}: {limited:.2} refusals in a window, or in ten seconds");
    }
}
