//! Callers who come at a rate, whether or not they are served.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pointsman_loader::Router;
use pointsman_tests::{Ask, Heard};
use tokio::runtime;
use tokio::time::{sleep, sleep_until};

use super::{HEAD_AFTER, Scenario};

const SESSIONS: u64 = 32;
/// How long a caller tries; the router may hold a request as long.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause of a caller that was not told when to come again.
const PAUSE: Duration = Duration::from_secs(1);

/// What callers saw until the end of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) offered: u32,
    pub(crate) refused: u32,
    /// In the order in which they were answered: session, account, and how long the router held the request.
    pub(crate) served: Vec<(u64, String, Duration)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Callers {
    scenario: Scenario,
    seen: Arc<Mutex<Seen>>,
}

impl Callers {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self { scenario, seen: Arc::default() }
    }

    /// Asks for as long as a run takes, and returns what was seen.
    pub(crate) fn ask(self, router: &Router) -> Seen {
        let runtime = runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.come(router));
        drop(runtime);
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn come(&self, router: &Router) {
        let (mut chance, begin) = (Chance(7), Instant::now());
        let mut at = Duration::ZERO;
        loop {
            at += chance.pause(self.scenario.rate());
            if at >= self.scenario.run {
                break;
            }
            sleep_until((begin + at).into()).await;
            let session = chance.below(SESSIONS);
            let (own, router) = (self.clone(), router.clone());
            tokio::spawn(async move { own.insist(&router, session, begin + at).await });
        }
        sleep_until((begin + self.scenario.run).into()).await;
    }

    /// Asks until it is served or its patience ends.
    async fn insist(&self, router: &Router, session: u64, since: Instant) {
        self.note(|seen| seen.offered += 1);
        let mut pause = PAUSE;
        while since.elapsed() < PATIENCE {
            let ask = Ask::chat().session(&format!("session-{session}"));
            let Ok(answer) = router.fetch(ask.request()).await else { return };
            let held = since.elapsed().saturating_sub(HEAD_AFTER);
            let heard = Heard::all(answer).await;
            if heard.status == 200 {
                let account = heard.account().to_owned();
                return self.note(|seen| seen.served.push((session, account, held)));
            }
            self.note(|seen| seen.refused += 1);
            sleep(heard.retry_after().map_or(pause, Duration::from_secs).max(PAUSE)).await;
            pause *= 2;
        }
    }

    fn note(&self, act: impl FnOnce(&mut Seen)) {
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Numbers that are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Draws a pause between two callers who know nothing of each other.
    fn pause(&mut self, rate: f64) -> Duration {
        let unit = (self.below(1 << 24) as f64 + 0.5) / f64::from(1 << 24);
        Duration::from_secs_f64(-unit.ln() / rate)
    }
}
