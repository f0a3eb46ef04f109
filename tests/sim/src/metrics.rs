//! Measuring: what a run served, and what it cost callers and upstreams.

use std::time::Duration;

use pointsman_core::time::Millis;

use crate::upstream::{CellId, Verdict};
use crate::watch::{Happening, Violation, Watch, What};

/// Counts what happens until the end of a run; what is still under way then is not counted.
#[derive(Clone, Debug)]
pub struct Tally {
    until: Millis,
    /// How long one window of each account lasts.
    windows: Vec<Duration>,
    /// 429s of each account after its first window.
    limited: Vec<u64>,
    /// Those of the second half of the run, when capacities are known.
    limited_late: u64,
    pub served: u64,
    pub offered: u64,
    pub attempts: u64,
    pub upstream_429s: u64,
    pub callers_429s: u64,
    /// Requests of sessions that were served before, and those of them that met the same account.
    returned: u64,
    stayed: u64,
    stickies: Vec<Option<u16>>,
    sent_at: Vec<Millis>,
    waits: Vec<u32>,
}

impl Tally {
    /// Begins to count a run of accounts with these windows.
    pub fn new(run: Duration, windows: Vec<Duration>) -> Self {
        Self {
            until: Millis(run.as_millis() as u64),
            limited: vec![0; windows.len()],
            limited_late: 0,
            windows,
            served: 0,
            offered: 0,
            attempts: 0,
            upstream_429s: 0,
            callers_429s: 0,
            returned: 0,
            stayed: 0,
            stickies: Vec::new(),
            sent_at: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Returns how many 429s an account gave in one of its windows, on average, after the first.
    pub fn limited_per_window(&self) -> f64 {
        let run = self.until.since(Millis::START).as_secs_f64();
        let of = |(limited, window): (&u64, &Duration)| *limited as f64 / (run / window.as_secs_f64() - 1.0);
        self.limited.iter().zip(&self.windows).map(of).sum::<f64>() / self.windows.len() as f64
    }

    /// Returns the same of the second half of the run.
    pub fn limited_when_learned(&self) -> f64 {
        let half = self.until.since(Millis::START).as_secs_f64() / 2.0;
        let windows: f64 = self.windows.iter().map(|window| half / window.as_secs_f64()).sum();
        self.limited_late as f64 / windows
    }

    /// Returns the share of returning requests that met the account of their session.
    pub fn stayed(&self) -> f64 {
        self.stayed as f64 / self.returned.max(1) as f64
    }

    /// Returns the wait that so many of a hundred served requests stayed below.
    pub fn wait(&mut self, percent: usize) -> Duration {
        self.waits.sort_unstable();
        let place = (self.waits.len() * percent / 100).min(self.waits.len().saturating_sub(1));
        Duration::from_millis(self.waits.get(place).copied().unwrap_or_default().into())
    }

    fn sent(&mut self, happening: &Happening) {
        self.attempts += 1;
        let place = happening.request.0 as usize;
        if self.sent_at.len() <= place {
            self.sent_at.resize(place + 1, Millis::START);
        }
        self.sent_at[place] = happening.now;
    }

    fn limited(&mut self, cell: CellId, now: Millis) {
        let account = usize::from(cell.account);
        self.upstream_429s += 1;
        self.limited_late += u64::from(now.0 * 2 >= self.until.0);
        self.limited[account] += u64::from(now.since(Millis::START) >= self.windows[account]);
    }

    fn good(&mut self, happening: &Happening, cell: CellId) {
        self.served += 1;
        let sent = self.sent_at[happening.request.0 as usize];
        self.waits.push(sent.since(happening.since).as_millis() as u32);
        let session = happening.ask.session.0 as usize;
        if self.stickies.len() <= session {
            self.stickies.resize(session + 1, None);
        }
        if let Some(sticky) = self.stickies[session].replace(cell.account) {
            self.returned += 1;
            self.stayed += u64::from(sticky == cell.account);
        }
    }
}

impl<R> Watch<R> for Tally {
    fn note(&mut self, happening: &Happening, _: &R) -> Result<(), Violation> {
        if happening.now >= self.until {
            return Ok(());
        }
        match happening.what {
            What::Arrived => self.offered += u64::from(happening.now == happening.since),
            What::Sent { .. } => self.sent(happening),
            What::Answered { cell, answer } => match answer.verdict {
                Verdict::Good => self.good(happening, cell),
                Verdict::Limited(_) => self.limited(cell, happening.now),
                Verdict::Capacity(_) | Verdict::ServerError | Verdict::Unreachable => {}
            },
            What::Refused { .. } => self.callers_429s += 1,
            What::Waits { .. } | What::Delivered { .. } | What::StreamEnded | What::Cancelled { .. } => {}
        }
        Ok(())
    }

    fn rest(&mut self, _: &R, _: Millis) -> Result<(), Violation> {
        Ok(())
    }
}
