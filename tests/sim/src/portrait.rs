//! Portraits: what a strategy does, as a picture.
//!
//! Time goes to the right, each account has a row, each request is a dot in the colour of its session, and a
//! limit is a grey bar. All strategies meet the same callers and the same quotas.

mod svg;

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::engine::Engine;
use crate::latency::Latency;
use crate::ours::{Ours, Setup, Strategy};
use crate::rng::Rng;
use crate::router::Session;
use crate::traffic::open_loop::{OpenLoop, PATIENCE, Skew};
use crate::upstream::hint::HintStyle;
use crate::upstream::window::{Anchor, Window};
use crate::upstream::{CellId, Meter, Quota, Upstream, Verdict};
use crate::watch::{Happening, Violation, Watch, What};

/// What the accounts may do in a minute, and their weights.
const CAPACITIES: [u32; 4] = [40, 40, 20, 10];
const WEIGHTS: [u16; 4] = [4, 4, 2, 1];
const WINDOW: Duration = Duration::from_secs(60);
const RUN: Duration = Duration::from_secs(240);
/// Of what the quotas let in.
const DEMAND: f64 = 0.6;
const SESSIONS: usize = 8;
const SEED: u64 = 5;

/// Returns the picture of a strategy, as SVG.
pub fn of(strategy: Strategy) -> String {
    svg::draw(strategy, &run(strategy))
}

/// What happened, as it is drawn.
#[derive(Clone, Debug, Default)]
struct Scenes {
    sent: Vec<(Millis, CellId, Session)>,
    limits: Vec<(CellId, Millis, Millis)>,
    served: [u32; CAPACITIES.len()],
    limited: u32,
    returned: u32,
    stayed: u32,
    stickies: Vec<Option<u16>>,
}

fn run(strategy: Strategy) -> Scenes {
    let meter = |capacity: &u32| Meter {
        quotas: vec![Quota::Window(Window::new(*capacity, WINDOW, Anchor::FirstRequest))],
        hints: HintStyle::Exact,
        tells: true,
        others: None,
    };
    let upstream = Upstream::new(1, CAPACITIES.iter().map(meter).collect(), Vec::new());
    let setup = Setup { weights: &WEIGHTS, ..Setup::plain(CAPACITIES.len() as u16, strategy, PATIENCE) };
    let requests = upstream.fluid(RUN) * DEMAND;
    let traffic = OpenLoop::new(requests, RUN, SESSIONS, Skew::Equal, Rng::new(SEED));
    let latency = Latency { late: 0.0, late_refusals: 0.0, brief: None };
    let mut engine = Engine::new(Ours::new(setup), traffic, upstream, latency, Scenes::default());
    engine.run().expect("nothing is checked here, and every request ends");
    engine.watch
}

impl Scenes {
    fn stayed(&self) -> f64 {
        f64::from(self.stayed) / f64::from(self.returned.max(1))
    }

    fn good(&mut self, cell: CellId, session: Session) {
        self.served[usize::from(cell.account)] += 1;
        let place = session.0 as usize;
        if self.stickies.len() <= place {
            self.stickies.resize(place + 1, None);
        }
        if let Some(sticky) = self.stickies[place].replace(cell.account) {
            self.returned += 1;
            self.stayed += u32::from(sticky == cell.account);
        }
    }
}

impl Watch<Ours> for Scenes {
    fn note(&mut self, happening: &Happening, router: &Ours) -> Result<(), Violation> {
        let (now, session) = (happening.now, happening.ask.session);
        match happening.what {
            What::Sent { cell, .. } => self.sent.push((now, cell, session)),
            What::Answered { cell, answer } => match answer.verdict {
                Verdict::Good => self.good(cell, session),
                Verdict::Limited(_) => {
                    self.limited += 1;
                    self.limits.push((cell, now, router.cell(cell).until));
                }
                Verdict::Capacity(_) | Verdict::ServerError | Verdict::Unreachable => {}
            },
            What::Arrived
            | What::Waits { .. }
            | What::Delivered { .. }
            | What::StreamEnded
            | What::Refused { .. }
            | What::Cancelled { .. } => {}
        }
        Ok(())
    }

    fn rest(&mut self, _: &Ours, _: Millis) -> Result<(), Violation> {
        Ok(())
    }
}
