//! The subagents at work: loops of thinking and asking, through the ABI.

use std::sync::Arc;
use std::time::Duration;

use pointsman_api::Error;
use pointsman_loader::{Answer, Router};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::board::{Activity, Board};
use super::evidence::{Call, Ending};
use super::scenario::{Ask, Bases, SUBAGENTS, Subagent};

/// The shared state of all subagents.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) router: Router,
    pub(crate) board: Arc<Board>,
    pub(crate) bases: Bases,
    pub(crate) seed: u64,
    /// Becomes true at the end of the run: no new requests.
    pub(crate) enough: watch::Receiver<bool>,
}

/// Starts every subagent. Each ends after its last request once the run is over.
pub(crate) fn start(work: &Work) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for (index, subagent) in SUBAGENTS.into_iter().enumerate() {
        tasks.spawn(run(work.clone(), index, subagent));
    }
    tasks
}

async fn run(mut work: Work, index: usize, subagent: Subagent) {
    let mut dice = Dice::new(work.seed, index as u64);
    for ask in subagent.asks.iter().cycle() {
        work.board.does(index, Activity::Thinking);
        if is_enough(&mut work.enough, dice.thinking()).await {
            break;
        }
        ask_at_once(&work, index, subagent, *ask).await;
    }
    work.board.does(index, Activity::Done);
}

/// Waits for `span`, or until the end of the run.
async fn is_enough(enough: &mut watch::Receiver<bool>, span: Duration) -> bool {
    // Whoever could say that there was enough is gone: then there was.
    tokio::time::timeout(span, enough.wait_for(|enough| *enough)).await.is_ok()
}

/// Makes a subagent's parallel requests, and waits for all of them.
async fn ask_at_once(work: &Work, index: usize, subagent: Subagent, ask: Ask) {
    let mut asked = JoinSet::new();
    for _ in 0..subagent.width {
        asked.spawn(ask_once(work.clone(), index, subagent.name, ask));
    }
    while asked.join_next().await.is_some() {}
}

async fn ask_once(work: Work, index: usize, session: &str, ask: Ask) {
    let number = work.board.number();
    work.board.does(index, Activity::Asking(ask.model));
    let ending = match work.router.fetch(ask.request(&work.bases, session, number)).await {
        Ok(answer) => {
            work.board.does(index, Activity::Reading(ask.model));
            read(&ask, answer).await
        }
        Err(error) => Ending::Broken(error.to_string()),
    };
    work.board.ended(index, Call { number, ask, ending, ended_ms: work.board.now_ms() });
}

async fn read(ask: &Ask, answer: Answer) -> Ending {
    let Answer { status, body, .. } = answer;
    let body: Result<Vec<u8>, Error> = body.read_to_end().await;
    match body {
        Ok(_) if status != 200 => Ending::Refused(status),
        Ok(body) if ask.is_whole(&body) => Ending::Answered,
        Ok(body) => Ending::Broken(format!("{} bytes without an end", body.len())),
        Err(error) => Ending::Broken(error.to_string()),
    }
}

/// Numbers by the seed: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Dice(u64);

impl Dice {
    const fn new(seed: u64, subagent: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ (subagent << 32))
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A subagent's thinking time: 20 to 120 ms, fitting the upstream's short windows.
    const fn thinking(&mut self) -> Duration {
        Duration::from_millis(20 + self.next() % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thoughts(seed: u64, subagent: u64) -> Vec<Duration> {
        let mut dice = Dice::new(seed, subagent);
        (0..20).map(|_| dice.thinking()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_thoughts() {
        assert_eq!(thoughts(7, 3), thoughts(7, 3));
        assert_ne!(thoughts(7, 3), thoughts(8, 3));
        assert_ne!(thoughts(7, 3), thoughts(7, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn thinking_ends_when_there_was_enough() {
        let (stop, mut enough) = watch::channel(false);
        assert!(!is_enough(&mut enough, Duration::from_secs(1)).await);
        stop.send_replace(true);
        assert!(is_enough(&mut enough, Duration::from_secs(1)).await);
    }
}
