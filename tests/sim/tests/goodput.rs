//! What the measurement of goodput must be able to show.

use pointsman_sim::goodput::{Kind, RouterKind, Scenario, Skew, goodput};
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
    RouterKind::Ours(Strategy::Sticky),
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
