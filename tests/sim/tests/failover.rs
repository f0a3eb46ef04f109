//! Failover: providers of a chain serve what the primary cannot, and nothing else.

use pointsman_sim::hops::HopsSeen;
use pointsman_sim::world;

/// How many histories with a chain a run of the tests sees.
const SEEDS: u64 = 60;

#[test]
fn a_request_is_served_at_the_first_hop_that_can_serve_it_in_time() {
    let mut sum = HopsSeen::default();
    for seed in 0..SEEDS {
        let outcome = world::run_with_chain(seed).unwrap_or_else(|story| panic!("{story}"));
        assert_eq!(outcome.differences(), 0, "the router and the reference count alike, seed {seed}");
        sum = sum.and(&outcome.hops);
    }
    // What does not occur is not tested.
    assert!(sum.failovers > 0 && sum.checked > 0, "{sum:?}");
}

#[test]
fn a_seed_is_one_history() {
    for seed in [1, 2, 3] {
        assert_eq!(world::run_with_chain(seed), world::run_with_chain(seed));
    }
}
