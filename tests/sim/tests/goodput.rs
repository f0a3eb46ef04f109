//! What the measurement of goodput must be able to show.

use pointsman_sim::goodput::{Kind, Report, RouterKind, Scenario, Skew, goodput};
use pointsman_sim::ours::Strategy;

const SCENARIO: Scenario = Scenario {
    accounts: 4,
    demand: 1.5,
    skew: Skew::Equal,
    hints: true,
    readings: false,
    kind: Kind::Windows,
    latency: Scenario::LATENCY,
    run: Scenario::RUN,
};

const ROUTERS: [RouterKind; 6] = [
    RouterKind::Ours(Strategy::Hybrid),
    RouterKind::InOrder,
    RouterKind::RoundRobin,
    RouterKind::Random,
    RouterKind::LeastRecentlyUsed,
    RouterKind::Hybrid,
];

#[test]
fn nobody_serves_more_than_there_is() {
    for router in ROUTERS {
        for demand in [0.5, 1.5] {
            let report = goodput(&Scenario { demand, ..SCENARIO }, router, 1);
            // A window that has begun at the end of a run may be used up in it.
            assert!((0.3..1.1).contains(&report.goodput()), "{router:?}: {report:?}");
            assert!(report.served <= report.offered);
        }
    }
}

/// Runs our router, as it is where nobody sets anything, on a fleet with quotas of one kind.
fn ours(kind: Kind, hints: bool, skew: Skew, demand: f64) -> Report {
    goodput(&Scenario { kind, hints, skew, demand, ..SCENARIO }, RouterKind::Ours(Strategy::Hybrid), 1)
}

#[test]
fn when_more_is_asked_than_there_is_all_of_it_is_served_and_limits_are_seldom_hit() {
    for (hints, limited) in [(true, 0.5), (false, 0.75)] {
        for skew in [Skew::Equal, Skew::Skewed] {
            for demand in [1.5, 4.0] {
                let report = ours(Kind::Windows, hints, skew, demand);
                assert!(report.goodput() >= 0.995, "hints {hints}, {skew:?}, {demand}: {report:?}");
                assert!(
                    report.limited_per_window <= limited,
                    "hints {hints}, {skew:?}, {demand}: {report:?}"
                );
            }
        }
    }
}

/// Windows begin and end half used, and what is learned of them must not drift away from where they lie.
#[test]
fn a_fleet_that_is_nearly_used_up_meets_few_limits() {
    for (hints, limited) in [(true, 0.5), (false, 1.0)] {
        for skew in [Skew::Equal, Skew::Skewed] {
            let report = ours(Kind::Windows, hints, skew, 0.95);
            assert!(report.goodput() >= 0.98, "hints {hints}, {skew:?}: {report:?}");
            assert!(report.limited_per_window <= limited, "hints {hints}, {skew:?}: {report:?}");
        }
    }
}

/// The line of a larger fleet is long enough to run as a whole into an account of which little is known.
#[test]
fn a_long_line_is_not_let_loose_on_an_account_that_is_not_known_yet() {
    let run = Scenario::RUN / 2;
    let scenario = Scenario { accounts: 16, hints: false, run, ..SCENARIO };
    let report = goodput(&scenario, RouterKind::Ours(Strategy::Hybrid), 1);
    assert!(report.goodput() >= 0.99 && report.limited_per_window <= 1.0, "{report:?}");
}

#[test]
fn when_half_is_asked_no_caller_sees_a_limit_and_sessions_stay() {
    for (hints, limited) in [(true, 0.05), (false, 0.25)] {
        for skew in [Skew::Equal, Skew::Skewed] {
            let report = ours(Kind::Windows, hints, skew, 0.5);
            assert_eq!(report.callers_429s, 0, "hints {hints}, {skew:?}: {report:?}");
            assert!(report.limited_per_window <= limited, "hints {hints}, {skew:?}: {report:?}");
            assert!(report.limited_when_learned <= limited * 0.7, "hints {hints}, {skew:?}: {report:?}");
            assert!(report.stayed >= 0.95, "hints {hints}, {skew:?}: {report:?}");
        }
    }
}

#[test]
fn buckets_are_paced_whether_or_not_they_say_when_the_next_token_comes() {
    for (hints, limited) in [(true, 1.0), (false, 1.5)] {
        let report = ours(Kind::Buckets, hints, Skew::Equal, 4.0);
        assert!(report.goodput() >= 0.98, "hints {hints}: {report:?}");
        assert!(report.limited_per_window <= limited, "hints {hints}: {report:?}");
    }
}

#[test]
fn a_measurement_can_be_repeated() {
    for router in ROUTERS {
        let [one, other] = [goodput(&SCENARIO, router, 7), goodput(&SCENARIO, router, 7)];
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
}

#[test]
fn all_routers_meet_the_same_callers() {
    let offered = ROUTERS.map(|router| goodput(&SCENARIO, router, 3).offered);
    assert!(offered.windows(2).all(|pair| pair[0] == pair[1]), "{offered:?}");
}

/// A session's prompt is cached at its account. Below the capacity of the fleet it has little reason to leave.
#[test]
fn sessions_stay_at_home_at_half_the_demand() {
    for strategy in [Strategy::Hybrid, Strategy::Sticky] {
        for (accounts, skew, hints) in [
            (2, Skew::Equal, true),
            (4, Skew::Equal, false),
            (4, Skew::Skewed, true),
            (16, Skew::Skewed, true),
        ] {
            let scenario = Scenario { accounts, demand: 0.5, skew, hints, ..SCENARIO };
            let stayed = goodput(&scenario, RouterKind::Ours(strategy), 11).stayed;
            assert!(stayed >= 0.95, "{strategy}, {accounts} accounts, {skew:?}, hints {hints}: {stayed:.3}");
        }
    }
}
