//! No subagent starves: where more is asked for than there is, sessions get alike, however loud each is.

use std::time::Duration;

use pointsman_core::time::Millis;
use pointsman_sim::engine::Engine;
use pointsman_sim::latency::Latency;
use pointsman_sim::ours::{Ours, Setup, Strategy};
use pointsman_sim::rng::Rng;
use pointsman_sim::traffic::closed_loop::ClosedLoop;
use pointsman_sim::upstream::hint::HintStyle;
use pointsman_sim::upstream::{Meter, Upstream};
use pointsman_sim::watch::{Happening, Violation, Watch, What};

/// The stated bound: the median session is served at most so many times as often as the slowest. A session
/// with one request at a time misses the rounds in which that is under way; one that always has somebody in
/// line misses none.
const BOUND: f64 = 2.0;
const RUN: Duration = Duration::from_secs(1_200);

/// Counts what each session was served, and how many others were served while a request waited.
#[derive(Debug, Default)]
struct Services {
    of_session: Vec<u64>,
    in_all: u64,
    begun: Vec<u64>,
    /// The most services of others that a request of a session with one at a time waited for.
    longest_of_lone: u64,
    lone_from: u32,
}

impl Watch<Ours> for Services {
    fn note(&mut self, happening: &Happening, _: &Ours) -> Result<(), Violation> {
        let (request, session) = (happening.request.0 as usize, happening.ask.session.0);
        if matches!(happening.what, What::Arrived) {
            self.begun.resize(self.begun.len().max(request + 1), 0);
            self.begun[request] = self.in_all;
        } else if matches!(happening.what, What::Sent { .. }) {
            self.in_all += 1;
            self.of_session.resize(self.of_session.len().max(session as usize + 1), 0);
            self.of_session[session as usize] += 1;
            if session >= self.lone_from {
                let waited = self.in_all - 1 - self.begun[request];
                self.longest_of_lone = self.longest_of_lone.max(waited);
            }
        }
        Ok(())
    }

    fn rest(&mut self, _: &Ours, _: Millis) -> Result<(), Violation> {
        Ok(())
    }
}

fn unlimited() -> Meter {
    Meter { quotas: Vec::new(), hints: HintStyle::Exact, tells: false, others: None }
}

/// Twelve sessions with six requests at a time, and eight with one; four requests may be under way.
fn run(first_come: bool) -> Services {
    let mut setup = Setup::plain(2, Strategy::LeastConnections, Duration::from_secs(600));
    (setup.total, setup.first_come) = (Some(4), first_come);
    let parallel = [[6; 12].as_slice(), &[1; 8]].concat();
    let traffic = ClosedLoop::new(parallel, RUN, Rng::new(11));
    let upstream = Upstream::new(1, vec![unlimited(), unlimited()], Vec::new());
    let watch = Services { lone_from: 12, ..Services::default() };
    let mut engine = Engine::new(Ours::new(setup), traffic, upstream, Latency::default(), watch);
    engine.run().unwrap_or_else(|violation| panic!("{violation:?}"));
    engine.watch
}

/// How many times as often as the slowest session the median one is served.
fn median_to_slowest(services: &Services) -> f64 {
    let mut served = services.of_session.clone();
    served.sort_unstable();
    assert_eq!(served.len(), 20, "every session was served");
    served[served.len() / 2] as f64 / served[0] as f64
}

#[test]
fn the_slowest_session_is_served_nearly_as_often_as_the_median_one() {
    let services = run(false);
    let ratio = median_to_slowest(&services);
    assert!(ratio <= BOUND, "{ratio}: {:?}", services.of_session);
}

/// A lone request waits for at most two services of each other session, however many those have in line.
#[test]
fn a_lone_request_waits_for_two_services_of_each_other_session_at_most() {
    let longest = run(false).longest_of_lone;
    assert!(longest <= 2 * 19, "{longest} services");
}

/// The twin: first come, first served without regard to sessions. Who asks more gets more.
#[test]
fn without_turns_of_sessions_both_bounds_are_broken() {
    let services = run(true);
    assert!(median_to_slowest(&services) > 2.0 * BOUND, "{:?}", services.of_session);
    assert!(services.longest_of_lone > 2 * 19, "{}", services.longest_of_lone);
}
